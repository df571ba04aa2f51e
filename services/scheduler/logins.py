"""Whether each of a tick's checks may log in: the rules asked, and the one login of an account granted.

The rules themselves are shared/checks/logins. Who waits, and for how long, stands here; spacing is for pacing.
"""

from dataclasses import dataclass, field, replace
from uuid import UUID

from services.scheduler import login_store
from services.scheduler.lease_store import fenced_transaction
from services.scheduler.login_store import Account, GrantWanted, Histories
from services.scheduler.plan import Check, Decision, Miss, Send, Wait
from services.scheduler.term import Term
from services.scheduler.windows import REQUEST_AHEAD_MS
from shared.checks.logins import (
    HOST_REFUSALS,
    HOST_WINDOW_MS,
    MINUTE_MS,
    AccountHistory,
    account_of,
    login_allowed_at,
)
from shared.checks.vocabulary import CheckKind, LoginPermission, MailProtocol, MissedReason

BUSY_GIVE_UP_MS = MINUTE_MS
BUSY_RETRY_MS = REQUEST_AHEAD_MS + 500
LADDER_GIVE_UP_MS = 10 * MINUTE_MS
# The first check of a new mailbox is its test: where strangers' refusals hold it back, it waits for their window's end.
FIRST_GIVE_UP_MS = 10 * MINUTE_MS

# After not_after and the check's own deadline, for the result to arrive.
ANSWER_GRACE_MS = 5_000


@dataclass(slots=True)
class LoginDecisions:
    """What the rules say: checks decided already, and those that go on, with what they may do."""

    decided: list[Decision] = field(default_factory=list)
    sends: list[Send] = field(default_factory=list)
    grants: dict[UUID, GrantWanted] = field(default_factory=dict)


def needs_grant(check: Check) -> bool:
    """POP3 locks the mailbox; and of a credential not known to be good, one try at a time is enough."""
    return (check.target.protocol is MailProtocol.POP3 or not check.proven) and check.target.logs_in


def begins_at(check: Check, now_ms: int) -> int:
    """A slot begins at its time, and its lateness is shown as such; what has waited, at its own or now."""
    if check.waits_for is MissedReason.BUSY:
        return now_ms  # its time was only that of another try
    return max(check.start_at, now_ms) if check.waited else check.start_at


async def decide_logins(term: Term, checks: list[Check], *, now_ms: int) -> LoginDecisions:
    """Decide the logins of checks that are about to be published, in their order."""
    answer = LoginDecisions()
    asking = [check for check in checks if not check.proven and check.target.logs_in]
    known = await login_store.histories(term.pool, (account_of(check.target) for check in asking), now_ms=now_ms)
    allowed_at = {check.check_id: _allowed_at(check, known, now_ms) for check in asking}
    withheld = [check for check in asking if allowed_at[check.check_id] > now_ms]
    refused = await login_store.with_refusal(term.pool, {check.monitor_id for check in withheld}) if withheld else set()
    wanting: list[Check] = []
    for check in checks:
        at = allowed_at.get(check.check_id, now_ms) if allowed_at else now_ms
        if at > now_ms:
            untried = all(
                event.credential_id != check.credential_id for event in known.events[account_of(check.target)]
            )
            _withhold(answer, check, now_ms, allowed_at=at, shows_refusal=check.monitor_id in refused, untried=untried)
        elif needs_grant(check):
            wanting.append(check)
        else:
            answer.sends.append(Send(check, begins_at(check, now_ms)))
    await _grant(term, answer, wanting, known, now_ms)
    return answer


def _allowed_at(check: Check, known: Histories, now_ms: int) -> int:
    account = account_of(check.target)
    history = AccountHistory(
        events=known.events.get(account, ()),
        proven=check.proven,
        ever_accepted=check.ever_accepted,
        host_refusals_ms=known.host_refusals_ms.get(account[0], ()),
        user=account[1],
        outage=known.outages.get(account[0]),
    )
    asked_at = check.slot_at if check.kind is CheckKind.TRIGGER else None
    return login_allowed_at(history, check.credential_id or check.check_id, now_ms, asked_at=asked_at)


