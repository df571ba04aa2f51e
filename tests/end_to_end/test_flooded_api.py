"""An API asked for ten times what it can do: each request is answered, and checks are made as if nobody had asked.

How late checks began in the calm and in the flood, and how long which answer took, is said as figures, side by side
from the same run; on a machine that others use as well, no time is a verdict. By `make chaos` calm and flood take
turns, once as the processes like it and once with flood and gateway on a processor of their own: what is left of a
difference then is ours, and not that of two processors too few.
"""

import asyncio
import itertools
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from services.api_gateway.token_store import issue_token
from shared.database.pool import GATEWAY_ROLE, PIPELINE_ROLE, open_pool
from tests.end_to_end.conftest import Whole
from tests.end_to_end.test_life_of_a_check import documented_body
from tests.support.conservation import assert_conserved
from tests.support.fleet import REPOSITORY, SERVICES, Api, says_ready
from tests.support.servers.dovecot import DovecotServer
from tests.support.servers.process import LeashedProcess, free_ports
from tests.support.waiting import until

MONITORS = 12
MORE_MONITORS = 48
TURNS = 5
INTERVAL_SECONDS = 30
MONITORS_PATH = "/api/imap-pop-monitors"
ALLOWED = {200, 429, 503}

_LATE = """
SELECT count(*) AS checks, min(passed::int) AS passed,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY started_at - start_at) AS p50,
       percentile_disc(0.99) WITHIN GROUP (ORDER BY started_at - start_at) AS p99
FROM results WHERE kind = 'scheduled' AND start_at >= $1 AND start_at < $2"""


# By the way a check takes: begun after it was to begin, and known after that, less what the mail server took.
_LATENESSES = """
SELECT started_at - start_at AS began, recorded_at - start_at - coalesce(total_ms, 0) AS known
FROM results WHERE kind = 'scheduled' AND start_at >= $1 AND start_at < $2"""

_BACKENDS_OF_GATEWAY = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE '%gateway%'"


@dataclass
class Flood:
    """Requests over so many connections, each asking again the moment it is answered."""

    address: str
    token: str
    connections: int
    statuses: Counter[int] = field(default_factory=Counter)
    took: dict[int, list[float]] = field(default_factory=dict)
    without_retry_after: int = 0

    async def run(self, left: Iterator[int]) -> None:
        """As many requests as there are `left`."""
        headers = {"Authorization": f"Bearer {self.token}"}
        connector = aiohttp.TCPConnector(limit=self.connections)
        timeout = aiohttp.ClientTimeout(total=120)
        async with aiohttp.ClientSession(headers=headers, connector=connector, timeout=timeout) as session:
            await asyncio.gather(*(self._ask(session, left) for _ in range(self.connections)))

    async def _ask(self, session: aiohttp.ClientSession, left: Any) -> None:
        for _ in left:
            began = time.monotonic()
            async with session.get(self.address + MONITORS_PATH) as answer:
                body = await answer.json(content_type=None)
            self.statuses[answer.status] += 1
            self.took.setdefault(answer.status, []).append(time.monotonic() - began)
            if answer.status != 200:
                assert body["status"] == answer.status
                self.without_retry_after += "Retry-After" not in answer.headers

    def said(self) -> str:
        return ", ".join(
            f"{count} x {status} (p50 {quantile(self.took[status], 0.5) * 1000:.0f} ms, "
            f"p99 {quantile(self.took[status], 0.99) * 1000:.0f} ms)"
            for status, count in sorted(self.statuses.items())
        )


def quantile(values: list[float], fraction: float) -> float:
    return sorted(values)[min(len(values) - 1, int(fraction * len(values)))]


async def asked_for_health(address: str, over: asyncio.Event) -> Counter[int]:
    """What `/livez` said all the while."""
    said: Counter[int] = Counter()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        while not over.is_set():
            async with session.get(f"{address}/livez") as answer:
                said[answer.status] += 1
            await asyncio.sleep(0.25)
    return said


