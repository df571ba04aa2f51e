"""One imagined monitor under the incident engine, for tests: to say what its locations find, and see what happens."""

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from services.result_recorder.incidents.engine import advance
from services.result_recorder.incidents.rules import Agreement, Rules, Thresholds
from services.result_recorder.incidents.state import State, state_as_json, state_from_json
from services.result_recorder.incidents.transitions import (
    FollowUpAsked,
    FollowUpWithdrawn,
    GotPast,
    Observation,
    Seen,
    TimePassed,
    Transition,
)
from shared.checks.vocabulary import LoginOutcome, OutcomeKind, Phase

BEGIN = 1_800_000_000_000
SECOND = 1_000
MINUTE = 60_000
HALF_HOUR = 30 * MINUTE

PHASES = {
    OutcomeKind.OK: Phase.LOGOUT,
    OutcomeKind.CONNECT_REFUSED: Phase.CONNECT,
    OutcomeKind.CONNECTION_LOST: Phase.GREETING,
    OutcomeKind.TLS_EXPIRED: Phase.TLS,
    OutcomeKind.TLS_HOSTNAME: Phase.TLS,
    OutcomeKind.AUTH_REJECTED: Phase.AUTH,
    OutcomeKind.AUTH_EXPIRED: Phase.AUTH,
    OutcomeKind.RATE_LIMITED: Phase.AUTH,
    OutcomeKind.MAILBOX_LOCKED: Phase.AUTH,
    OutcomeKind.MAILBOX_MISSING: Phase.MAILBOX,
}
_LOGINS = {
    OutcomeKind.OK: LoginOutcome.ACCEPTED,
    OutcomeKind.AUTH_REJECTED: LoginOutcome.REFUSED,
    OutcomeKind.AUTH_EXPIRED: LoginOutcome.REFUSED,
    OutcomeKind.MAILBOX_MISSING: LoginOutcome.ACCEPTED,
}

FAILED = OutcomeKind.CONNECT_REFUSED
REFUSED = OutcomeKind.AUTH_REJECTED
EXPIRED = OutcomeKind.TLS_EXPIRED
LOCKED = OutcomeKind.MAILBOX_LOCKED


def check(location: int, at: int) -> UUID:
    """The check of a location at a time, in ms since BEGIN."""
    return UUID(int=(location << 64) + at)


def seen(location: int, at: int, kind: OutcomeKind, *, revision: int = 1) -> Seen:
    """A finding at `at` ms since BEGIN."""
    return Seen(
        location_id=location,
        slot_at=BEGIN + at,
        check_id=check(location, at),
        revision=revision,
        kind=kind,
        phase=PHASES[kind],
        message=f"It ended in {kind}.",
        hint="Look at it.",
        server_words="NO",
        login=_LOGINS.get(kind, LoginOutcome.NOT_SENT),
    )


class Watch:
    """A monitor at the shipped thresholds, checked every half hour; times are ms since BEGIN.

    The state goes through its stored form after every step.
    """

    def __init__(
        self,
        *,
        locations: Iterable[int] = (1,),
        interval_ms: int = HALF_HOUR,
        confirm_after: int = 3,
        agreement: Agreement = Agreement.MAJORITY,
        count: int = 2,
    ) -> None:
        self.rules = Rules(
            thresholds=Thresholds(confirm_after, agreement, count),
            live=frozenset(locations),
            interval_ms=interval_ms,
            retry_ms=MINUTE,
            alerting=True,
        )
        self.state: State | None = None
        self.revision = 1
        self.told: list[Transition] = []

    @property
    def asked(self) -> tuple[int, int] | None:
        """(location, ms since BEGIN) of the follow-up that waits."""
        pending = self.state.pending if self.state else None
        return (pending.location_id, pending.start_at - BEGIN) if pending else None

    @property
    def open(self) -> bool:
        return self.state is not None and self.state.open is not None

    def change(self, **rules: object) -> None:
        """Other rules from now on."""
        self.rules = replace(self.rules, **rules)  # type: ignore[arg-type]

    def observe(self, observed: Observation, now: int) -> list[Transition]:
        """What happened because of this, follow-ups apart."""
        state, happened = advance(self.state, observed, self.rules, now=BEGIN + now)
        self.state = state_from_json(state_as_json(state)) if state is not None else None
        assert self.state == state, "what is stored is not what was meant"
        told = [each for each in happened if not isinstance(each, FollowUpAsked | FollowUpWithdrawn)]
        self.told += told
        return told

    def sees(
        self,
        location: int,
        at: int,
        kind: OutcomeKind = OutcomeKind.OK,
        *,
        now: int | None = None,
        began: int | None = None,
    ) -> list[Transition]:
        """A check due at `at` ended so, and was recorded at `now` (at once). began: when, where it matters."""
        finding = seen(location, at, kind, revision=self.revision)
        if began is not None:
            finding = replace(finding, started_at=BEGIN + began)
        return self.observe(finding, at if now is None else now)

    def gets_past(self, location: int, at: int) -> list[Transition]:
        """A withheld check got as far as the login."""
        return self.observe(GotPast(location, BEGIN + at, self.revision), at)

    def waits(self, now: int, *, follow_up_over: bool = False) -> list[Transition]:
        """Nothing happened until `now`."""
        return self.observe(TimePassed(follow_up_over), now)

    def answers_follow_ups(self, kind: OutcomeKind, *, most: int = 20) -> list[tuple[int, int]]:
        """Every follow-up ends so, until none is asked for, an incident opens or ends, or there were `most`."""
        made = []
        was_open = self.open
        while self.asked is not None and self.open is was_open and len(made) < most:
            location, at = self.asked
            made.append((location, at))
            self.sees(location, at, kind)
        return made
