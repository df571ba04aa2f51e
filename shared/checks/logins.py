"""When a password may be tried: the rules that keep checks from ever locking an account.

Pure. The scheduler asks before it publishes; the recorder asks when the next rung of the ladder is due.
The rules, from the most to the least permissive reason to wait:

* A credential whose last login succeeded goes on.
* A credential never tried gets one try of its own at once.
* After refusals, the next try of (host, user) comes 5, 15, 60 minutes after the last, then every 6 hours.
* Somebody who asks for a check after the last refusal need not wait for one of the first three of these; the six-hour
  ones are never taken early, or the day's limit would be spent and the recovery of the server seen late.
* When another credential of the account recovers, each one behind gets one more try.
* Never more than 3 refusals an hour and 8 a day on (host, user), whoever asks. A login whose answer was never
  known counts as a refusal.
* After 3 refusals of never-proven credentials on one host within 10 minutes, the never-proven ones there wait.
* Where 3 accounts that had worked are refused for the first time within 10 minutes, the host is taken to refuse
  everybody (`host_outages`): 3 of them climb on, the others skip the short rungs. The first of them to be let in gives
  each of the others one try.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.checks.host_outages import HostOutage
from shared.checks.target import CheckTarget
from shared.checks.vocabulary import LoginOutcome

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

RUNGS_MS = (5 * MINUTE_MS, 15 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS)
MOST_PER_HOUR = 3
MOST_PER_DAY = 8
HOST_REFUSALS = 3
HOST_WINDOW_MS = 10 * MINUTE_MS

# How far back the rules look; the slowest rung and the daily limit both fit well inside.
HISTORY_MS = 3 * DAY_MS


@dataclass(frozen=True, slots=True)
class LoginEvent:
    """One login to an account that mattered: refused, never answered, or accepted for the first time or again."""

    at_ms: int
    credential_id: UUID
    outcome: LoginOutcome

    @property
    def refused(self) -> bool:
        return self.outcome in (LoginOutcome.REFUSED, LoginOutcome.UNKNOWN)


@dataclass(frozen=True, slots=True)
class AccountHistory:
    """What is known of (host, user).

    Args:
        events: of the last HISTORY_MS, oldest first; acceptances that only repeat one are left out.
        proven: the asking credential's last login was accepted.
        ever_accepted: it has been accepted at least once.
        host_refusals_ms: when never-proven credentials were refused on this host lately, oldest first.
        user: of the account, as `account_of` has it. outage: the last time its host refused everybody.
    """

    events: Sequence[LoginEvent] = ()
    proven: bool = False
    ever_accepted: bool = False
    host_refusals_ms: Sequence[int] = ()
    user: str = ""
    outage: HostOutage | None = None


def account_of(target: CheckTarget) -> tuple[str, str]:
    """The (host, user) whose logins are counted together: both in lower case, as servers compare them."""
    return target.hostname.lower(), (target.user or "").lower()


def login_allowed_at(history: AccountHistory, credential_id: UUID, now_ms: int, *, asked_at: int | None = None) -> int:
    """The earliest time this credential may be tried: at or before now means it may log in now.

    Args:
        asked_at: when somebody asked for this check (trigger-check). A refusal after that answers them too, from
            whichever location, so one asking takes one short rung and no more.
    """
    if history.proven:
        return now_ms
    earliest = max(now_ms, _limits_end(history, now_ms))
    if not history.ever_accepted:
        earliest = max(earliest, _host_calm_at(history, now_ms))
    return max(earliest, _ladder_allows_at(history, credential_id, now_ms, asked_at))


def _limits_end(history: AccountHistory, now_ms: int) -> int:
    refusals = [event.at_ms for event in history.events if event.refused]
    ends = now_ms
    for most, window in ((MOST_PER_HOUR, HOUR_MS), (MOST_PER_DAY, DAY_MS)):
        recent = [at for at in refusals if at > now_ms - window]
        if len(recent) >= most:
            ends = max(ends, recent[-most] + window)
    return ends


def _host_calm_at(history: AccountHistory, now_ms: int) -> int:
    recent = [at for at in history.host_refusals_ms if at > now_ms - HOST_WINDOW_MS]
    return recent[-HOST_REFUSALS] + HOST_WINDOW_MS if len(recent) >= HOST_REFUSALS else now_ms


def _ladder_allows_at(history: AccountHistory, credential_id: UUID, now_ms: int, asked_at: int | None) -> int:
    events = history.events
    own = [event for event in events if event.credential_id == credential_id]
    if not own or _another_recovered_since(events, own[-1].at_ms, credential_id):
        return now_ms
    accepted_at = max((event.at_ms for event in own if not event.refused), default=-1)
    refusals = [event.at_ms for event in events if event.refused and event.at_ms > accepted_at]
    if not refusals:
        return now_ms
    if asked_at is not None and asked_at > refusals[-1] and len(refusals) < len(RUNGS_MS):
        return now_ms
    outage = history.outage
    if outage is not None and outage.lifts(refused_at=refusals[-1]):
        return now_ms
    if outage is not None and history.ever_accepted and outage.holds(history.user, refused_first_at=refusals[0]):
        return refusals[-1] + RUNGS_MS[-1] + outage.turn_ms(history.user)
    return refusals[-1] + RUNGS_MS[min(len(refusals), len(RUNGS_MS)) - 1]


def _another_recovered_since(events: Sequence[LoginEvent], since_ms: int, credential_id: UUID) -> bool:
    last_refused: dict[UUID, bool] = {}
    for event in events:
        recovered = not event.refused and last_refused.get(event.credential_id, False)
        if recovered and event.credential_id != credential_id and event.at_ms > since_ms:
            return True
        last_refused[event.credential_id] = event.refused
    return False
