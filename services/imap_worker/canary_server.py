"""As much of an IMAP server as a canary check talks to; knows one account, and an empty INBOX. Pure."""

from services.imap_worker.commands import quoted


class ImapCanaryServer:
    """One connection; see `shared.probing.job_handling.canary.CanaryServer`."""

    greeting = b"* OK [CAPABILITY IMAP4rev1] mailprobe canary\r\n"

    def __init__(self, user: str, password: str) -> None:
        self._credentials = b" ".join(quoted(word.encode()) or b"" for word in (user, password))
        self._logged_in = False

    def answer(self, line: bytes) -> bytes:
        tag, _, command = line.partition(b" ")
        verb, _, arguments = command.partition(b" ")
        match verb.upper():
            case b"LOGIN" if arguments == self._credentials:
                self._logged_in = True
                return tag + b" OK Logged in.\r\n"
            case b"LOGIN":
                return tag + b" NO [AUTHENTICATIONFAILED] Not my account.\r\n"
            case b"EXAMINE" if self._logged_in:
                return b"* 0 EXISTS\r\n" + tag + b" OK [READ-ONLY] Examined.\r\n"
            case b"LOGOUT":
                return b"* BYE Bye.\r\n" + tag + b" OK Done.\r\n"
            case _:
                return tag + b" BAD Not that.\r\n"
