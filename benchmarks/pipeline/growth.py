"""Whether claims stay HOT and tables stay as they are: many rows claimed over and over, as the scheduler claims them.

Time is an argument of a claim, so a minute of slots passes as fast as its claims are made.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from benchmarks.pipeline.cpu import OURSELVES, live_cpu
from benchmarks.pipeline.loading import INTERVAL_MS, described, load
from services.scheduler import schedule_store
from services.scheduler.plan import Queue
from services.scheduler.windows import phase_ranges
from shared.database.pool import PIPELINE_ROLE, Connection, connect

# As the scheduler's ticks are, when it has this many monitors.
TICK_MS = 1_000
MOST_ROWS = 2_000

_STATISTICS = """
SELECT pg_stat_force_next_flush(), n_tup_upd, n_tup_hot_upd, pg_table_size(relid) AS bytes,
    pg_indexes_size(relid) AS index_bytes
FROM pg_stat_user_tables WHERE schemaname = 'mailprobe' AND relname = 'schedule'"""


@dataclass(frozen=True, slots=True)
class Growth:
    """What became of the table of the schedule, and what a claim cost: Postgres' CPU, and time from our side."""

    rows: int
    cycles: int
    hot_share: float
    bytes_before: int
    bytes_after: int
    index_bytes_before: int
    index_bytes_after: int
    postgres_us: float
    rows_per_second: float

    @property
    def grown(self) -> float:
        """1.0: as large as before."""
        return (self.bytes_after + self.index_bytes_after) / (self.bytes_before + self.index_bytes_before)


@asynccontextmanager
async def claiming(dsn: str) -> AsyncIterator[Connection]:
    """A connection with the settings of a scheduler's session."""
    connection = await connect(
        dsn,
        role=PIPELINE_ROLE,
        application_name=OURSELVES,
        server_settings={"enable_hashjoin": "off", "enable_mergejoin": "off", "enable_seqscan": "off", "jit": "off"},
        command_timeout_seconds=600,
    )
    try:
        yield connection
    finally:
        await connection.close(timeout=10)


async def measure(
    owner: Connection, dsn: str, *, rows: int, cycles: int = 10, first_number: int = 10_000_001, loaded: bool = False
) -> Growth:
    """Claim so many rows so many times; loads them before, unless they are."""
    if not loaded:
        print(f"loading {rows:,} monitors …", flush=True)
        numbers = range(first_number, first_number + rows)
        await load(
            owner,
            described(
                numbers,
                host=lambda n: f"mail{n % 500}.example.net",
                port=993,
                tls=True,
                phase=lambda n: n * 7919 % INTERVAL_MS,
                keys=None,
            ),
        )
    await owner.execute("VACUUM ANALYZE")
    async with claiming(dsn) as connection:
        backend: int = await connection.fetchval("SELECT pg_backend_pid()")
        until: int = await connection.fetchval("SELECT clock_ms()")
        before = await _statistics(owner)
        cpu, began, claimed = live_cpu(backend), time.monotonic(), 0
        for cycle in range(cycles):
            for _ in range(INTERVAL_MS // TICK_MS):
                claimed += await _tick(connection, until, until + TICK_MS)
                until += TICK_MS
            took = time.monotonic() - began
            print(f"  cycle {cycle + 1} of {cycles}: {claimed:,} claims, {claimed / took:,.0f} a second", flush=True)
        cpu, took = live_cpu(backend) - cpu, time.monotonic() - began
    after = await _statistics(owner)
    if claimed < rows * cycles * 0.999:
        raise RuntimeError(f"{claimed:,} of {rows * cycles:,} slots were claimed")
    return Growth(
        rows=rows,
        cycles=cycles,
        hot_share=(after["n_tup_hot_upd"] - before["n_tup_hot_upd"]) / (after["n_tup_upd"] - before["n_tup_upd"]),
        bytes_before=before["bytes"],
        bytes_after=after["bytes"],
        index_bytes_before=before["index_bytes"],
        index_bytes_after=after["index_bytes"],
        postgres_us=cpu / claimed * 1e6,
        rows_per_second=claimed / took,
    )


async def _tick(connection: Connection, after: int, until: int) -> int:
    queue = Queue(location_id=0, location="default", protocol="imap")
    claimed = 0
    while True:
        async with connection.transaction():
            ranges = phase_ranges(after, until, INTERVAL_MS)
            rows = await schedule_store.claim(connection, queue, ranges, until=until, most=MOST_ROWS)
        claimed += len(rows)
        if len(rows) < MOST_ROWS:
            return claimed


async def _statistics(owner: Connection) -> dict[str, int]:
    await owner.fetch(_STATISTICS)
    return dict(await owner.fetchrow(_STATISTICS))
