"""Hours added up once they are over, and anew where something became known late. Part of the recorder's upkeep.

In steps of one short transaction each, so that no lock is held for long and whoever is stopped half-way goes on there.
"""

from services.result_recorder.rollups.rollup_store import keep_due, keep_stretch, take_stretch
from shared.database.pool import Pool, transaction

MONITORS_AT_ONCE = 500
# After an outage, or on a database whose monitors are new, many hours are added up together.
HOURS_AT_ONCE = 24
DUE_AT_ONCE = 500
# Whatever is left after so many steps is for the next time.
MOST_STEPS = 40


async def keep_rollups(pool: Pool, *, monitors_at_once: int = MONITORS_AT_ONCE, most_steps: int = MOST_STEPS) -> int:
    """Add up what is to be added up now; answers in how many steps there was something.

    Raises:
        DatabaseError: some steps may be done; what is left is done the next time.
    """
    steps = 0
    while steps < most_steps and await _stretch_step(pool, monitors_at_once):
        steps += 1
    while steps < most_steps and await _due_step(pool):
        steps += 1
    return steps


async def _stretch_step(pool: Pool, monitors_at_once: int) -> bool:
    async with transaction(pool) as connection:
        stretch = await take_stretch(connection, most_hours=HOURS_AT_ONCE)
        if stretch is None:
            return False
        await keep_stretch(connection, stretch, most_monitors=monitors_at_once)
        return True


async def _due_step(pool: Pool) -> bool:
    async with transaction(pool) as connection:
        return await keep_due(connection, most=DUE_AT_ONCE) > 0
