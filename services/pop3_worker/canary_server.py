"""As much of a POP3 server as a canary check talks to; knows one account, and an empty mailbox. Pure."""


class Pop3CanaryServer:
    """One connection; see `shared.probing.job_handling.canary.CanaryServer`."""

    greeting = b"+OK mailprobe canary\r\n"

    def __init__(self, user: str, password: str) -> None:
        self._user = user.encode()
        self._password = password.encode()
        self._named: bytes | None = None
        self._logged_in = False

    def answer(self, line: bytes) -> bytes:
        verb, _, argument = line.partition(b" ")
        match verb.upper():
            case b"CAPA":
                return b"+OK\r\nUSER\r\n.\r\n"
            case b"USER":
                self._named = argument
                return b"+OK\r\n"
            case b"PASS" if (self._named, argument) == (self._user, self._password):
                self._logged_in = True
                return b"+OK Logged in.\r\n"
            case b"PASS":
                return b"-ERR [AUTH] Not my account.\r\n"
            case b"STAT" if self._logged_in:
                return b"+OK 0 0\r\n"
            case b"QUIT":
                return b"+OK Bye.\r\n"
            case _:
                return b"-ERR Not that.\r\n"
