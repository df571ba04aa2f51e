"""Every process of every service is replaced, one after the other, while checks are made and the API is used.

Two processes of each run beside each other; a new one is started and ready before an old one is told to end, as an
orchestrator does it. What a load balancer would try at the other gateway is tried there: a connection that was refused.
"""

import asyncio
import itertools
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from services.api_gateway.token_store import issue_token
from shared.broker import policies
from shared.database.pool import GATEWAY_ROLE, PIPELINE_ROLE, Pool, open_pool
from tests.support.conservation import Conservation, assert_conserved
from tests.support.fleet import Fleet
from tests.support.mail_servers import Manners, serving, sound_imap, sound_pop3
from tests.support.servers.process import free_ports
from tests.support.servers.rabbitmq import GivenRabbit
from tests.support.waiting import until

# As OPERATIONS.md has it for an upgrade.
ORDER = ("result_recorder", "scheduler", "imap_worker", "pop3_worker", "notifier", "api_gateway")
MONITORS = 120
SETTINGS = {
    "MAILPROBE_POP3_INTERVAL_FLOOR_MINUTES": "0.5",
    "MAILPROBE_RATE_LIMIT_TOKEN": "1000000",
    "MAILPROBE_HOST_LOGINS_PER_SECOND": "1000",
    "MAILPROBE_HOST_IN_FLIGHT": "1000",
}
# Everybody may log in, with any password: each monitor has a mailbox of its own.
WELCOMING_IMAP = Manners(instead={"AUTHENTICATE": b"{tag} OK in\r\n", "LOGIN": b"{tag} OK in\r\n"})
WELCOMING_POP3 = Manners(capabilities="USER|UIDL", instead={"PASS": b"+OK in\r\n"})


@dataclass
class Balancer:
    """What clients talk to: one of the gateways that are there, and the other where one refuses the connection."""

    token: str
    ports: tuple[int, int]  # of the mail servers, POP3 and IMAP
    gateways: dict[str, int] = field(default_factory=dict)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    _turns: "itertools.count[int]" = field(default_factory=itertools.count)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Balancer"]:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=90)) as self._session:
            yield self

    async def call(self, method: str, path: str, body: Any = None, *, wanted: tuple[int, ...] = (200, 201)) -> Any:
        """The answer; what no client should have seen is kept in `faults`."""
        what = f"{method} {re.sub(r'[0-9a-f-]{36}', 'ID', path)}"
        for _ in range(4):
            ports = list(self.gateways.values())
            port = ports[next(self._turns) % len(ports)]
            try:
                async with self._session.request(method, f"http://127.0.0.1:{port}{path}", json=body) as answer:
                    said = await answer.json(content_type=None)
            except aiohttp.ClientConnectorError:
                self.answers["connection refused", 0] += 1
                continue
            except (aiohttp.ClientError, TimeoutError) as error:
                self.faults.append(f"{what}: {error!r}")
                return None
            self.answers[what, answer.status] += 1
            if answer.status not in wanted:
                self.faults.append(f"{what}: {answer.status} {json.dumps(said)[:300]}")
            return said
        self.faults.append(f"{what}: refused four times")
        return None


def described(number: int, ports: tuple[int, int]) -> dict[str, Any]:
    protocol = "imap" if number % 2 else "pop3"
    return {
        "customerId": "11111111-1111-4111-8111-111111111111",
        "name": f"mailbox {number}",
        "hostname": "127.0.0.1",
        "port": ports[number % 2],
        "checkInterval": 0.5,
        "timeoutSeconds": 20,
        "imapPopConfig": {"protocol": protocol, "user": f"user{number}", "password": "secret", "security": "none"},
    }


