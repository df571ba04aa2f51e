"""What is read from the results queue: told apart from what can never be recorded, and said in logs and metrics."""

from collections.abc import Sequence
from typing import Any

import structlog

from services.result_recorder.canary_store import keep_canaries
from services.result_recorder.incidents.certificates import ToldCertificates
from services.result_recorder.incidents.upkeep import say_incidents
from services.result_recorder.recording import Answer, Recorded, record
from services.result_recorder.settling import Unacceptable
from shared.broker.envelope import read_results
from shared.broker.heralding import Herald
from shared.checks.messages import CheckResult, MissedSlots
from shared.checks.vocabulary import CheckKind
from shared.database.pool import Pool
from shared.runtime import metrics

_log = structlog.get_logger()

_LATEST_MS = 32_503_680_000_000  # the year 3000: a time beyond is a mistake, and no date


def read_answers(body: bytes, type: str) -> Sequence[Answer]:  # noqa: A002 - the property's name
    """The results in a message; raises UnreadableMessage."""
    return read_results(body, type).results


async def keep_answers(
    pool: Pool,
    answers: Sequence[Answer],
    *,
    certificates: ToldCertificates | None = None,
    herald: Herald | None = None,
) -> None:
    """Record a batch and say so, to gateways too. Raises Unacceptable, and errors of the database."""
    for answer in answers:
        if wrong := what_is_wrong(answer):
            raise Unacceptable(wrong)
    canaries = [answer for answer in answers if answer.kind is CheckKind.CANARY]
    asked = [answer for answer in answers if answer.kind is not CheckKind.CANARY] if canaries else answers
    if asked:
        recorded = await record(pool, asked, certificates=certificates)
        if herald is not None:
            herald.tell(recorded.told, [(each.monitor_id, each.check_id, each.slot_at) for each, _ in recorded.new])
        _say(recorded)
    # After the others: one that is stored says that they could be.
    await keep_canaries(pool, [each for each in canaries if isinstance(each, CheckResult)])


def about(answer: Answer) -> dict[str, Any]:
    """What a log line says of it."""
    return {"check_id": answer.check_id, "monitor_id": answer.monitor_id, "location": answer.location}


def what_is_wrong(answer: Answer) -> str | None:
    """Why an answer makes no sense, None where it does."""
    times: tuple[int, ...]
    match answer:
        case CheckResult():
            times = (answer.slot_at, answer.start_at, answer.started_at)
        case MissedSlots():
            times = (answer.first_slot, answer.last_slot)
            if answer.kind is CheckKind.SCHEDULED:
                if answer.interval_ms <= 0:
                    return "its slots have no interval"
                if answer.last_slot != answer.first_slot + (answer.count - 1) * answer.interval_ms:
                    return "its slots do not add up"
            elif answer.check_id is None and answer.kind not in (CheckKind.TEST, CheckKind.CANARY):
                return "a missed request without its check_id"
    if not all(0 < each < _LATEST_MS for each in times):
        return "its times are beyond any date"
    return None


def _say(recorded: Recorded) -> None:
    say_incidents(recorded.incidents)
    for result, recorded_at in recorded.new:
        ended_at = result.started_at + result.outcome.total_ms
        metrics.RESULT_STORE_DELAY.observe(max(0.0, (recorded_at - ended_at) / 1000))
    if recorded.new:
        _log.info("check_recorded", each=[_named(result) for result, _ in recorded.new])
    metrics.CHECKS_RECORDED.inc(len(recorded.new))
    if recorded.duplicates:
        metrics.CHECKS_DUPLICATE.inc(recorded.duplicates)
        _log.info("duplicates_absorbed", count=recorded.duplicates)
    for reason, count in recorded.missed.items():
        metrics.CHECKS_MISSED.labels(reason).inc(count)
    if recorded.missed:
        _log.info("checks_missed", **recorded.missed)


def _named(result: CheckResult) -> dict[str, str | int]:
    return {
        "check_id": str(result.check_id),
        "monitor_id": result.monitor_id,
        "location": result.location,
        "kind": result.outcome.kind,
    }
