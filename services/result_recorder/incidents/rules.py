"""The rules by which failures become an incident: thresholds people set, and constants nobody does. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from shared.checks.vocabulary import OutcomeKind, Phase

MINUTE_MS = 60_000

# A soft failure weighs one, any other as much as three soft ones: a server recovers from those by itself.
HARD_WEIGHT = 3

# So many refusals or like certificate failures in a row are an answer, whichever locations they come from.
SURE_AFTER = 2
CERTIFICATE_FAILURES = frozenset(
    {OutcomeKind.TLS_EXPIRED, OutcomeKind.TLS_NOT_YET_VALID, OutcomeKind.TLS_HOSTNAME, OutcomeKind.TLS_UNTRUSTED}
)

PASSES_TO_RECOVER = 2
LONGEST_PAUSE_WHILE_DOWN_MS = 5 * MINUTE_MS

# So many incidents within an hour are flapping, until nothing has changed for half of one.
FLAPPING_INCIDENTS = 3
FLAPPING_WITHIN_MS = 60 * MINUTE_MS
SETTLED_AFTER_MS = 30 * MINUTE_MS

_EVERY_LOCATION = 1_000_000
_PHASES = tuple(Phase)


class Agreement(StrEnum):
    """How many locations have to see an outage: any one, as many as the count says, or all."""

    ANY = "any"
    MAJORITY = "majority"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a customer or their package asks for before people are told; the defaults are the shipped ones."""

    confirm_after: int = 3
    agreement: Agreement = Agreement.MAJORITY
    count: int = 2

    @property
    def confirming_weight(self) -> int:
        """What failures in a row at a location have to weigh for it to be down."""
        return HARD_WEIGHT * self.confirm_after

    @property
    def soft_tolerated(self) -> int:
        """How many failures in a row make a location down even where they are soft."""
        return self.confirming_weight

    @property
    def wanted(self) -> int:
        """How many locations have to agree where there are enough."""
        return {Agreement.ANY: 1, Agreement.MAJORITY: self.count, Agreement.ALL: _EVERY_LOCATION}[self.agreement]

    def needed(self, live: int) -> int:
        """How many of so many live locations have to agree, at least one."""
        return max(1, min(self.wanted, live))


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for one monitor at the moment something is observed of it.

    Args:
        live: locations that are to check it and where somebody of its protocol is at work.
        alerting: it is active, not in maintenance, and has passed once; else nothing opens and nothing is confirmed
            in a hurry.
        host_refuses: its host refuses several accounts that had worked: their agreement is answer enough.
    """

    thresholds: Thresholds
    live: frozenset[int]
    interval_ms: int
    retry_ms: int
    alerting: bool
    host_refuses: bool = False

    @property
    def refusals_wanted(self) -> int:
        """How many refusals in a row are an answer."""
        return 1 if self.host_refuses else SURE_AFTER

    @property
    def needed(self) -> int:
        return self.thresholds.needed(len(self.live))


def layer_of(phase: str) -> str:
    """The layer at which a host fails: what one outage of many mailboxes is known by."""
    if phase == Phase.TLS:
        return "tls"
    return "network" if before_login(phase) else "login"


def before_login(phase: str) -> bool:
    """Whether a check that got as far as its login has disproved a failure of this phase."""
    return _PHASES.index(Phase(phase)) < _PHASES.index(Phase.AUTH)