class Rolling:
    """Two processes of each service, and their replacement."""

    def __init__(self, fleet: Fleet, balancer: Balancer) -> None:
        self._fleet = fleet
        self._balancer = balancer
        self._running = {service: [service] for service in ORDER}
        self._numbers = itertools.count(2)
        self.replaced = 0
        balancer.gateways["api_gateway"] = fleet.port

    async def start(self, service: str) -> None:
        name = f"{service}-{next(self._numbers)}"
        (port,) = free_ports(1)
        self._fleet.launch(service, name=name, settings={"MAILPROBE_PORT": str(port)})
        await self._fleet.until_ready(name)
        self._running[service].append(name)
        if service == "api_gateway":
            self._balancer.gateways[name] = port

    async def double(self) -> None:
        await asyncio.gather(*(self.start(service) for service in ORDER))

    async def replace_all(self, turn_of: Callable[[int], Awaitable[None]]) -> None:
        """Each that runs now, by a new one; of each service, once its turn has come."""
        for turn, service in enumerate(ORDER):
            await turn_of(turn)
            before = list(self._running[service])
            await asyncio.gather(*(self.start(service) for _ in before))
            for old in before:
                # Told to end while it is still asked: a balancer learns of it a moment later.
                stopping = asyncio.create_task(self._fleet.stop(old))
                await asyncio.sleep(0.3)
                self._balancer.gateways.pop(old, None)
                await stopping
                self._running[service].remove(old)
                self.replaced += 1


async def use_the_api(balancer: Balancer, monitors: list[str], stop: asyncio.Event) -> None:
    """Readers and writers, until told to stop."""

    async def over_and_over(*, pause: float, make: Any) -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            await make(number)
            await asyncio.sleep(pause)

    def one(number: int) -> str:
        return f"/api/imap-pop-monitors/{monitors[number * 7 % len(monitors)]}"

    async def read(number: int) -> None:
        await balancer.call("GET", f"/api/imap-pop-monitors?perPage=20&page={number % 5 + 1}")
        await balancer.call("GET", f"{one(number)}/check-history?limit=5")

    async def write(number: int) -> None:
        await balancer.call("PATCH", one(number), {"name": f"renamed {number}"})
        await balancer.call("POST", f"{one(number)}/trigger-check", wanted=(200, 429))

    async def test(number: int) -> None:
        # 429: of logins never seen to work, a mail server gets one at a time.
        body = described(1000 + number, balancer.ports)
        said = await balancer.call("POST", "/api/imap-pop-monitors/test", body, wanted=(200, 429))
        if said is not None and "success" in said and said["success"] is not True:
            balancer.faults.append(f"a test failed: {json.dumps(said)[:300]}")

    await asyncio.gather(
        over_and_over(pause=0.1, make=read), over_and_over(pause=0.25, make=write), over_and_over(pause=0.5, make=test)
    )


async def slots_claimed(pool: Pool) -> int:
    """Slots published so far, of all mailboxes."""
    return int(await pool.fetchval("SELECT coalesce(sum(slots_claimed), 0) FROM schedule"))


async def outcome(pool: Pool) -> dict[str, Any]:
    """What is in the tables that should not be, and why slots were missed."""
    return {
        "failed": [
            dict(row) for row in await pool.fetch("SELECT outcome, message FROM results WHERE NOT passed LIMIT 5")
        ],
        "incidents": await pool.fetchval("SELECT count(*) FROM incidents"),
        "not up": await pool.fetchval("SELECT count(*) FROM monitor_health WHERE health <> 'up'"),
        "missed": {
            row["reason"]: row["slots"]
            for row in await pool.fetch("SELECT reason, sum(count)::int AS slots FROM missed GROUP BY 1")
        },
    }


