"""mailprobe under load while something is done to it: processes, servers, a farm and a receiver with their own books.

Provides `Drill` (what a fault may reach for) and `Ground` (the servers it stands on). What is done is in `fault` and
the catalogue; the comparison of the books is `ledger`'s.
"""

import asyncio
import contextlib
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import asyncpg

from services.api_gateway.token_store import issue_token
from shared.database.embedded import EmbeddedPostgres
from shared.database.errors import DatabaseError
from shared.database.pool import GATEWAY_ROLE, PIPELINE_ROLE, open_pool
from tests.support.conservation import assert_conserved
from tests.support.faults import ledger
from tests.support.faults.farm import Mailbox, MailFarm
from tests.support.faults.wire import Wire
from tests.support.fleet import Api, Fleet
from tests.support.receivers import Receiver, http_receiver
from tests.support.servers.rabbitmq import RabbitServer
from tests.support.waiting import until

PATIENCE_SECONDS = 240.0
MOST_OUTAGES = 2
# What was published and never answered is found after two minutes (services/scheduler/audit.py).
SETTLED_SECONDS = 400.0

SETTINGS = {
    "MAILPROBE_POP3_INTERVAL_FLOOR_MINUTES": "0.5",
    "MAILPROBE_RATE_LIMIT_TOKEN": "1000000",
    "MAILPROBE_HOST_LOGINS_PER_SECOND": "1000",
    "MAILPROBE_HOST_IN_FLIGHT": "1000",
}
# The shortest there are: what is tried is whether outages are told, not how long they are waited for.
_PATIENCE = {"alertConsecutiveChecks": 2, "retryIntervalSeconds": 10}
_MONITORS = "/api/imap-pop-monitors"
_ABSORBED = re.compile(r'"count": (\d+)[^\n]*"duplicates_absorbed"|"duplicates_absorbed"[^\n]*"count": (\d+)')
# Of slots that are due by now: a clock that was set back has left some behind that are not.
_ON_TIME = """
SELECT count(DISTINCT m.protocol) FROM results r JOIN monitors m ON m.id = r.monitor_id
WHERE r.kind = 'scheduled' AND r.slot_at > $1 AND r.slot_at <= mailprobe.clock_ms() + 5000
"""


@dataclass(frozen=True, slots=True)
class Ground:
    """The servers; `dsn` is of a database's owner. `postgres` is None where other tests use it too."""

    state: Path
    dsn: str
    rabbit: RabbitServer
    vhost: str
    postgres: EmbeddedPostgres | None = None


