"""What the incident engine remembers of a monitor that is not simply well, and how that is stored. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

NOWHERE = -1  # no location


@dataclass(frozen=True, slots=True)
class Cause:
    """A failed check, as far as it explains an incident."""

    kind: str
    phase: str
    message: str
    hint: str | None
    server_words: str | None
    check_id: UUID
    slot_at: int
    started_at: int = 0  # 0: kept by a release that did not say


@dataclass(frozen=True, slots=True)
class Place:
    """One location's view of the monitor.

    Args:
        slot_at: of the newest check heard of; whatever is not newer changes nothing.
        weight: of the failures in a row, since the last pass.
        first_slot, first_check: the failed check that this run of failures, or the time it is down, began with.
        cause: the newest failure; None where it is well.
        down_since: the slot that confirmed it; None: it is not down.
        sure: down beyond doubt, so that no other location has to agree.
        passes: in a row, while it is down. passed_since: the slot of the newest run of passes' first.
        recovered: it was down in the incident that is open, and became well again.
    """

    slot_at: int
    weight: int = 0
    first_slot: int | None = None
    first_check: UUID | None = None
    cause: Cause | None = None
    down_since: int | None = None
    sure: bool = False
    passes: int = 0
    passed_since: int | None = None
    recovered: bool = False

    @property
    def down(self) -> bool:
        return self.down_since is not None

    @property
    def failing(self) -> bool:
        """Its newest check failed (a down one that passed once is neither failing nor well)."""
        return self.cause is not None and self.passes == 0


@dataclass(frozen=True, slots=True)
class Open:
    """The incident that is open: why, and where that was seen. quiet: nobody is told of it by itself."""

    kind: str
    phase: str
    location_id: int
    quiet: bool


@dataclass(frozen=True, slots=True)
class Pending:
    """The follow-up that has been asked for; its `start_at` is its slot as well."""

    location_id: int
    start_at: int


@dataclass(frozen=True, slots=True)
class State:
    """A monitor that is not simply well.

    Args:
        refusals: of the login in a row, wherever; refusal: the newest of them.
        certificate, certificates: a kind of certificate failure, and how many of them came in a row.
        opened: when incidents were opened lately. changed_at: when one was opened or resolved last.
    """

    revision: int
    places: Mapping[int, Place] = field(default_factory=dict)
    refusals: int = 0
    refusal: Cause | None = None
    certificate: str | None = None
    certificates: int = 0
    open: Open | None = None
    opened: tuple[int, ...] = ()
    changed_at: int = 0
    flapping: bool = False
    pending: Pending | None = None


_STATE = TypeAdapter(State)


def state_as_json(state: State) -> dict[str, Any]:
    """The state as it is stored."""
    stored: dict[str, Any] = _STATE.dump_python(state, mode="json", exclude_defaults=True)
    return stored


def state_from_json(stored: Any) -> State | None:
    """A stored state; None where it does not read as one (of a version to come, say)."""
    try:
        return _STATE.validate_python(stored)
    except ValidationError:
        return None