async def monitors_checked(api: Api, dovecot: DovecotServer, pool: Any, count: int) -> list[str]:
    """Monitors that have been checked each."""
    made = []
    for number in range(count):
        await dovecot.set_password(f"flooded{number}", "right password")
        body = documented_body(dovecot.imaps_port, user=f"flooded{number}")
        body |= {"checkInterval": INTERVAL_SECONDS / 60, "timeoutSeconds": 10}
        status, answer = await api.call("POST", MONITORS_PATH, body)
        assert status == 201, answer
        made.append(str(answer["publicId"]))

    async def all_checked() -> bool:
        return bool(await pool.fetchval("SELECT count(DISTINCT monitor_id) >= $1 FROM results", count))

    await until("each was checked once", all_checked, timeout_seconds=120)
    return made


async def slots_over(pool: Any, since_ms: int, count: int) -> int:
    """Wait until slots of a whole interval are checked; the time then."""

    async def enough() -> bool:
        return bool(
            await pool.fetchval(
                "SELECT count(*) >= $2 FROM results WHERE kind = 'scheduled' AND start_at >= $1", since_ms, count
            )
        )

    await until("a whole round of checks", enough, timeout_seconds=240)
    return await now(pool)


async def now(pool: Any) -> int:
    return int(await pool.fetchval("SELECT clock_ms()"))


async def at_rest(api: Api, made: list[str], pool: Any) -> None:
    """Nothing was lost, nothing failed, nobody was told of an outage."""

    async def disabled(public_id: str) -> bool:
        status, _ = await api.call("PATCH", f"{MONITORS_PATH}/{public_id}", {"status": "disabled"})
        return status == 200  # 429 for a while after the flood

    for public_id in made:
        await until("it is disabled", lambda public_id=public_id: disabled(public_id), timeout_seconds=120)
    found = await assert_conserved(pool, settled=True, timeout_seconds=240)
    assert found.claimed == found.results + found.missed
    failed = await pool.fetch("SELECT outcome, phase, message, count(*) FROM results WHERE NOT passed GROUP BY 1, 2, 3")
    assert [dict(row) for row in failed] == []
    assert await pool.fetchval("SELECT count(*) FROM incidents") == 0


def judge(flood: Flood, healthy: Counter[int]) -> None:
    """Each was answered, some in vain, and those were told when to come again."""
    assert set(flood.statuses) <= ALLOWED
    assert flood.statuses[200] > 0
    assert flood.statuses[429] + flood.statuses[503] > 0, "it was no flood"
    assert flood.without_retry_after == 0
    assert set(healthy) == {200}


async def flooded(
    where: str,
    api: Api,
    address: str,
    dovecot: DovecotServer,
    dsn: str,
    figures: Callable[[str], None],
    *,
    requests: int,
    connections: int,
) -> None:
    async with open_pool(dsn, role=PIPELINE_ROLE, application_name="test") as pool:
        made = await monitors_checked(api, dovecot, pool, MONITORS)
        calm_since = await now(pool)
        calm_until = await slots_over(pool, calm_since, MONITORS)
        over = asyncio.Event()
        health = asyncio.create_task(asked_for_health(address, over))
        flood = Flood(address, api.token, connections)
        flood_since = await now(pool)
        await flood.run(iter(range(requests)))
        flood_ended = await now(pool)
        flood_until = await slots_over(pool, flood_since, MONITORS)
        over.set()
        healthy = await health
        calm, wet = [
            await pool.fetchrow(_LATE, *span) for span in ((calm_since, calm_until), (flood_since, flood_until))
        ]
        figures(
            f"flood.{where}: {requests} requests by {connections} connections in {flood_ended - flood_since} ms: "
            f"{flood.said()}; checks began late by p50 {calm['p50']} ms, p99 {calm['p99']} ms of {calm['checks']} in "
            f"the calm, p50 {wet['p50']} ms, p99 {wet['p99']} ms of {wet['checks']} in the flood"
        )
        assert flood.statuses.total() == requests, "each was answered"
        judge(flood, healthy)
        await at_rest(api, made, pool)


@asynccontextmanager
async def standalone(tmp_path: Path, dsn: str, ca_file: Path) -> AsyncIterator[str]:
    (port,) = free_ports(1)
    process = LeashedProcess(
        [sys.executable, "-m", "services.standalone"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONPATH": str(REPOSITORY),
            "MAILPROBE_DATA": str(tmp_path / "data"),
            "MAILPROBE_DATABASE_URL": dsn,
            "MAILPROBE_CA_FILE": str(ca_file),
            "MAILPROBE_PORT": str(port),
        },
        cwd=REPOSITORY,
        log_path=tmp_path / "standalone.log",
    )

    try:
        await process.until_ready("standalone", partial(says_ready, port))
        yield f"http://127.0.0.1:{port}"
    finally:
        await process.stop()