def _withhold(
    answer: LoginDecisions, check: Check, now_ms: int, *, allowed_at: int, shows_refusal: bool, untried: bool
) -> None:
    match check.kind:
        case CheckKind.FIRST if untried and allowed_at <= now_ms + HOST_WINDOW_MS:
            give_up_at = max(check.give_up_at, allowed_at + FIRST_GIVE_UP_MS)
            answer.decided.append(Wait(check, allowed_at, MissedReason.WITHHELD, give_up_at))
        case CheckKind.LADDER:
            give_up_at = allowed_at + LADDER_GIVE_UP_MS
            # Its slot goes with it: what it finds belongs after the withheld checks made until then.
            later = replace(check, slot_at=allowed_at)
            answer.decided.append(Wait(later, allowed_at, MissedReason.WITHHELD, give_up_at))
        case CheckKind.TEST:
            answer.decided.append(Miss(check, MissedReason.WITHHELD, retry_at=allowed_at))
        case _ if shows_refusal:
            answer.sends.append(Send(check, begins_at(check, now_ms), LoginPermission.WITHHELD))
        case _:
            answer.decided.append(Miss(check, MissedReason.WITHHELD, retry_at=allowed_at))


async def _grant(term: Term, answer: LoginDecisions, wanting: list[Check], known: Histories, now_ms: int) -> None:
    """Give out what is free: to one check an account, and to few never-proven credentials of a host at once."""
    candidates: dict[Account, Check] = {}
    trials: dict[str, int] = {}
    busy: list[Check] = []
    for check in wanting:
        account = account_of(check.target)
        if account in candidates or (
            not check.ever_accepted and not _has_trial_left(term, check, trials, known, now_ms)
        ):
            busy.append(check)
        else:
            candidates[account] = check
    wanted = [
        GrantWanted(account, check.check_id, check.slot_at, _expires_at(check, now_ms))
        for account, check in candidates.items()
    ]
    given: set[UUID] = set()
    if wanted:
        # Committed before anything is published, and not within the claim: two queues that want one account would
        # wait for each other's broker otherwise.
        async with fenced_transaction(term.pool, term.epoch) as (connection, _):
            given = await login_store.take_grants(connection, wanted, now_ms=now_ms)
    for want in wanted:
        check = candidates[want.account]
        if want.check_id in given:
            answer.grants[want.check_id] = want
            answer.sends.append(Send(check, begins_at(check, now_ms), granted=True))
        else:
            busy.append(check)
    answer.decided.extend([wait_for_login(check, now_ms) for check in busy])


def _has_trial_left(term: Term, check: Check, trials: dict[str, int], known: Histories, now_ms: int) -> bool:
    """Whether this host would stay within its refusals if every try now under way, and this one, were refused."""
    host = check.host
    if host not in trials:
        recent = [at for at in known.host_refusals_ms.get(host, ()) if at > now_ms - HOST_WINDOW_MS]
        trials[host] = len(recent) + term.pacer.trials(host, now_ms)
    trials[host] += 1
    return trials[host] <= HOST_REFUSALS


def wait_for_login(check: Check, now_ms: int) -> Wait:
    """Try again soon; what was asked for keeps its own end."""
    if check.waits_for is MissedReason.BUSY or (check.waited and not check.is_slot):
        give_up_at = check.give_up_at
    else:
        give_up_at = now_ms + BUSY_GIVE_UP_MS
    return Wait(check, now_ms + BUSY_RETRY_MS, MissedReason.BUSY, give_up_at)


def _expires_at(check: Check, now_ms: int) -> int:
    return check.not_after(max(check.start_at, now_ms)) + check.target.timeout_ms + ANSWER_GRACE_MS
