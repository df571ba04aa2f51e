"""Carrying out what was decided, within the transaction that claimed it: write down, publish, and only then commit.

A refused or returned message is an answer, and commits as missed. No answer is a BrokerUnavailable, and rolls back.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar
from uuid import UUID

import structlog

from services.scheduler import login_store, request_store
from services.scheduler.lease_store import fenced_transaction
from services.scheduler.login_store import GrantWanted
from services.scheduler.plan import Check, Decision, Miss, Queue, Send, Wait
from services.scheduler.term import Term
from shared.broker.envelope import reply_message, result_message, written_jobs_message
from shared.broker.seam import Broker, BrokerUnavailable, OutgoingMessage, PublishOutcome
from shared.checks.logins import account_of
from shared.checks.messages import MissedSlots, ResultBatch
from shared.checks.vocabulary import CheckKind, Lane, MissedReason
from shared.database.pool import Connection
from shared.runtime import crash_points, metrics
from shared.runtime.crash_points import CrashPoint

T = TypeVar("T")

_log = structlog.get_logger()

MOST_JOBS = 50
MISSED_PER_MESSAGE = 200

# A first and a second publish have to fit within the time a claim may stay open (lease_store.FREEZE_MS).
PUBLISH_TIMEOUT_SECONDS = 4.0
REPORT_TIMEOUT_SECONDS = 3.0

_WHY_NOT_SENT = {
    PublishOutcome.REFUSED: MissedReason.QUEUE_FULL,
    PublishOutcome.UNROUTABLE: MissedReason.NO_WORKER,
}


def jobs_per_message(due: int) -> int:
    """One while few are due, so that none waits for another; up to fifty when there are hundreds."""
    return min(MOST_JOBS, max(1, due // 10))


async def report_missed(broker: Broker, missed: Iterable[MissedSlots]) -> None:
    """Publish to the recorder what ended without a result. Raises BrokerUnavailable unless all of it was taken."""
    messages = [result_message(ResultBatch(results=tuple(some))) for some in _batches(missed, MISSED_PER_MESSAGE)]
    if not messages:
        return
    outcomes = await broker.publish(messages, timeout_seconds=REPORT_TIMEOUT_SECONDS)
    _require_taken(outcomes)


async def carry_out(
    term: Term,
    queue: Queue,
    connection: Connection,
    decisions: Sequence[Decision],
    *,
    missed: Sequence[MissedSlots] = (),
    now_ms: int,
) -> bool:
    """Do what was decided about checks of one queue; `missed` is reported along with it.

    Returns:
        False where the queue's messages came back for want of a queue.
    """
    sends = sorted((one for one in decisions if isinstance(one, Send)), key=lambda send: send.start_at)
    misses = [one for one in decisions if isinstance(one, Miss)]
    kept = [one for one in decisions if isinstance(one, Wait) or (isinstance(one, Send) and one.is_watched)]
    await request_store.keep(connection, kept)
    await request_store.finish(connection, (miss.check.check_id for miss in misses if miss.check.waited))

    reports = [*missed, *(_report(miss) for miss in misses if miss.check.kind is not CheckKind.TEST)]
    jobs = list(_job_messages(sends, now_ms))
    results = [result_message(ResultBatch(results=tuple(some))) for some in _batches(reports, MISSED_PER_MESSAGE)]
    replies = [_reply(miss) for miss in misses if miss.check.kind is CheckKind.TEST and miss.check.reply_to]
    messages = [*(message for message, _ in jobs), *results, *replies]
    if not messages:
        return True
    crash_points.reach(CrashPoint.CLAIMED)
    publishing = term.broker.publish(messages, timeout_seconds=PUBLISH_TIMEOUT_SECONDS)
    outcomes = await crash_points.reach_during(CrashPoint.PUBLISHED, publishing)
    crash_points.reach(CrashPoint.CONFIRMED)
    _require_taken(outcomes[len(jobs) : len(jobs) + len(results)])

    unsent: dict[UUID, Miss] = {}
    for (_, batch), outcome in zip(jobs, outcomes, strict=False):
        if outcome is not PublishOutcome.CONFIRMED:
            unsent |= {send.check.check_id: Miss(send.check, _WHY_NOT_SENT[outcome]) for send in batch}
    if unsent:
        await _take_back(term, connection, [send for send in sends if send.check.check_id in unsent], unsent)
        sends = [send for send in sends if send.check.check_id not in unsent]
    _log_sent(queue, sends, now_ms)
    _log_missed(queue, [*misses, *unsent.values()])
    return PublishOutcome.UNROUTABLE not in outcomes[: len(jobs)]


async def _take_back(term: Term, connection: Connection, sends: list[Send], unsent: dict[UUID, Miss]) -> None:
    """These went nowhere, for certain: they are missed, and their logins are free again."""
    await request_store.finish(connection, (send.check.check_id for send in sends if send.is_watched))
    misses = list(unsent.values())
    answers = [_reply(miss) for miss in misses if miss.check.kind is CheckKind.TEST and miss.check.reply_to]
    if answers:
        await term.broker.publish(answers, timeout_seconds=REPORT_TIMEOUT_SECONDS)
    await report_missed(term.broker, (_report(miss) for miss in misses if miss.check.kind is not CheckKind.TEST))
    for send in sends:
        term.pacer.done(send.check.host, send.check.check_id)
    grants = [
        GrantWanted(account_of(send.check.target), send.check.check_id, send.check.slot_at, 0)
        for send in sends
        if send.granted
    ]
    if grants:
        async with fenced_transaction(term.pool, term.epoch) as (other, _):
            await login_store.release_grants(other, grants)


def _job_messages(sends: list[Send], now_ms: int) -> Iterator[tuple[OutgoingMessage, list[Send]]]:
    for lane in (Lane.NOW, Lane.DUE):
        of_lane = [send for send in sends if send.check.lane is lane]
        for batch in _batches(of_lane, jobs_per_message(len(of_lane))):
            check = batch[0].check
            message = written_jobs_message(
                [send.job() for send in batch],
                published_at=now_ms,
                protocol=check.target.protocol,
                location=check.location,
                lane=lane,
            )
            yield message, batch


def _report(miss: Miss) -> MissedSlots:
    return miss.check.missed(miss.reason, retry_at=miss.retry_at)


def _reply(miss: Miss) -> OutgoingMessage:
    return reply_message(_report(miss), reply_to=miss.check.reply_to or "")


def _require_taken(outcomes: Iterable[PublishOutcome]) -> None:
    # A slot that is neither made nor reported would be lost, so a results queue that takes nothing stops us too.
    if any(outcome is not PublishOutcome.CONFIRMED for outcome in outcomes):
        raise BrokerUnavailable("the results queue does not take messages")


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _log_sent(queue: Queue, sends: list[Send], now_ms: int) -> None:
    if not sends:
        return
    for send in sends:
        # What was put off by a pace or a grant is late by its new time only.
        due_at = send.start_at if send.check.waited else send.check.slot_at
        metrics.SCHEDULE_LAG.observe(max(0, now_ms - due_at) / 1000)
    _log.info(
        "check_dispatched",
        protocol=queue.protocol,
        location=queue.location,
        each=[{**_named(send.check), "login": send.login} for send in sends],
    )
    metrics.CHECKS_DISPATCHED.labels(queue.protocol).inc(len(sends))


def _log_missed(queue: Queue, misses: list[Miss]) -> None:
    if misses:
        each = [{**_named(miss.check), "reason": miss.reason} for miss in misses]
        _log.info("check_missed", protocol=queue.protocol, location=queue.location, each=each)


def _named(check: Check) -> dict[str, str | int]:
    return {
        "check_id": str(check.check_id),
        "monitor_id": check.monitor_id,
        "check_kind": check.kind,
        "slot_at": check.slot_at,
    }
