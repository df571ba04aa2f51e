"""How much, and for how long, a mail server may talk to us. Enforced before any grammar sees a byte."""

from dataclasses import dataclass
from typing import Final

from shared.checks.vocabulary import Phase

_OF_PHASE: Final = {
    Phase.TLS: "handshake_seconds",
    Phase.GREETING: "greeting_seconds",
    Phase.AUTH: "login_seconds",
    Phase.LOGOUT: "goodbye_seconds",
}


@dataclass(frozen=True, slots=True)
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

    def silence_seconds(self, phase: Phase) -> float:
        """How long the server may say nothing in this phase."""
        seconds: float = getattr(self, _OF_PHASE.get(phase, "command_seconds"))
        return seconds
