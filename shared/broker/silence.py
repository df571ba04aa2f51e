"""Consumers the broker has forgotten: messages lie ready in their queue, they have room, and none comes.

Such a process looks alive, its connection stands, and it does nothing for ever. A forgotten consumer is begun anew
first; where that helps as little, whoever made the broker is told, and ends the process. Counted is in looks, not in
time: a process that was stopped has not looked, and one whose broker does not answer has seen nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol

import structlog

from shared.broker.seam import BrokerError, QueueLength

LOOK_SECONDS = 10.0
# So many looks in a row, each with messages ready and none delivered since the one before.
LOOKS_UNTIL_ANEW = 3
LOOKS_UNTIL_TOLD = 9

_log = structlog.get_logger()

Silent = Callable[[str], object]
"""Told the name of a queue whose consumer stays silent."""


class Watched(Protocol):
    """A consumer, as far as it is watched."""

    @property
    def queue(self) -> str: ...
    @property
    def watched(self) -> bool: ...
    @property
    def deliveries(self) -> int: ...
    @property
    def has_room(self) -> bool: ...
    def begin_anew(self) -> None:
        """Consume on a new channel."""
        ...


class SilenceWatch:
    """Looks at consumers again and again.

    Args:
        consumers: those there are now. lengths: how many messages are ready. silent: told of one that stays silent.
    """

    def __init__(
        self,
        consumers: Callable[[], Iterable[Watched]],
        *,
        lengths: Callable[[Sequence[str]], Awaitable[Sequence[QueueLength]]],
        silent: Silent | None,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._consumers = consumers
        self._lengths = lengths
        self._silent = silent
        self._look_seconds = look_seconds
        self._seen: dict[Watched, tuple[int, int]] = {}  # deliveries at the last look, looks since without one

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self._look_seconds)
            try:
                await self.look()
            except BrokerError:
                continue

    async def look(self) -> None:
        """One look at all of them. Raises BrokerError where the broker does not answer."""
        quiet: list[Watched] = []
        seen: dict[Watched, tuple[int, int]] = {}
        for consumer in self._consumers():
            before, looks = self._seen.get(consumer, (-1, 0))
            if consumer.deliveries == before and consumer.has_room:
                seen[consumer] = (before, looks)
                if consumer.watched:
                    quiet.append(consumer)
            else:
                seen[consumer] = (consumer.deliveries, 0)
        self._seen = seen
        if quiet:
            ready = {each.name: each.ready for each in await self._lengths([one.queue for one in quiet])}
            for consumer in quiet:
                self._judge(consumer, ready.get(consumer.queue, 0))

    def _judge(self, consumer: Watched, ready: int) -> None:
        deliveries, looks = self._seen[consumer]
        if consumer.deliveries != deliveries or not ready:  # something came while we asked, or nothing is there to come
            self._seen[consumer] = (consumer.deliveries, 0)
            return
        self._seen[consumer] = (deliveries, looks + 1)
        match looks + 1:
            case n if n == LOOKS_UNTIL_ANEW:
                _log.warning("consumer_silent", queue=consumer.queue, ready=ready, begun_anew=True)
                consumer.begin_anew()
            case n if n == LOOKS_UNTIL_TOLD:
                _log.error("consumer_stays_silent", queue=consumer.queue, ready=ready)
                if self._silent is not None:
                    self._silent(consumer.queue)
