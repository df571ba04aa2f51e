"""What the scheduler does each second reads as much as is due, however much history there is."""

from services.scheduler import audit_store, schedule_store
from shared.database.pool import Connection, transaction
from tests.integration.scheduler.world import World


async def plan_of(connection: Connection, statement: str, arguments: str) -> str:
    """The plan made once for all arguments."""
    await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    await connection.execute(f"PREPARE looked AS {statement}")
    rows = await connection.fetch(f"EXPLAIN EXECUTE looked ({arguments})")
    await connection.execute("DEALLOCATE looked")
    return "\n".join(row[0] for row in rows)


async def test_the_audit_looks_for_each_slot_by_its_key(world: World) -> None:
    async with transaction(world.pool) as connection:
        await connection.execute(audit_store._BY_KEYS)
        plan = await plan_of(
            connection,
            audit_store._UNANSWERED,
            "ARRAY[1], ARRAY['imap'], ARRAY[60000], ARRAY[0], ARRAY[999], 0, 1000, 100",
        )
    assert "(monitor_id = s.monitor_id) AND (slot_at = s.slot)" in plan
    assert "(phase_ms >= w.lowest) AND (phase_ms <= w.highest)" in plan.partition("Index Cond: ((location_id")[2]
    assert "Seq Scan" not in plan
    assert "Anti Join" not in plan


async def test_a_claim_looks_up_its_window_of_phases(world: World) -> None:
    async with transaction(world.pool) as connection:
        await connection.execute(audit_store._BY_KEYS)
        plan = await plan_of(
            connection, schedule_store._CLAIM, "ARRAY[60000], ARRAY[0], ARRAY[999], 1, 'imap', 1000, 100"
        )
    assert "(phase_ms >= r.lowest) AND (phase_ms <= r.highest)" in plan.partition("Index Cond: ((location_id")[2]
    assert "Seq Scan" not in plan
