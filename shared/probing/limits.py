"""How much, and for how long, a mail server may talk to us. Enforced before any grammar sees a byte."""

from dataclasses import dataclass
from functools import cached_property

from shared.checks.vocabulary import Phase


@dataclass(frozen=True)
class Limits:
    """Caps in bytes and lines; time-outs in seconds of silence, within the deadline of the whole check.

    A byte from the server renews a time-out of silence and never the deadline, so that a server that dribbles is
    found out by the deadline, and one that falls silent by the time-out of its phase.
    """

    line_bytes: int = 8 * 1024
    literal_bytes: int = 64 * 1024
    lines_per_command: int = 256
    connection_bytes: int = 1024 * 1024
    dns_seconds: float = 5.0
    connect_seconds: float = 5.0
    addresses: int = 4
    next_address_after_seconds: float = 0.25  # RFC 8305 section 5
    handshake_seconds: float = 10.0
    greeting_seconds: float = 10.0
    login_seconds: float = 25.0
    command_seconds: float = 15.0
    goodbye_seconds: float = 2.0

    @cached_property
    def silence_seconds(self) -> dict[Phase, float]:
        """How long the server may say nothing in each phase it has a part in."""
        return {
            Phase.TLS: self.handshake_seconds,
            Phase.GREETING: self.greeting_seconds,
            Phase.CAPABILITY: self.command_seconds,
            Phase.AUTH: self.login_seconds,
            Phase.MAILBOX: self.command_seconds,
            Phase.LOGOUT: self.goodbye_seconds,
        }

    @cached_property
    def least_patience_seconds(self) -> float:
        return min(self.silence_seconds.values())
