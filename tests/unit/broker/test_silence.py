"""A consumer the broker has forgotten is begun anew, and told of where that does not help; others are left alone."""

from collections.abc import Sequence

import pytest

from shared.broker.seam import BrokerUnavailable, QueueLength
from shared.broker.silence import LOOKS_UNTIL_ANEW, LOOKS_UNTIL_TOLD, SilenceWatch

LONG = 5 * LOOKS_UNTIL_TOLD


class Consumer:
    def __init__(self, queue: str = "jobs", *, watched: bool = True) -> None:
        self.queue = queue
        self.watched = watched
        self.deliveries = 0
        self.has_room = True
        self.begun_anew = 0

    def begin_anew(self) -> None:
        self.begun_anew += 1


class Desk:
    """A watch over consumers, and a broker in which so many messages are ready."""

    def __init__(self, *consumers: Consumer) -> None:
        self.ready = 5
        self.answers = True
        self.told: list[str] = []
        self.asked: list[list[str]] = []
        self.watch = SilenceWatch(lambda: consumers, lengths=self._lengths, silent=self.told.append)

    async def _lengths(self, queues: Sequence[str]) -> list[QueueLength]:
        self.asked.append(list(queues))
        if not self.answers:
            raise BrokerUnavailable("it is paused")
        return [QueueLength(name, self.ready, None, 1) for name in queues]

    async def look(self, times: int) -> None:
        for _ in range(times):
            await self.watch.look()


async def test_one_that_gets_nothing_is_begun_anew_once_and_then_told_of() -> None:
    consumer = Consumer()
    desk = Desk(consumer)
    await desk.look(LOOKS_UNTIL_ANEW)
    assert consumer.begun_anew == 0, "the first look knows nothing yet"
    await desk.look(1)
    assert (consumer.begun_anew, desk.told) == (1, [])
    await desk.look(LOOKS_UNTIL_TOLD - LOOKS_UNTIL_ANEW)
    assert (consumer.begun_anew, desk.told) == (1, ["jobs"])


async def test_a_delivery_begins_the_count_anew() -> None:
    consumer = Consumer()
    desk = Desk(consumer)
    for _ in range(10):
        await desk.look(LOOKS_UNTIL_ANEW)
        consumer.deliveries += 1
    assert (consumer.begun_anew, desk.told) == (0, [])


async def test_whoever_has_no_room_nothing_to_get_or_a_queue_of_its_own_is_left_alone() -> None:
    full, own = Consumer("full"), Consumer("own", watched=False)
    full.has_room = False
    desk = Desk(full, own)
    await desk.look(LONG)
    assert desk.asked == [], "nobody is asked about"
    idle = Consumer("idle")
    desk = Desk(idle)
    desk.ready = 0
    await desk.look(LONG)
    assert (full.begun_anew, own.begun_anew, idle.begun_anew, desk.told) == (0, 0, 0, [])


async def test_a_broker_that_does_not_answer_counts_for_nothing() -> None:
    consumer = Consumer()
    desk = Desk(consumer)
    await desk.look(1)
    desk.answers = False
    for _ in range(LONG):
        with pytest.raises(BrokerUnavailable):
            await desk.look(1)
    assert (consumer.begun_anew, desk.told) == (0, [])
