"""What becomes of messages: acknowledged once their content is kept, kept waiting while it cannot be, or dead letters.

A broken database is waited for with the messages in hand: they are neither acknowledged nor dropped. Where something
in a batch can never be kept, halves of it are tried until it stands alone; everything else is kept, and only the
message it came in goes to the dead letters, which are safe to send again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

import structlog

from services.result_recorder.gathering import Gathering, Waiting
from shared.broker.seam import BrokerError
from shared.database.errors import DatabaseConflict, DatabaseRejected, DatabaseUnavailable
from shared.runtime.lifecycle import back_off_seconds, stopped_within

T = TypeVar("T")

_log = structlog.get_logger()

# A monitor deleted between our look and our write: looking again finds it gone.
_GONE_CONSTRAINTS = frozenset({"monitor_health_monitor_id_fkey", "location_health_monitor_id_fkey"})

# An error we do not know may be of the database (a table missing) or of one message; after so many tries it is
# looked for in the messages.
TRIES_BEFORE_SUSPICION = 5


class HandedBack(Exception):
    """The process is to end before the database came back."""


class Unacceptable(Exception):
    """One item that can never be kept, and why."""


class Settler(Generic[T]):
    """Takes batches from a gathering to `keep`, one after the other.

    Args:
        keep: keeps all of these items or none; raises errors of `shared.database.errors`.
        about: what a log line says of an item that cannot be kept.
    """

    def __init__(
        self,
        gathering: Gathering[T],
        keep: Callable[[Sequence[T]], Awaitable[None]],
        *,
        about: Callable[[T], dict[str, Any]],
    ) -> None:
        self._gathering = gathering
        self._keep = keep
        self._about = about

    async def run(self, stop: asyncio.Event) -> None:
        """Settle everything until the gathering is drained. Once `stop` is set, the database is not waited for."""
        while batch := await self._gathering.batch():
            items = [(place, item) for place, waiting in enumerate(batch) for item in waiting.content]
            try:
                bad = await self._kept_but(items, stop)
            except HandedBack:
                for waiting in batch:
                    await _settle(waiting.reject(requeue=True), waiting)
                continue
            for place, waiting in enumerate(batch):
                if place in bad:
                    await _settle(waiting.reject(requeue=False), waiting)
                else:
                    await _settle(waiting.ack(), waiting)

    async def _kept_but(self, items: Sequence[tuple[int, T]], stop: asyncio.Event) -> set[int]:
        """Keep what can be kept; the places of the messages with something that cannot."""
        tries = 0
        while items:
            try:
                await self._keep([item for _, item in items])
                break
            except DatabaseRejected as error:
                if error.constraint not in _GONE_CONSTRAINTS:
                    return await self._bisect(items, error, stop)
                wait = back_off_seconds(1, first=0.02)
            except Unacceptable as error:
                return await self._bisect(items, error, stop)
            except DatabaseConflict as error:
                tries += 1
                wait = back_off_seconds(tries, first=0.02, cap=1.0)
                _log.info("recording_again", reason=str(error), items=len(items))
            except DatabaseUnavailable as error:
                tries += 1
                wait = back_off_seconds(tries)
                _log.warning("recording_waits", reason=str(error), items=len(items), attempt=tries)
            except Exception as error:
                tries += 1
                wait = back_off_seconds(tries)
                _log.error("recording_failed", items=len(items), attempt=tries, exc_info=error)
                if tries >= TRIES_BEFORE_SUSPICION and len(items) > 1:
                    return await self._suspect(items, error, stop)
            if stop.is_set() or await stopped_within(stop, wait):
                raise HandedBack
        return set()

    async def _bisect(self, items: Sequence[tuple[int, T]], error: Exception, stop: asyncio.Event) -> set[int]:
        if len(items) == 1:
            place, item = items[0]
            _log.error("item_dead_lettered", reason=str(error), **self._about(item))
            return {place}
        middle = len(items) // 2
        return await self._kept_but(items[:middle], stop) | await self._kept_but(items[middle:], stop)

    async def _suspect(self, items: Sequence[tuple[int, T]], error: Exception, stop: asyncio.Event) -> set[int]:
        """Each item alone: those that fail while others are kept are to blame; where all fail, the database is."""
        failed: list[tuple[int, T, Exception]] = []
        for place, item in items:
            try:
                await self._keep([item])
            except Exception as refused:
                failed.append((place, item, refused))
        if len(failed) == len(items):
            if stop.is_set() or await stopped_within(stop, back_off_seconds(TRIES_BEFORE_SUSPICION)):
                raise HandedBack from error
            return await self._kept_but(items, stop)
        bad: set[int] = set()
        for place, item, reason in failed:
            if isinstance(reason, DatabaseUnavailable | DatabaseConflict):
                bad |= await self._kept_but([(place, item)], stop)
            else:
                _log.error("item_dead_lettered", reason=f"{type(reason).__name__}: {reason}", **self._about(item))
                bad.add(place)
        return bad


async def _settle(settling: Awaitable[None], waiting: Waiting[Any]) -> None:
    try:
        await settling
    except BrokerError as error:
        # It comes again, and is then found to be kept already.
        _log.info("delivery_not_settled", reason=str(error), message_id=waiting.delivery.message_id)
        waiting.settled.set()
