"""How long the recorder's rows are kept. Results themselves go by whole days, which is the scheduler's."""

from services.result_recorder.past_store import forget_added_up, forget_rows
from services.result_recorder.rollups.rollup_store import DAY_MS
from shared.database.pool import Pool
from shared.runtime.settings import RetentionSettings

ROWS_AT_ONCE = 2_000
# Whatever is left after so many steps is for the next time.
MOST_STEPS = 50


async def forget_past(pool: Pool, retention: RetentionSettings, *, now_ms: int) -> int:
    """Delete what is older than it is kept; answers how many rows went.

    Raises:
        DatabaseError: some of it may be gone; the rest goes the next time.
    """
    results_before = now_ms - retention.results_retention_days * DAY_MS
    history_before = now_ms - retention.history_retention_days * DAY_MS
    hours_before = (now_ms - retention.hours_retention_days * DAY_MS) // DAY_MS * DAY_MS
    gone = await forget_rows(
        pool,
        results_before=results_before,
        history_before=history_before,
        at_once=ROWS_AT_ONCE,
        most_steps=MOST_STEPS,
    )
    return gone + await forget_added_up(pool, hours_before=hours_before, history_before=history_before)
