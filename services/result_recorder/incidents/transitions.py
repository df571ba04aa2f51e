"""What can be observed of a monitor, and what the incident engine answers with: two small closed languages."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from services.result_recorder.incidents.state import Cause
from shared.checks.vocabulary import LoginOutcome, OutcomeKind, Phase


@dataclass(frozen=True, slots=True)
class Seen:
    """A check that tells something about the mail server: counted, at one location, passed or failed."""

    location_id: int
    slot_at: int
    check_id: UUID
    revision: int
    kind: OutcomeKind
    phase: Phase
    message: str
    hint: str | None = None
    server_words: str | None = None
    login: LoginOutcome = LoginOutcome.NOT_SENT
    started_at: int = 0

    @property
    def passed(self) -> bool:
        return self.kind is OutcomeKind.OK

    @property
    def cause(self) -> Cause:
        return Cause(
            kind=self.kind,
            phase=self.phase,
            message=self.message,
            hint=self.hint,
            server_words=self.server_words,
            check_id=self.check_id,
            slot_at=self.slot_at,
            started_at=self.started_at,
        )


@dataclass(frozen=True, slots=True)
class GotPast:
    """A check that was not to log in and got as far as it was allowed to: no pass, but nothing before is broken."""

    location_id: int
    slot_at: int
    revision: int


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Nothing but time. follow_up_over: the follow-up asked for ended without telling anything."""

    follow_up_over: bool = False


class Resolution(StrEnum):
    """Why an incident ended."""

    RECOVERED = "recovered"
    DISABLED = "disabled"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Stopped:
    """The monitor is not checked any more."""

    resolution: Resolution


Observation = Seen | GotPast | TimePassed | Stopped


@dataclass(frozen=True, slots=True)
class Opened:
    """An incident is confirmed. started_at: the slot of its first failed check, which is `first_check`."""

    started_at: int
    first_check: UUID
    opened_at: int
    cause: Cause
    locations: tuple[int, ...]
    quiet: bool


@dataclass(frozen=True, slots=True)
class CauseChanged:
    """The open incident has another reason now."""

    cause: Cause


@dataclass(frozen=True, slots=True)
class Resolved:
    """The open incident is over. recovered_at: the slot of the first check that passed again."""

    resolution: Resolution
    resolved_at: int
    recovered_at: int | None
    quiet: bool


@dataclass(frozen=True, slots=True)
class FlappingBegan:
    """The incident just opened is one too many within the hour: from now on they are quiet."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Nothing has changed for long enough. still_open: it stayed down, and from now on is an incident like any."""

    still_open: bool


@dataclass(frozen=True, slots=True)
class FollowUpAsked:
    """One check out of turn, instead of any that still waits."""

    location_id: int
    start_at: int


@dataclass(frozen=True, slots=True)
class FollowUpWithdrawn:
    """The follow-up that waits is needed no more."""


Transition = Opened | CauseChanged | Resolved | FlappingBegan | Settled | FollowUpAsked | FollowUpWithdrawn
