"""A service killed at named points, at one passing or another, and started again: alone, under load.

Provides `Crashes`, which makes a `Fault` of that, and `Channels`, who hear of outages beside the drill's own one, so
that a notifier has enough to die of. That the point was reached is read in the last words of who died there.
"""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.runtime.crash_points import CrashPoint
from tests.support.faults import ledger
from tests.support.faults.drill import PATIENCE_SECONDS, Drill
from tests.support.faults.fault import Fault
from tests.support.receivers import Receiver, http_receiver
from tests.support.waiting import until

# Which service dies where. Notices first, while no flood of outages has them gathered into digests.
POINTS = {
    "notifier": (CrashPoint.PLANNED, CrashPoint.LEASED, CrashPoint.SENT, CrashPoint.MARKED),
    "scheduler": (CrashPoint.CLAIMED, CrashPoint.PUBLISHED, CrashPoint.CONFIRMED, CrashPoint.COMMITTED),
    "imap_worker": (CrashPoint.PROBED, CrashPoint.ANSWERED, CrashPoint.ACKNOWLEDGED),
    "result_recorder": (CrashPoint.WRITTEN, CrashPoint.RECORDED),
}

# So many passings of a point a process may live through: several where much happens in a life.
MOST_PASSINGS = {"notifier": 2, "scheduler": 3, "imap_worker": 6, "result_recorder": 4}

# The third outage of a mailbox within an hour is flapping, of which people are told otherwise.
_OUTAGES_EACH = 2
_STIR_SECONDS = 2.0

_OPEN = "SELECT monitor_public_id::text AS monitor FROM incidents WHERE resolved_at IS NULL"
# What a notifier has yet to plan or to send, reminders of later aside.
_TO_TELL = """
SELECT (SELECT count(*) FROM outbox WHERE taken_at IS NULL)
     + (SELECT count(*) FROM deliveries WHERE state = 'pending' AND due_at <= clock_ms() + 60000)
"""
# A dead notifier's leases; those of 90 s end by themselves in tests/integration/notifier/test_killed.py.
_END_LEASES = "UPDATE deliveries SET leased_until = clock_ms() WHERE leased_until > clock_ms()"


@dataclass(slots=True)
class Crashes:
    """Deaths of one service.

    Args:
        ends: where each life ends: at which point, and at the how-manyeth passing of it.
        last_words: what who dies writes to.
    """

    service: str
    ends: Sequence[tuple[CrashPoint, int]]
    last_words: Path
    deaths: int = 0
    _armed: bool = field(default=False)
    _stirred: float = field(default=float("-inf"))

    def fault(self, name: str) -> Fault:
        return Fault(
            name,
            self._die,
            self._rise,
            "the next process finds what was left, and nothing is done twice that shows",
            lasts_seconds=0.0,
            times=len(self.ends),
        )

    async def _die(self, drill: Drill) -> None:
        service, point = self.service, self.ends[self.deaths][0]
        if not self._armed:
            await drill.fleet.kill(service)
            self._launch(drill)

        async def dead() -> bool:
            if service == "notifier":
                await self._stir(drill)
            return not drill.fleet.is_running(service)

        await until(f"{service} to come to {point}", dead, timeout_seconds=2 * PATIENCE_SECONDS)
        self.deaths += 1
        said, wanted = reached(self.last_words), Counter(point for point, _ in self.ends[: self.deaths])
        assert all(said[point] == times for point, times in wanted.items()), f"{service} died elsewhere than at {point}"
        if self.deaths % 10 == 0:
            drill.say(f"  {self.deaths} of {len(self.ends)}")

    async def _rise(self, drill: Drill) -> None:
        service = self.service
        await drill.fleet.kill(service)  # what held it
        if service == "notifier":
            async with _as_notifier(drill) as connection:
                await connection.execute(_END_LEASES)
        self._launch(drill)
        if not self._armed:
            await drill.fleet.until_ready(service)

    def _launch(self, drill: Drill) -> None:
        """The next one that dies, or the one that lives on."""
        settings: dict[str, str] = {}
        self._armed = self.deaths < len(self.ends)
        if self._armed:
            point, passing = self.ends[self.deaths]
            settings = {
                "MAILPROBE_CRASH_POINT": point,
                "MAILPROBE_CRASH_PASSING": str(passing),
                "MAILPROBE_CRASH_FILE": str(self.last_words),
                "MAILPROBE_CRASH_ALLOWED": "true",
            }
        drill.fleet.launch(self.service, settings=settings)

    async def _stir(self, drill: Drill) -> None:
        """While nothing waits to be told, another outage that comes, is confirmed at once, and goes."""
        now = asyncio.get_running_loop().time()
        if now - self._stirred < _STIR_SECONDS:
            return
        self._stirred = now
        known = {row["monitor"] for row in await drill.pool.fetch(_OPEN)}
        for box in drill.frail:
            if box.monitor in known:
                box.bring_up()
        under_way = [box for box in drill.frail if box.down or box.monitor in known]
        fresh = [box for box in drill.frail if box not in under_way and box.outages < _OUTAGES_EACH]
        async with _as_notifier(drill) as connection:
            to_tell = await connection.fetchval(_TO_TELL)
        if fresh and not under_way and not to_tell:
            box = min(fresh, key=lambda box: box.outages)
            box.take_down()
            under_way.append(box)
        await asyncio.gather(*(drill.trigger(box) for box in under_way))


@contextlib.asynccontextmanager
async def _as_notifier(drill: Drill) -> AsyncIterator[Any]:
    async with drill.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL ROLE mailprobe_notifier")
        yield connection


def reached(last_words: Path) -> Counter[str]:
    """How often a process died at each point, by its own word."""
    if not last_words.exists():
        return Counter()
    return Counter(json.loads(line)["point"] for line in last_words.read_text().splitlines())


class Channels:
    """Webhooks that hear of every outage, with a book of their own."""

    def __init__(self, drill: Drill, receiver: Receiver) -> None:
        self._drill = drill
        self._receiver = receiver
        self._paths: list[str] = []

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, drill: Drill, count: int) -> AsyncIterator["Channels"]:
        """So many of them."""
        async with http_receiver() as receiver:
            channels = cls(drill, receiver)
            for number in range(count):
                path = f"/also/{number}"
                config = {"url": f"http://127.0.0.1:{receiver.port}{path}"}
                hook = {"type": "webhook", "name": f"Also {number}", "config": config}
                await drill.call("POST", "/api/notification-channels", hook)
                channels._paths.append(path)
            yield channels

    async def judged(self) -> tuple[list[str], int]:
        """What does not fit with the incidents there are, of all of them, and how many messages came again.

        Waits until each was told everything: a channel that was told much has the rest gathered for a minute.
        """

        async def told() -> bool:
            return not (await self._judged())[0]

        with contextlib.suppress(AssertionError):
            await until("every channel to be told", told, timeout_seconds=2 * PATIENCE_SECONDS)
        return await self._judged()

    async def _judged(self) -> tuple[list[str], int]:
        incidents = (await self._drill.books()).incidents
        wrong, again = [], 0
        for path in self._paths:
            requests = [each for each in self._receiver.requests if each.path == path]
            faults, repeated = ledger.judge_notices(incidents, requests)
            wrong += [f"{path}: {fault}" for fault in faults]
            again += repeated
        return wrong, again