@asynccontextmanager
async def under_load(
    tmp_path: Path, database_dsn: str, rabbitmq: GivenRabbit, vhost: str, *, monitors: int
) -> AsyncIterator[tuple[Rolling, Balancer, Pool, list[str], Fleet]]:
    await policies.apply(rabbitmq.management_url, vhost=vhost)
    async with open_pool(database_dsn, role=GATEWAY_ROLE, application_name="test", max_size=1) as pool:
        token = await issue_token(pool, organization_id=1, name="rolling", role="admin")
    fleet = Fleet(tmp_path, database_dsn=database_dsn, amqp_url=rabbitmq.amqp_url(vhost), settings=SETTINGS)
    async with (
        serving(sound_imap(WELCOMING_IMAP)) as imap,
        serving(sound_pop3(WELCOMING_POP3)) as pop3,
        fleet,
        Balancer(token, (pop3.port, imap.port)).opened() as balancer,
        open_pool(database_dsn, role=PIPELINE_ROLE, application_name="test", max_size=2) as pipeline,
    ):
        rolling = Rolling(fleet, balancer)
        await rolling.double()
        made: list[str] = []
        for some in _tens(monitors):
            answers = await asyncio.gather(
                *(balancer.call("POST", "/api/imap-pop-monitors", described(number, balancer.ports)) for number in some)
            )
            made += [answer["publicId"] for answer in answers]
        yield rolling, balancer, pipeline, made, fleet


@asynccontextmanager
async def used(balancer: Balancer, monitors: list[str]) -> AsyncIterator[None]:
    """The API is used all the while."""
    stop = asyncio.Event()
    using = asyncio.create_task(use_the_api(balancer, monitors, stop))
    try:
        yield
    finally:
        stop.set()
        await using


def _tens(count: int) -> list[range]:
    return [range(first, min(first + 10, count)) for first in range(0, count, 10)]


async def settled(balancer: Balancer, pool: Pool, monitors: list[str]) -> Conservation:
    for some in _tens(len(monitors)):
        await asyncio.gather(
            *(
                balancer.call("PATCH", f"/api/imap-pop-monitors/{monitors[each]}", {"status": "disabled"})
                for each in some
            )
        )
    return await assert_conserved(pool, settled=True, timeout_seconds=240)


async def assert_nobody_noticed(running: tuple[Rolling, Balancer, Pool, list[str], Fleet], *, times: int) -> None:
    rolling, balancer, pool, monitors, fleet = running

    async def claimed(rounds: int, turn: int = 0) -> None:
        wanted = (rounds + turn / len(ORDER)) * len(monitors)

        async def enough() -> bool:
            return await slots_claimed(pool) >= wanted

        await until(f"{wanted:.0f} slots", enough, timeout_seconds=240)

    async with used(balancer, monitors):
        for rounds in range(times):
            # Spread over the checks: where processes start quickly, all of them would be new before most are due.
            await rolling.replace_all(partial(claimed, rounds))
        await claimed(times)
    found = await outcome(pool)
    kept = await settled(balancer, pool, monitors)
    assert rolling.replaced >= times * 2 * len(ORDER)
    assert balancer.faults == []
    assert found == {"failed": [], "incidents": 0, "not up": 0, "missed": {}}
    assert kept.claimed == kept.results + kept.missed
    assert kept.claimed >= times * len(monitors)
    said = [json.loads(line) for line in fleet.logs().splitlines() if line.startswith("{")]
    assert [line for line in said if line["level"] in ("error", "critical")] == []
    print(f"{kept.claimed} slots, {sum(balancer.answers.values())} calls: {dict(balancer.answers)}")


@pytest.mark.timeout(900)
async def test_every_process_is_replaced_under_load_and_nobody_notices(
    tmp_path: Path, database_dsn: str, rabbitmq: GivenRabbit, amqp_vhost: str
) -> None:
    async with under_load(tmp_path, database_dsn, rabbitmq, amqp_vhost, monitors=MONITORS) as running:
        await assert_nobody_noticed(running, times=1)
    dead = await rabbitmq.api("GET", f"queues/{amqp_vhost}/mailprobe.dead-letters")
    assert dead.get("messages", 0) == 0


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_every_process_is_replaced_again_and_again(
    tmp_path: Path, database_dsn: str, rabbitmq: GivenRabbit, amqp_vhost: str
) -> None:
    async with under_load(tmp_path, database_dsn, rabbitmq, amqp_vhost, monitors=4 * MONITORS) as running:
        await assert_nobody_noticed(running, times=8)
