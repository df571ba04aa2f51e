"""A database with monitors for tests of the recorder: to describe, to move its clock, to look."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID

from shared.database.pool import GATEWAY_ROLE, PIPELINE_ROLE, Pool, connect, open_pool, organization_transaction
from tests.support.answers import BEGIN_MS, CREDENTIAL, INTERVAL_MS, public_id_of

CUSTOMER = 10


class RecorderDesk:
    """The pipeline's pool, and what a gateway, a scheduler and an operator would do beside it."""

    def __init__(self, dsn: str, pool: Pool, gateway: Pool, owner: Any) -> None:
        self.dsn = dsn
        self.pool = pool
        self._gateway = gateway
        self._owner = owner

    async def add_monitor(
        self,
        monitor_id: int = 1,
        *,
        revision: int = 1,
        interval_ms: int = INTERVAL_MS,
        credential_id: UUID | None = CREDENTIAL,
        status: str = "active",
    ) -> None:
        async with organization_transaction(self._gateway, 1) as connection:
            await connection.execute(
                """INSERT INTO monitors (id, public_id, organization_id, customer_id, name, hostname, protocol, status,
                       interval_ms, timeout_seconds, config, sealed_password, credential_id, revision)
                   VALUES ($1, $2, 1, $3, 'a mailbox', 'mail.example.com', 'imap', $4, $5, 30, $6, $7, $8, $9)""",
                monitor_id,
                public_id_of(monitor_id),
                CUSTOMER,
                status,
                interval_ms,
                {"user": "someone@example.com"},
                "sealed" if credential_id else None,
                credential_id,
                revision,
            )

    async def change_monitor(self, monitor_id: int = 1, **columns: Any) -> None:
        async with organization_transaction(self._gateway, 1) as connection:
            for name, value in columns.items():
                await connection.execute(f"UPDATE monitors SET {name} = $1 WHERE id = $2", value, monitor_id)

    async def delete_monitor(self, monitor_id: int = 1) -> None:
        async with organization_transaction(self._gateway, 1) as connection:
            await connection.execute("DELETE FROM monitors WHERE id = $1", monitor_id)

    async def set_threshold(self, count: int) -> None:
        async with organization_transaction(self._gateway, 1) as connection:
            await connection.execute("UPDATE customers SET alert_location_threshold_count = $1", count)

    async def schedule(self, location_id: int, monitor_id: int = 1) -> None:
        """An active schedule row, as the scheduler would have it."""
        await self.pool.execute(
            """INSERT INTO schedule (monitor_id, location_id, organization_id, monitor_public_id, protocol,
                   interval_ms, phase_ms, revision, active, since_slot, last_slot)
               VALUES ($1, $2, 1, $3, 'imap', $4, 0, 1, true, 0, 0)""",
            monitor_id,
            location_id,
            public_id_of(monitor_id),
            INTERVAL_MS,
        )

    async def set_clock(self, now_ms: int) -> None:
        await self._owner.execute(
            f"""CREATE OR REPLACE FUNCTION mailprobe.clock_ms() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE
                AS $$ SELECT {now_ms}::bigint $$"""
        )

    async def run_as_owner(self, statement: str) -> None:
        await self._owner.execute(statement)

    async def rows(self, query: str, *arguments: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.pool.fetch(query, *arguments)]

    async def row(self, query: str, *arguments: Any) -> dict[str, Any]:
        (only,) = await self.rows(query, *arguments)
        return only

    async def value(self, query: str, *arguments: Any) -> Any:
        return await self.pool.fetchval(query, *arguments)

    async def location_state(self, monitor_id: int = 1, location: str = "here") -> dict[str, Any]:
        return await self.row(
            """SELECT h.* FROM location_health h JOIN locations l ON l.id = h.location_id
               WHERE h.monitor_id = $1 AND l.code = $2""",
            monitor_id,
            location,
        )

    async def monitor_state(self, monitor_id: int = 1) -> dict[str, Any]:
        return await self.row("SELECT * FROM monitor_health WHERE monitor_id = $1", monitor_id)

    async def everything(self) -> str:
        """Health, results and missed slots as text, to compare; without times of recording and numbers of rows."""
        told = {
            "locations": await self.rows("SELECT * FROM location_health ORDER BY monitor_id, location_id"),
            "monitors": await self.rows("SELECT * FROM monitor_health ORDER BY monitor_id"),
            "results": await self.rows("SELECT check_id, slot_at, outcome FROM results ORDER BY slot_at, check_id"),
        }
        return json.dumps(told, default=str, indent=1)

    async def missed_slots(self, monitor_id: int = 1) -> list[int]:
        """Every missed slot, one by one; a slot counted twice is in it twice."""
        ranges = await self.rows("SELECT * FROM missed WHERE kind = 'scheduled' AND monitor_id = $1", monitor_id)
        return sorted(each["first_slot"] + n * each["interval_ms"] for each in ranges for n in range(each["count"]))


@asynccontextmanager
async def recorder_desk(dsn: str) -> AsyncIterator[RecorderDesk]:
    """A desk on a migrated database; its clock stands an hour after BEGIN_MS."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(
            open_pool(dsn, role=PIPELINE_ROLE, application_name="recorder", max_size=6)
        )
        gateway = await stack.enter_async_context(
            open_pool(dsn, role=GATEWAY_ROLE, application_name="gateway", max_size=2)
        )
        owner = await connect(dsn, role=None, application_name="owner")
        stack.push_async_callback(owner.close)
        desk = RecorderDesk(dsn, pool, gateway, owner)
        await desk.set_clock(BEGIN_MS + 3_600_000)
        await desk.pool.execute("SELECT ensure_result_partitions(7)")
        # Monitors of these tests worked before they fail, unless a test says otherwise.
        await desk.run_as_owner("ALTER TABLE mailprobe.monitor_health ALTER COLUMN first_passed_at SET DEFAULT 0")
        yield desk
