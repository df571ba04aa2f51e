"""Deliveries taken, each of their jobs settled, and only then acknowledged."""

import asyncio
import time
from dataclasses import dataclass, field

import structlog

from shared.broker.envelope import UnreadableMessage, read_jobs
from shared.broker.seam import Delivery
from shared.checks.messages import CheckJob, CheckResult, JobBatch
from shared.checks.outcome import Outcome
from shared.checks.vocabulary import CheckKind, Lane, MissedReason
from shared.probing.job_handling.admission import (
    Admission,
    Arrival,
    Verdict,
    admit,
    is_stale,
    may_have_begun,
)
from shared.probing.job_handling.answering import Circumstances, missed, result_of
from shared.probing.job_handling.canary import Canary
from shared.probing.job_handling.checking import Checker
from shared.probing.job_handling.clock import FleetClock
from shared.probing.job_handling.handing_on import HandingOn
from shared.probing.job_handling.ledger import Ledger, Settled
from shared.probing.job_handling.mailbox_turns import MailboxTurns
from shared.probing.job_handling.pace import Pace
from shared.probing.job_handling.result_sender import Answer, Line, ResultSender
from shared.probing.job_handling.starting import StartGate
from shared.runtime import crash_points, metrics
from shared.runtime.crash_points import CrashPoint

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class JobHandler:
    """Handles the deliveries of one worker, of all its lanes."""

    worker: str
    checker: Checker
    clock: FleetClock
    gate: StartGate
    ledger: Ledger
    handing_on: HandingOn
    sender: ResultSender
    pace: Pace = field(default_factory=Pace)
    mailboxes: MailboxTurns = field(default_factory=MailboxTurns)
    canary: Canary | None = None
    hearing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def handle(self, delivery: Delivery, lane: Lane) -> None:
        """Settle every job of a delivery, then acknowledge it; unacknowledged, the broker gives it to another."""
        try:
            batch = read_jobs(delivery.body, delivery.type)
        except UnreadableMessage as error:
            _log.error("jobs_unreadable", message_id=delivery.message_id, reason=str(error))
            await delivery.reject(requeue=False)
            return
        self.clock.observe(batch.published_at, fresh=not delivery.redelivered and lane is not Lane.RETRY)
        if self.clock.hears_for_seconds():
            async with self.hearing:  # in the order they came
                await asyncio.sleep(self.clock.hears_for_seconds())
        arrival = Arrival(
            lane=lane,
            redelivered=delivery.redelivered,
            jobs_in_batch=len(batch.jobs),
            deliveries_before=int(delivery.headers.get("x-delivery-count", 0)),
        )
        settled = await asyncio.gather(*(self._settle_once(job, batch, arrival) for job in batch.jobs))
        if Settled.ABANDONED not in settled:
            crash_points.reach(CrashPoint.ANSWERED)
            await delivery.ack()
            crash_points.reach(CrashPoint.ACKNOWLEDGED)

    async def _settle_once(self, job: CheckJob, batch: JobBatch, arrival: Arrival) -> Settled:
        return await self.ledger.once(job.check_id, lambda: self._settle(job, batch, arrival))

    async def _settle(self, job: CheckJob, batch: JobBatch, arrival: Arrival) -> Settled:
        if job.kind is CheckKind.CANARY:
            return await self._canary(job)
        admission = admit(job, arrival, now_ms=self.clock.now_ms())
        match admission.verdict:
            case Verdict.MISS:
                return await self._miss(job, admission)
            case Verdict.HAND_ON:
                return await self._hand_on(job, batch, started=True)
            case Verdict.CHECK:
                return await self._check_in_time(job, batch, arrival)

    async def _check_in_time(self, job: CheckJob, batch: JobBatch, arrival: Arrival) -> Settled:
        delay_seconds = (job.start_at - self.clock.now_ms()) / 1000
        if arrival.lane is Lane.RETRY:
            delay_seconds = max(delay_seconds, self.handing_on.quiet_in_seconds())
        if not await self.gate.enter(delay_seconds):
            return await self._hand_on(job, batch, started=may_have_begun(job, arrival))
        try:
            await self.mailboxes.enter(job)
            try:
                await self.pace.turn()
                now_ms = self.clock.now_ms()
                # It may have waited for room, or for its turn, too long.
                result = None if is_stale(job, now_ms=now_ms) else await self._check(job, started_at=now_ms)
            finally:
                self.mailboxes.leave(job)
        finally:
            self.gate.leave()
        if result is None:
            return await self._miss(job, Admission(Verdict.MISS, MissedReason.STALE))
        return await self._answer(job, result, _line(job, result))

    async def _canary(self, job: CheckJob) -> Settled:
        """Its turn comes like any other's. What would be missed or handed on is let go: the next one follows."""
        result = None
        if self.canary is not None and await self.gate.enter((job.start_at - self.clock.now_ms()) / 1000):
            try:
                await self.pace.turn()
                started_at = self.clock.now_ms()
                if not is_stale(job, now_ms=started_at):
                    began = time.monotonic()
                    outcome = await self.canary.check(job)
                    result = self._result(job, outcome, started_at=started_at, began=began)
            finally:
                self.gate.leave()
        if result is None:
            return Settled.ANSWERED
        _log.debug("canary_probed", kind=result.outcome.kind, location=job.location, total_ms=result.outcome.total_ms)
        return await self._answer(job, result)

    async def _check(self, job: CheckJob, *, started_at: int) -> CheckResult:
        began = time.monotonic()
        metrics.of(metrics.QUEUE_WAIT, self.checker.protocol).observe(max(0, started_at - job.start_at) / 1000)
        outcome = await self.checker.check(job)
        crash_points.reach(CrashPoint.PROBED)
        return self._result(job, outcome, started_at=started_at, began=began)

    def _result(self, job: CheckJob, outcome: Outcome, *, started_at: int, began: float) -> CheckResult:
        circumstances = Circumstances(
            started_at=started_at,
            ended_at=self.clock.now_ms(),
            worker=self.worker,
            loop_lag_ms=self.checker.loop_lag.worst_ms_since(began),
        )
        return result_of(job, outcome, circumstances)

    async def _miss(self, job: CheckJob, admission: Admission) -> Settled:
        if admission.reason is MissedReason.STALE:
            metrics.of(metrics.CHECKS_STALE, self.checker.protocol).inc()
        now_ms = self.clock.now_ms()
        _log.info(
            "check_missed",
            check_id=str(job.check_id),
            monitor_id=job.monitor_id,
            reason=admission.reason,
            late_ms=now_ms - job.start_at,
        )
        return await self._answer(
            job, missed(job, admission.reason, login_unknown=admission.login_unknown, now_ms=now_ms)
        )

    async def _answer(self, job: CheckJob, answer: Answer, line: Line | None = None) -> Settled:
        """The one who asked for this very check is answered first; what counts is the results exchange."""
        self.gate.answer_waits()
        try:
            if job.reply_to is not None:
                await self.sender.reply(answer, reply_to=job.reply_to)
            return Settled.ANSWERED if await self.sender.send(answer, line) else Settled.ABANDONED
        finally:
            self.gate.answer_left()

    async def _hand_on(self, job: CheckJob, batch: JobBatch, *, started: bool) -> Settled:
        settled = await self.handing_on.hand_on(job, published_at=batch.published_at, started=started)
        return settled or await self._miss(job, Admission(Verdict.MISS, MissedReason.STALE))


def _line(job: CheckJob, result: CheckResult) -> Line:
    outcome = result.outcome
    return {
        "check_id": str(job.check_id),
        "monitor_id": job.monitor_id,
        "kind": outcome.kind,
        "total_ms": outcome.total_ms,
        "check_kind": job.kind,
        "protocol": job.target.protocol,
        "host": job.target.hostname,
        "location": job.location,
        "slot_at": job.slot_at,
        "late_ms": result.started_at - job.start_at,
        "phase": outcome.phase,
        "login": outcome.login,
        "withheld": result.withheld,
        "loop_lag_ms": result.loop_lag_ms,
    }
