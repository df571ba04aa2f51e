"""The least that the same work could cost: the same rows by COPY or one bare UPDATE, the same messages sent bare.

Rows go to twins of the product's tables, with the same indexes and none of its triggers. A floor's cost is our own CPU
and that of our connection's process, as a service's is.
"""

import io
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.pipeline.cpu import live_cpu
from benchmarks.pipeline.messages import BareClient, Copied
from shared.database.pool import Connection

# As many rows in a transaction as the recorder has results in one.
BATCH = 500

_TWINS = """
CREATE TABLE bench_schedule (LIKE schedule INCLUDING ALL) WITH (fillfactor = 85);
INSERT INTO bench_schedule SELECT * FROM schedule ORDER BY monitor_id;
CREATE TABLE bench_location_health (LIKE location_health INCLUDING ALL) WITH (fillfactor = 85);
INSERT INTO bench_location_health SELECT * FROM location_health ORDER BY monitor_id;
CREATE TABLE bench_monitor_health (LIKE monitor_health INCLUDING ALL) WITH (fillfactor = 85);
INSERT INTO bench_monitor_health SELECT * FROM monitor_health ORDER BY monitor_id;
CREATE TABLE bench_results (LIKE results INCLUDING ALL) PARTITION BY RANGE (slot_at);
CREATE TABLE bench_results_all PARTITION OF bench_results DEFAULT;
"""

_CLAIM = """
UPDATE bench_schedule SET last_slot = last_slot + interval_ms, slots_claimed = slots_claimed + 1
WHERE active AND location_id = 0 AND protocol = 'imap' AND monitor_id = ANY ($1::bigint[])"""

_LOCATIONS = """
UPDATE bench_location_health SET last_slot = last_slot + 60000
WHERE location_id = 0 AND monitor_id = ANY ($1::bigint[])"""

_MONITORS = """
UPDATE bench_monitor_health
SET last_checked_at = last_checked_at + 60000, last_counted_at = last_counted_at + 60000, total_ms = total_ms + 1
WHERE monitor_id = ANY ($1::bigint[])"""


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU of one floor: of the connection's process, of ours, and of RabbitMQ, which is said by itself."""

    postgres: float
    ours: float
    broker: float

    @property
    def whole(self) -> float:
        return self.postgres + self.ours

    def of_each(self, checks: int) -> "Cost":
        """Of so many checks each, in µs."""
        each = 1e6 / checks
        return Cost(self.postgres * each, self.ours * each, self.broker * each)


class Floors:
    """Both floors of one kind of check: what its claims and records would cost at the least."""

    def __init__(
        self,
        connection: Connection,
        client: BareClient,
        *,
        broker: int,
        jobs: Sequence[Copied],
        results: Sequence[Copied],
    ) -> None:
        """`broker`: RabbitMQ's process."""
        self._broker = broker
        self._connection = connection
        self._client = client
        self._jobs = jobs
        self._results = results
        self._backend = 0

    async def claim(self, monitor_ids: Sequence[int]) -> Cost:
        """One UPDATE of these rows, and the messages that asked for their checks."""
        self._backend = await self._connection.fetchval("SELECT pg_backend_pid()")
        at_broker = live_cpu(self._broker)
        before, began = live_cpu(self._backend), time.process_time()
        await self._connection.execute(_CLAIM, list(monitor_ids))
        ours = time.process_time() - began + await self._client.publish(self._jobs)
        postgres = live_cpu(self._backend) - before
        await self._client.take(len(self._jobs))
        return Cost(postgres, ours, live_cpu(self._broker) - at_broker)

    async def record(self, monitor_ids: Sequence[int], since: int) -> Cost:
        """The messages that brought these results, the results by COPY, one UPDATE of each row of health."""
        batches = [monitor_ids[place : place + BATCH] for place in range(0, len(monitor_ids), BATCH)]
        copies = [await self._copy_of(batch, since) for batch in batches]
        at_broker = live_cpu(self._broker)
        await self._client.publish(self._results)
        self._backend = await self._connection.fetchval("SELECT pg_backend_pid()")
        before = live_cpu(self._backend)
        ours = await self._client.take(len(self._results))
        at_broker = live_cpu(self._broker) - at_broker
        began = time.process_time()
        for batch, copy in zip(batches, copies, strict=True):
            async with self._connection.transaction():
                await self._connection.copy_to_table(
                    "bench_results", schema_name="mailprobe", source=io.BytesIO(copy), format="binary"
                )
                await self._connection.execute(_LOCATIONS, batch)
                await self._connection.execute(_MONITORS, batch)
        ours += time.process_time() - began
        return Cost(live_cpu(self._backend) - before, ours, at_broker)

    async def _copy_of(self, monitor_ids: Sequence[int], since: int) -> bytes:
        rows = io.BytesIO()
        await self._connection.copy_from_query(
            "SELECT * FROM results WHERE slot_at >= $1 AND monitor_id = ANY ($2::bigint[])",
            since,
            list(monitor_ids),
            output=rows,
            format="binary",
        )
        return rows.getvalue()


async def make_twins(connection: Connection) -> None:
    """Tables for the floors, filled like the product's."""
    await connection.execute(_TWINS)
