"""A million monitors: claims, sizes, lists and searches at the API."""

import asyncio
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import quantiles

import aiohttp

from benchmarks.pipeline import growth
from benchmarks.scale.fleet import Fleet
from shared.database.pool import Connection

QUESTIONS = {
    "list": "page=1",
    "list_deep": "page=1000",
    "overview": "view=overview&sort=worst",
    "search_host": "search=mail42.example.net",
    "search_name": "search=Mailbox%2010042042",
    "filter_down": "view=overview&sort=worst&health=down",
}
TABLES = ("monitors", "schedule", "monitor_health", "location_health", "login_credentials")

_SIZES = "SELECT pg_table_size(to_regclass($1)) AS rows, pg_indexes_size(to_regclass($1)) AS indexes"
_PATIENT_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Million:
    """MiB of (table, indexes) by table; p50 and p95 in ms by question, None where the API gave up on it."""

    growth: growth.Growth
    mib: Mapping[str, tuple[float, float]]
    milliseconds: Mapping[str, tuple[float, float] | None]


async def measure(fleet: Fleet, *, rows: int, asked: int) -> Million:
    """Load them, claim each once, and ask the API."""
    grown = await growth.measure(fleet.at.owner, fleet.at.dsn, rows=rows, cycles=1)
    sizes = {table: await _sizes(fleet.at.owner, table) for table in TABLES}
    await fleet.launch("api_gateway")
    return Million(grown, sizes, await _asked(fleet, asked))


async def _sizes(owner: Connection, table: str) -> tuple[float, float]:
    found = await owner.fetchrow(_SIZES, f"mailprobe.{table}")
    return found["rows"] / 2**20, found["indexes"] / 2**20


async def _asked(fleet: Fleet, asked: int) -> dict[str, tuple[float, float] | None]:
    address, token = fleet.services.api_address("api_gateway"), await token_of(fleet)
    found: dict[str, tuple[float, float] | None] = {}
    timeout = aiohttp.ClientTimeout(total=_PATIENT_SECONDS)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}, timeout=timeout) as session:
        for name, question in QUESTIONS.items():
            took = [await _once(session, f"{address}/api/imap-pop-monitors?{question}") for _ in range(asked + 2)][2:]
            answered = [each for each in took if each is not None]
            if len(answered) < max(2, len(took)):
                found[name] = None
                continue
            cuts = quantiles(answered, n=20)
            found[name] = cuts[9], cuts[18]
    return found


async def _once(session: aiohttp.ClientSession, url: str) -> float | None:
    began = time.perf_counter()
    async with session.get(url) as answer:
        await answer.read()
        return (time.perf_counter() - began) * 1000 if answer.status == 200 else None


async def token_of(fleet: Fleet) -> str:
    """An administrator's token, made the way an operator makes one."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli.main", "token", "create", "bench", "--role", "admin"),
        env=fleet.services.environment("api_gateway"),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError("mailprobe token create failed")
    return said.decode().strip()
