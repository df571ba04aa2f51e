"""The recorder's part in the pulse: that it listens, for those who judge silence, and how old the canaries are."""

import asyncio
import time
from functools import partial

import structlog

from services.result_recorder.canary_store import canary_ages, note_hearing
from shared.broker.seam import Broker
from shared.database.errors import DatabaseError
from shared.database.pool import Pool
from shared.runtime import metrics
from shared.runtime.lifecycle import stopped_within

EVERY_SECONDS = 5.0

_log = structlog.get_logger()


async def keep_pulse(pool: Pool, broker: Broker, stop: asyncio.Event) -> None:
    """Both, every few seconds, until stopped. Call it while the presence queue is consumed."""
    failing = False
    while True:
        try:
            # With the broker away, nobody's presence comes through either.
            if await broker.healthy():
                await note_hearing(pool)
            show_ages(await canary_ages(pool))
            failing = False
        except DatabaseError as error:
            if not failing:
                _log.warning("pulse_unknown", reason=str(error))
            failing = True
        if await stopped_within(stop, EVERY_SECONDS):
            return


def show_ages(seconds: dict[tuple[str, str], float]) -> None:
    """On the metrics, where they grow by themselves: also while the database cannot be asked."""
    for (location, protocol), age in seconds.items():
        metrics.CANARY_AGE.labels(location, protocol).set_function(partial(_since, time.monotonic() - age))


def _since(at: float) -> float:
    return time.monotonic() - at