@pytest.mark.timeout(600)
async def test_one_process_goes_on_checking_while_its_api_is_flooded(
    tmp_path: Path, database_dsn: str, dovecot: DovecotServer, figures: Callable[[str], None]
) -> None:
    async with standalone(tmp_path, database_dsn, dovecot.ca_file) as address:
        async with open_pool(database_dsn, role=GATEWAY_ROLE, application_name="test", max_size=1) as pool:
            token = await issue_token(pool, organization_id=1, name="flood", role="admin")
        async with Api(address, token) as api:
            await flooded("standalone", api, address, dovecot, database_dsn, figures, requests=1500, connections=180)


def processor_seconds(pid: int) -> float:
    """What a process has used so far, in its own code and for it."""
    used = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(used[11]) + int(used[12])) / os.sysconf("SC_CLK_TCK")


def pinned(pid: int, processors: set[int]) -> None:
    """All threads of a process, on these processors from now on."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), processors)


async def apart(whole: Whole) -> None:
    """The flood, the gateway and what Postgres does for it on one processor, everybody else's work on another."""
    first, last = {0}, {(os.cpu_count() or 1) - 1}
    pinned(os.getpid(), last)
    for service in SERVICES:
        pinned(whole.fleet.pid(service), last if service == "api_gateway" else first)
    owner = await asyncpg.connect(whole.database_dsn)
    try:
        for row in await owner.fetch(_BACKENDS_OF_GATEWAY):
            pinned(row["pid"], last)
    finally:
        await owner.close()


@pytest.mark.chaos
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("alone", [False, True], ids=["together", "apart"])
async def test_separate_processes_go_on_checking_while_the_gateway_is_flooded(
    whole: Whole, figures: Callable[[str], None], alone: bool
) -> None:
    processors = os.sched_getaffinity(0)
    address, gateway = whole.fleet.address, whole.fleet.pid("api_gateway")
    late: dict[str, list[Any]] = {"calm": [], "flood": []}
    spent: list[tuple[float, int]] = []
    async with open_pool(whole.database_dsn, role=PIPELINE_ROLE, application_name="test") as pool:
        made = await monitors_checked(whole.api, whole.dovecot, pool, MORE_MONITORS)
        flood, ended = Flood(address, whole.api.token, connections=480), asyncio.Event()
        health = asyncio.create_task(asked_for_health(address, ended))
        try:
            for turn in range(2 * TURNS):
                if alone:
                    await apart(whole)
                over = asyncio.Event()
                left = itertools.takewhile(lambda _, over=over: not over.is_set(), itertools.count())  # type: ignore[misc]
                wet = turn % 2 == 1
                used, answered = processor_seconds(gateway), flood.statuses.total()
                flooding = asyncio.create_task(flood.run(left)) if wet else None
                since = await now(pool)
                until_ms = await slots_over(pool, since, MORE_MONITORS)
                over.set()
                if flooding is not None:
                    await flooding
                    spent.append((processor_seconds(gateway) - used, flood.statuses.total() - answered))
                late["flood" if wet else "calm"] += await pool.fetch(_LATENESSES, since, until_ms)
        finally:
            pinned(os.getpid(), processors)
        ended.set()
        judge(flood, await health)
        said = "; ".join(
            f"{what} by p50 {quantile([row[column] for row in rows], 0.5):.0f} ms, "
            f"p90 {quantile([row[column] for row in rows], 0.9):.0f} ms, "
            f"p99 {quantile([row[column] for row in rows], 0.99):.0f} ms of {len(rows)} in the {when}"
            for column, what in (("began", "begun late"), ("known", "known after"))
            for when, rows in late.items()
        )
        an_answer_ms = 1000 * sum(seconds for seconds, _ in spent) / sum(answers for _, answers in spent)
        figures(
            f"flood.processes.{'apart' if alone else 'together'}: {flood.said()}, "
            f"{an_answer_ms:.2f} ms of a processor of the gateway's for an answer; "
            f"checks were {said}"
        )
        await at_rest(whole.api, made, pool)
