"""Answers on their way out: gathered for a moment, sent as one message, each settled when that is confirmed.

The log lines of their checks are written as they leave, for a line by itself costs three times what it does in company.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import structlog

from shared.broker.envelope import reply_message, result_message
from shared.broker.seam import PublishOutcome
from shared.checks.messages import CheckResult, MissedSlots, ResultBatch
from shared.checks.vocabulary import CheckKind
from shared.probing.job_handling.confirmed import ConfirmedPublisher

FLUSH_SECONDS = 0.1
FLUSH_SIZE = 200

# A message by itself costs the broker and the recorder what one of fifty answers does. At hundreds of quick checks a
# second there is an instant without any after each of them.
APART_SECONDS = 0.05
REPLY_ATTEMPTS = 3

Answer = CheckResult | MissedSlots
Line = dict[str, Any]

_log = structlog.get_logger()


class _Gathered(NamedTuple):
    answer: Answer
    line: Line | None
    confirmed: asyncio.Future[bool]


class ResultSender:
    """Sends what gathered when it is `flush_size` answers, after `flush_seconds`, or when nothing else is under way.

    The last makes a lone check's answer leave at once, and keeps few messages in hand from waiting long for each
    other; it is done `apart_seconds` after the message before at the earliest.
    """

    def __init__(
        self,
        publisher: ConfirmedPublisher,
        *,
        idle: Callable[[], bool],
        flush_size: int = FLUSH_SIZE,
        flush_seconds: float = FLUSH_SECONDS,
        apart_seconds: float = APART_SECONDS,
    ) -> None:
        self._publisher = publisher
        self._idle = idle
        self._flush_size = flush_size
        self._flush_seconds = flush_seconds
        self._apart_seconds = apart_seconds
        self._flushed_at = -math.inf
        self._gathered: list[_Gathered] = []
        self._alarm: asyncio.Handle | None = None
        self._sending: set[asyncio.Task[None]] = set()

    async def send(self, answer: Answer, line: Line | None = None) -> bool:
        """True once the broker has confirmed this answer; False when it was given up at the end.

        Args:
            line: what the log says of the check that was made.
        """
        confirmed: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._gathered.append(_Gathered(answer, line, confirmed))
        self._plan()
        return await confirmed

    async def reply(self, answer: Answer, *, reply_to: str) -> bool:
        """Send an answer to whoever waits for this very one; who no longer listens is no reason to try again."""

        def give_up(attempts: int, reason: str) -> bool:
            return reason == PublishOutcome.UNROUTABLE or attempts >= REPLY_ATTEMPTS

        return await self._publisher.send(reply_message(answer, reply_to=reply_to), what="reply", give_up=give_up)

    def _plan(self) -> None:
        loop = asyncio.get_running_loop()
        if len(self._gathered) >= self._flush_size:
            self._flush()
        elif self._idle():
            # Not this instant: others may be answering in the same breath.
            wait = self._flushed_at + self._apart_seconds - loop.time()
            self._set_alarm(loop.call_later(wait, self._flush) if wait > 0 else loop.call_soon(self._flush))
        elif self._alarm is None:
            self._set_alarm(loop.call_later(self._flush_seconds, self._flush))

    def _set_alarm(self, alarm: asyncio.Handle | None) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = alarm

    def _flush(self) -> None:
        self._set_alarm(None)
        self._flushed_at = asyncio.get_running_loop().time()
        gathered, self._gathered = self._gathered, []
        if lines := [each.line for each in gathered if each.line is not None]:
            _log.info("check_probed", each=lines)
        # Apart, so that a recorder too old for one of the two takes the other.
        canaries = [each for each in gathered if each.answer.kind is CheckKind.CANARY]
        others = [each for each in gathered if each.answer.kind is not CheckKind.CANARY] if canaries else gathered
        for some in (others, canaries):
            if some:
                sending = asyncio.get_running_loop().create_task(self._deliver(some))
                self._sending.add(sending)
                sending.add_done_callback(self._sending.discard)

    async def _deliver(self, gathered: list[_Gathered]) -> None:
        confirmed = False
        try:
            batch = ResultBatch(results=tuple(each.answer for each in gathered))
            confirmed = await self._publisher.send(result_message(batch), what="results")
        finally:
            for each in gathered:
                if not each.confirmed.done():
                    each.confirmed.set_result(confirmed)
