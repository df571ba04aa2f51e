"""How late the loop wakes: only what happened since a check began counts, and a hold-up that lasts counts too."""

import asyncio
import time

from shared.runtime.loop_lag import SAMPLE_SECONDS, LoopLag


async def test_a_held_up_loop_is_seen_by_what_ran_meanwhile_and_not_by_what_came_later() -> None:
    lag = LoopLag()
    sampling = asyncio.ensure_future(lag.run())
    await asyncio.sleep(0)
    before = time.monotonic()
    time.sleep(SAMPLE_SECONDS * 3)  # noqa: ASYNC251 - holding the loop up is the point
    assert lag.worst_ms_since(before) > SAMPLE_SECONDS * 1000  # it lasts still: no sample was taken
    await asyncio.sleep(SAMPLE_SECONDS / 10)
    assert lag.worst_ms_since(before) > SAMPLE_SECONDS * 1000
    after = time.monotonic()
    assert lag.worst_ms_since(after) < lag.worst_ms_since(before)
    sampling.cancel()


def test_without_samples_there_is_no_lag() -> None:
    assert LoopLag().worst_ms_since(0.0) == 0.0
