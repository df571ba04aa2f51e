"""Keeps how logins went, and asks for the next rung of the ladder. When a login is allowed is `shared.checks.logins`.

Every attempt is kept once, by its check; told again, or told as unknown when the answer is known, it changes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import structlog

from services.result_recorder import login_store
from services.result_recorder.host_outages import end_outages, see_outages
from services.result_recorder.login_store import Rung, account
from services.result_recorder.monitor_store import MonitorFacts
from shared.checks.logins import login_allowed_at
from shared.checks.messages import LoginAttempt
from shared.checks.vocabulary import LoginOutcome
from shared.database.pool import Connection

_log = structlog.get_logger()

_BEHIND = (LoginOutcome.REFUSED, LoginOutcome.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Told:
    """An attempt as it arrived.

    Args:
        monitor: whose login it was, as it is now; None for a `test`, or where the monitor is gone.
        kept: kept even where it repeats an acceptance, so that the account's grant is seen to be free again.
    """

    attempt: LoginAttempt
    monitor: MonitorFacts | None
    location_id: int
    kept: bool


async def keep_logins(connection: Connection, told: Iterable[Told], *, now_ms: int) -> None:
    """Record these attempts and what follows from them."""
    attempts = _once_each(told)
    if not attempts:
        return
    known = await login_store.known_outcomes(connection, [each.attempt for each in attempts])
    news = _news(attempts, known)
    if not news:
        return
    accounts = sorted({account(each.attempt) for each in news})
    await login_store.lock_accounts(connection, accounts)
    maybe_outdone = [
        (each.monitor.id, each.monitor.revision, each.attempt)
        for each in news
        if each.monitor is not None and each.attempt.outcome in _BEHIND and each.attempt.at_ms < now_ms
    ]
    later = await login_store.later_acceptances(connection, maybe_outdone)
    fresh = await login_store.insert_history(
        connection, list({attempt.check_id: attempt for attempt in [*later, *(each.attempt for each in news)]}.values())
    )
    news = [each for each in news if each.attempt.check_id in fresh]
    if not news:
        return
    credentials = sorted({each.attempt.credential_id for each in news})
    before, now = await login_store.update_credentials(connection, accounts, credentials)
    await _judge_hosts(connection, [each.attempt for each in news], before, now_ms=now_ms)
    recovered = sorted(
        {
            account(each.attempt)
            for each in news
            if before.get(each.attempt.credential_id) in _BEHIND
            and now[each.attempt.credential_id][0] is LoginOutcome.ACCEPTED
        }
    )
    if recovered and (hastened := await login_store.hasten_rungs(connection, recovered, now_ms=now_ms)):
        _log.info("logins_hastened", monitor_ids=hastened)
    await _set_rungs(connection, news, now, now_ms=now_ms)


async def _judge_hosts(
    connection: Connection, news: Sequence[LoginAttempt], before: Mapping[UUID, LoginOutcome], *, now_ms: int
) -> None:
    """See whether a host has begun to refuse everybody, or has let in one of those it refused."""
    newly_refused = [
        attempt
        for attempt in news
        if attempt.outcome is LoginOutcome.REFUSED and before.get(attempt.credential_id) is LoginOutcome.ACCEPTED
    ]
    if newly_refused:
        await see_outages(connection, sorted({account(attempt)[0] for attempt in newly_refused}), now_ms=now_ms)
    let_in = [attempt for attempt in news if attempt.outcome is LoginOutcome.ACCEPTED]
    if let_in:
        await end_outages(connection, let_in, now_ms=now_ms)


async def _set_rungs(
    connection: Connection,
    news: Sequence[Told],
    credentials: dict[UUID, tuple[LoginOutcome, bool]],
    *,
    now_ms: int,
) -> None:
    climbing = {
        each.monitor.id: each
        for each in news
        if each.monitor is not None
        and each.monitor.checked
        and each.monitor.credential_id == each.attempt.credential_id
        and credentials[each.attempt.credential_id][0] in _BEHIND
    }
    if not climbing:
        return
    histories = await login_store.account_histories(
        connection, sorted({account(each.attempt) for each in climbing.values()}), now_ms=now_ms
    )
    locations = await login_store.rung_locations(connection, sorted(climbing))
    rungs = []
    for monitor_id, each in climbing.items():
        credential_id = each.attempt.credential_id
        history = replace(histories[account(each.attempt)], ever_accepted=credentials[credential_id][1])
        assert each.monitor is not None  # noqa: S101 - only those with one are climbing
        rungs.append(
            Rung(
                organization_id=each.monitor.organization_id,
                monitor_id=monitor_id,
                public_id=each.monitor.public_id,
                location_id=locations.get(monitor_id, each.location_id),
                start_at=login_allowed_at(history, credential_id, now_ms),
            )
        )
    await login_store.set_rungs(connection, rungs, now_ms=now_ms)


def _once_each(told: Iterable[Told]) -> list[Told]:
    """One per check, in the order they happened; an answer that is known outdoes an unknown one."""
    found: dict[object, Told] = {}
    for each in told:
        # An answer that judged nothing neither proves a credential nor counts against it.
        says_nothing = each.attempt.outcome is LoginOutcome.UNDECIDED and not each.kept
        if says_nothing or each.attempt.outcome is LoginOutcome.NOT_SENT:
            continue
        before = found.get(each.attempt.check_id)
        if before is None or before.attempt.outcome is LoginOutcome.UNKNOWN:
            found[each.attempt.check_id] = each
    return sorted(found.values(), key=lambda each: (each.attempt.at_ms, each.attempt.check_id))


def _news(attempts: Sequence[Told], known: Sequence[tuple[LoginOutcome | None, LoginOutcome | None]]) -> list[Told]:
    """Those that say something not known: not acceptances that only repeat one."""
    last: dict[object, LoginOutcome | None] = {
        each.attempt.credential_id: of_credential for each, (_, of_credential) in zip(attempts, known, strict=True)
    }
    news = []
    for each, (of_check, _) in zip(attempts, known, strict=True):
        attempt = each.attempt
        if of_check is not None and (of_check is not LoginOutcome.UNKNOWN or attempt.outcome is of_check):
            continue
        repeats = attempt.outcome is LoginOutcome.ACCEPTED and last[attempt.credential_id] is LoginOutcome.ACCEPTED
        last[attempt.credential_id] = attempt.outcome
        if repeats and not each.kept and of_check is None:
            continue
        news.append(each)
    return news