@dataclass
class Drill:
    """See the module. Everything is public: faults look and reach into it."""

    ground: Ground
    fleet: Fleet
    api: Api
    farm: MailFarm
    receiver: Receiver
    database_wire: Wire
    broker_wire: Wire
    receiver_wire: Wire
    pool: Any
    say: Callable[[str], None]
    sound: list[Mailbox] = field(default_factory=list)
    frail: list[Mailbox] = field(default_factory=list)
    disturbances: int = 0
    _turn: int = 0

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, ground: Ground, *, sound: int, frail: int, say: Callable[[str], None] = lambda _: None
    ) -> AsyncIterator["Drill"]:
        """Six processes with `sound` + `frail` monitors that have each passed."""
        async with AsyncExitStack() as opened:
            enter = opened.enter_async_context
            async with open_pool(ground.dsn, role=GATEWAY_ROLE, application_name="test", max_size=1) as pool:
                token = await issue_token(pool, organization_id=1, name="drill", role="admin")
            receiver = await enter(http_receiver())
            database_wire = await enter(Wire(urlsplit(ground.dsn).port or 0, keepalive_seconds=25).opened())
            broker_wire = await enter(Wire(ground.rabbit.amqp_port).opened())
            receiver_wire = await enter(Wire(receiver.port).opened())
            farm = await enter(MailFarm.opened())
            fleet = Fleet(
                ground.state,
                database_dsn=_through(ground.dsn, database_wire),
                amqp_url=_through(ground.rabbit.given.amqp_url(ground.vhost), broker_wire),
                settings=SETTINGS,
            )
            await enter(fleet)
            api = await enter(Api(fleet.address, token))
            pipeline = await enter(open_pool(ground.dsn, role=PIPELINE_ROLE, application_name="test", max_size=2))
            drill = cls(ground, fleet, api, farm, receiver, database_wire, broker_wire, receiver_wire, pipeline, say)
            await drill._populate(sound, frail)
            yield drill

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """The answer; asked again for a while where a back end is away for the moment."""

        async def answered() -> Any:
            try:
                status, answer = await self.api.call(method, path, body)
            except (aiohttp.ClientError, OSError, ValueError):
                return None
            if status in (429, 500, 502, 503, 504):
                return None
            assert status in (200, 201, 204), (method, path, status, answer)
            return answer or {"status": status}

        return await until(f"{method} {path}", answered, timeout_seconds=PATIENCE_SECONDS)

    async def watch(self, box: Mailbox, **more: Any) -> None:
        """A monitor of this mailbox."""
        box.monitor = (await self.call("POST", _MONITORS, box.body(**more)))["publicId"]

    async def change(self, box: Mailbox, body: Any) -> None:
        await self.call("PATCH", f"{_MONITORS}/{box.monitor}", body)

    async def trigger(self, box: Mailbox) -> None:
        """Ask for a check out of turn; whether one is made now does not matter."""
        await self.api.call("POST", f"{_MONITORS}/{box.monitor}/trigger-check")

    async def delete(self, box: Mailbox) -> None:
        await self.call("DELETE", f"{_MONITORS}/{box.monitor}")

    async def _populate(self, sound: int, frail: int) -> None:
        await self.call("PATCH", "/api/package-configs/standard", _PATIENCE)
        hook = {
            "type": "webhook",
            "name": "Hook",
            "config": {"url": f"http://127.0.0.1:{self.receiver_wire.port}/hook"},
        }
        await self.call("POST", "/api/notification-channels", hook)
        self.sound = await self.farm.add_sound(sound)
        self.frail = await self.farm.add_frail(frail)
        for some in _tens([*self.sound, *self.frail]):
            await asyncio.gather(*(self.watch(box) for box in some))

        async def all_passed() -> bool:
            up: int = await self.pool.fetchval("SELECT count(*) FROM monitor_health WHERE health = 'up'")
            return up == sound + frail

        await until("a first check of every mailbox", all_passed, timeout_seconds=PATIENCE_SECONDS)

    async def clock_ms(self) -> int:
        """The database's, as soon as it tells."""

        async def look() -> int:
            try:
                return int(await self.pool.fetchval("SELECT mailprobe.clock_ms()"))
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, DatabaseError, TimeoutError):
                return 0

        return await until("the database's clock", look, timeout_seconds=PATIENCE_SECONDS)

    async def books(self) -> ledger.Books:
        return await ledger.Books.read(self.pool)

    def absorbed(self) -> int:
        """Results that came again and were dropped, of all recorders there were."""
        return sum(int(one or other) for one, other in _ABSORBED.findall(self.fleet.logs()))

    async def break_one(self) -> Mailbox | None:
        """Take the next frail mailbox down: a true outage that has to be told.

        One whose last outage is over, so that each has an incident of its own, and not for the third time within an
        hour, which would be flapping. None where there is no such mailbox just now.
        """
        over = Counter(each.monitor for each in (await self.books()).incidents if not each.is_open)
        for _ in self.frail:
            box = self.frail[self._turn % len(self.frail)]
            self._turn += 1
            if not box.down and over[box.monitor] == box.outages < MOST_OUTAGES:
                box.take_down()
                return box
        return None

    async def mend_confirmed(self) -> None:
        """Bring those up whose outage is known; the others stay down until it is."""
        opened = {each.monitor for each in (await self.books()).incidents if each.is_open}
        for box in self.frail:
            if box.monitor in opened:
                box.bring_up()

    async def until_steady(self) -> float:
        """Wait until slots that fall due from now on are answered, of both protocols; how long that took."""
        began, now_ms = time.monotonic(), await self.clock_ms()

        async def answered() -> bool:
            return int(await self.pool.fetchval(_ON_TIME, now_ms)) == 2

        await until("slots to be answered again", answered, timeout_seconds=PATIENCE_SECONDS)
        return time.monotonic() - began

    async def until_outages_are_over(self) -> None:
        """Every outage confirmed and told, every mailbox brought up, and that told too."""

        async def so() -> bool:
            await self.mend_confirmed()
            books = await self.books()
            over = Counter(each.monitor for each in books.incidents if not each.is_open)
            return all(over[box.monitor] >= box.outages for box in self.frail)

        await until("outages to be confirmed and to end", so, timeout_seconds=2 * PATIENCE_SECONDS)

        async def told() -> bool:
            faults, _ = ledger.judge_notices(
                (await self.books()).incidents, self.receiver.requests, self.receiver.tries
            )
            return not faults

        with contextlib.suppress(AssertionError):  # what is missing is said in the end, by name
            await until("everything to be told", told, timeout_seconds=PATIENCE_SECONDS)

    async def settle(self) -> None:
        """No more slots: everything that was claimed comes to its end."""
        for some in _tens([box for box in self.farm.boxes.values() if box.monitor]):
            await asyncio.gather(*(self.change(box, {"status": "disabled"}) for box in some))
        await assert_conserved(self.pool, settled=True, timeout_seconds=SETTLED_SECONDS)

    async def as_owner(self, *statements: str) -> None:
        """By a connection of its own, past the wire."""
        owner = await asyncpg.connect(self.ground.dsn, timeout=30)
        try:
            for statement in statements:
                await owner.execute(statement)
        finally:
            await owner.close()


def _through(url: str, wire: Wire) -> str:
    """The same address by way of the wire."""
    parts = urlsplit(url)
    account = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{account}@127.0.0.1:{wire.port}"))


def _tens(boxes: list[Mailbox]) -> list[list[Mailbox]]:
    return [boxes[first : first + 10] for first in range(0, len(boxes), 10)]
