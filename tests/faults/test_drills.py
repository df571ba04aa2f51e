"""Faults injected under load, one after the other, and the books compared: nothing lost, nothing twice, nothing false.

The long form, by `make chaos`: every fault there is a promise about, in groups, each with processes of its own.
"""

from collections.abc import Callable, Sequence
from types import ModuleType

import pytest

from tests.support.faults import results
from tests.support.faults.catalogue import broker, database, edges, processes
from tests.support.faults.drill import Drill, Ground
from tests.support.faults.fault import Fault, suffer

Say = Callable[[str], None]
SOUND, FRAIL = 60, 12
GROUPS: dict[str, ModuleType] = {"processes": processes, "database": database, "broker": broker, "edges": edges}


async def suffered(ground: Ground, faults: Sequence[Fault], group: str, say: Say) -> None:
    async with Drill.opened(ground, sound=SOUND, frail=FRAIL, say=say) as drill:
        rows = await suffer(drill, faults, group=group)
    for row in rows:
        results.append(row)
    assert [row for row in rows if not row.sound] == []


@pytest.mark.chaos
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("group", GROUPS)
async def test_faults(own_ground: Ground, say: Say, group: str) -> None:
    await suffered(own_ground, GROUPS[group].everything(), group, say)


@pytest.mark.chaos
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("hours", [1, -1], ids=["ahead", "back"])
async def test_a_clock_that_jumps(own_ground: Ground, say: Say, hours: int) -> None:
    jump = database.clock_jumps(hours=hours, lasts_seconds=40)
    await suffered(own_ground, [jump], f"clock {'ahead' if hours > 0 else 'back'}", say)
