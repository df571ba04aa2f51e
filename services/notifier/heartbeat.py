"""What the pipeline's pulse means: whether it beats, when somebody has to be told that it does not. Pure."""

from dataclasses import dataclass
from enum import Enum

# No canary for so long, and the operators are told; canaries come every 30 seconds.
SILENT_SECONDS = 120.0
PING_SECONDS = 30.0


class Call(Enum):
    """What is to be done now."""

    TELL_SILENT = "silent"
    TELL_BACK = "back"


@dataclass(slots=True)
class Heartbeat:
    """The pulse as seen from here; times are a monotonic clock's, in seconds.

    A canary counts from when it was first seen: the database's clock, and its age at our start, prove nothing.
    """

    began_at: float
    newest: int | None = None
    beat_at: float | None = None
    pinged_at: float | None = None
    seen_before: bool = False
    silent_told: bool = False
    reason: str = "no canary has passed and been stored"

    def seen(self, stored_at: int | None, *, now: float) -> None:
        """The database was asked, and this is its newest canary."""
        self.reason = "no canary has passed and been stored"
        if not self.seen_before:
            # It may be of last year.
            self.newest, self.seen_before = stored_at, True
        elif stored_at is not None and stored_at != self.newest:
            # A lower one is news as well: the database's clock was set back.
            self.newest, self.beat_at = stored_at, now

    def not_seen(self, reason: str) -> None:
        """The database could not be asked."""
        self.reason = f"the database cannot be asked: {reason}"

    def silent_for(self, *, now: float) -> float:
        return now - (self.beat_at if self.beat_at is not None else self.began_at)

    def call(self, *, now: float) -> Call | None:
        """What the operators have to be told, if anything; said until it was told."""
        if self.silent_for(now=now) >= SILENT_SECONDS:
            return None if self.silent_told else Call.TELL_SILENT
        return Call.TELL_BACK if self.silent_told and self.beat_at is not None else None

    def told(self, call: Call) -> None:
        """They have been."""
        self.silent_told = call is Call.TELL_SILENT

    def wants_ping(self, *, now: float) -> bool:
        """Whether a canary was newly stored since the dead man's URL was last asked for."""
        if self.beat_at is None or (self.pinged_at is not None and self.pinged_at >= self.beat_at):
            return False
        return self.pinged_at is None or now - self.pinged_at >= PING_SECONDS - 1

    def pinged(self, *, now: float) -> None:
        self.pinged_at = now
