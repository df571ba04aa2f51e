"""One check: the probe run within a deadline it cannot overstay, whatever it does; the outcome timed and counted."""

import asyncio
import time
from dataclasses import dataclass, field

import structlog

from shared.checks.messages import CheckJob
from shared.checks.outcome import Outcome
from shared.checks.vocabulary import LoginOutcome, OutcomeKind, Phase
from shared.probing.job_handling.admission import may_log_in
from shared.probing.job_handling.passwords import open_password
from shared.probing.probe import Probe, ProbeEnvironment, ProbeRequest
from shared.runtime import metrics
from shared.runtime.loop_lag import LoopLag
from shared.sealing import OpenedSeals, PrivateKeyRing

_log = structlog.get_logger()

# What a probe gets beyond its own deadline, before it is given up on.
GRACE_SECONDS = 1.0

# A worker that stood still this long (frozen, starved) cannot tell a slow server from its own sleep.
STOOD_STILL_MS = 2_000.0
_JUDGED_BY_TIME = frozenset(
    {
        OutcomeKind.DNS_FAILURE,
        OutcomeKind.CONNECT_TIMEOUT,
        OutcomeKind.UNREACHABLE,
        OutcomeKind.TLS_TIMEOUT,
        OutcomeKind.GREETING_TIMEOUT,
        OutcomeKind.COMMAND_TIMEOUT,
        OutcomeKind.TOTAL_TIMEOUT,
        OutcomeKind.CONNECTION_LOST,
    }
)

# A phase after which the password may have been on its way.
_LOGIN_POSSIBLE_AFTER = frozenset({Phase.GREETING, Phase.CAPABILITY, Phase.AUTH, Phase.MAILBOX, Phase.LOGOUT})


@dataclass(frozen=True, slots=True)
class Checker:
    """Makes the checks of one protocol. Never raises for what a probe does; a fault of ours is `internal`."""

    protocol: str
    probe: Probe
    environment: ProbeEnvironment
    keys: PrivateKeyRing
    loop_lag: LoopLag
    grace_seconds: float = GRACE_SECONDS
    counts: bool = True  # in the metrics
    opened: OpenedSeals = field(default_factory=OpenedSeals)

    async def check(self, job: CheckJob) -> Outcome:
        """Make one check."""
        began = time.monotonic()
        outcome = _fair(await self._outcome(job), loop_lag_ms=self.loop_lag.worst_ms_since(began))
        took = time.monotonic() - began
        if outcome.total_ms == 0.0:
            outcome = outcome.model_copy(update={"total_ms": round(took * 1000, 3)})
        if self.counts:
            self._count(outcome, took)
        return outcome

    async def _outcome(self, job: CheckJob) -> Outcome:
        if job.target.protocol != self.protocol:
            return Outcome(
                kind=OutcomeKind.INTERNAL,
                phase=Phase.DNS,
                message=f"A {job.target.protocol} check was sent to a worker for {self.protocol}.",
            )
        password = open_password(job, self.keys, self.opened)
        if isinstance(password, Outcome):
            return password
        request = ProbeRequest(target=job.target, password=password, login=job.login)
        return await self._within_deadline(job, request)

    async def _within_deadline(self, job: CheckJob, request: ProbeRequest) -> Outcome:
        """Not by cancelling alone: a probe that holds on to its cancellation must not hold us."""
        seconds = job.target.timeout_ms / 1000
        seen: dict[Phase, float] = {}

        def on_phase(phase: Phase, milliseconds: float) -> None:
            seen[phase] = milliseconds

        loop = asyncio.get_running_loop()
        probing = loop.create_task(self.probe(request, self.environment, deadline_seconds=seconds, on_phase=on_phase))
        # What asyncio.wait would do, at half its price: this is on the way of every check.
        over: asyncio.Future[None] = loop.create_future()
        probing.add_done_callback(lambda _: _end(over))
        alarm = loop.call_later(seconds + self.grace_seconds, _end, over)
        try:
            await over
        finally:
            alarm.cancel()
            if not probing.done():
                probing.cancel()
                probing.add_done_callback(_forget)
        if not probing.done():
            _log.error("probe_overran", check_id=str(job.check_id), deadline_seconds=seconds)
            return _our_fault(job, seen, f"The check did not end {seconds:g} s after it began.")
        return self._answer(job, probing, seen)

    def _answer(self, job: CheckJob, probing: "asyncio.Future[Outcome]", seen: dict[Phase, float]) -> Outcome:
        if probing.cancelled():
            return _our_fault(job, seen, "The check was broken off within the worker.")
        error = probing.exception()
        if error is None:
            return probing.result()
        # Its text might quote the dialogue; the type and where it happened are enough for the log.
        _log.error("probe_broke", check_id=str(job.check_id), error_type=type(error).__name__, where=_where(error))
        return _our_fault(job, seen, f"The check broke off by a fault of ours ({type(error).__name__}).")

    def _count(self, outcome: Outcome, took_seconds: float) -> None:
        metrics.of(metrics.CHECKS, self.protocol, outcome.kind).inc()
        metrics.of(metrics.CHECK_DURATION, self.protocol).observe(took_seconds)
        for phase, milliseconds in outcome.phases_ms.items():
            metrics.of(metrics.PHASE_DURATION, phase).observe(milliseconds / 1000)


def _fair(outcome: Outcome, *, loop_lag_ms: float) -> Outcome:
    """The outcome, unless it blames the server for time that was lost here. What was seen stays in it."""
    if outcome.kind not in _JUDGED_BY_TIME or loop_lag_ms < STOOD_STILL_MS:
        return outcome
    return outcome.model_copy(
        update={
            "kind": OutcomeKind.INTERNAL,
            "message": f"The worker stood still for {loop_lag_ms / 1000:.1f} s during this check; "
            f"what it saw ({outcome.kind}) may be its own doing.",
            "hint": "This says nothing about the mail server; look at the load of the worker's machine.",
        }
    )


def _our_fault(job: CheckJob, seen: dict[Phase, float], message: str) -> Outcome:
    """The outcome of a check we lost hold of; if it came as far as a login could be sent, that is unknown."""
    login_possible = may_log_in(job) and not _LOGIN_POSSIBLE_AFTER.isdisjoint(seen)
    return Outcome(
        kind=OutcomeKind.INTERNAL,
        phase=max(seen, key=list(Phase).index, default=Phase.DNS),
        message=message,
        hint="This says nothing about the mail server; the worker's log says more.",
        login=LoginOutcome.UNKNOWN if login_possible else LoginOutcome.NOT_SENT,
        phases_ms={phase: round(spent, 3) for phase, spent in seen.items()},
    )


def _end(over: "asyncio.Future[None]") -> None:
    if not over.done():
        over.set_result(None)


def _forget(probing: "asyncio.Future[Outcome]") -> None:
    if not probing.cancelled():
        probing.exception()


def _where(error: BaseException) -> str:
    """The innermost place an error came from: file and line, no values."""
    trace = error.__traceback__
    if trace is None:
        return "unknown"
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
