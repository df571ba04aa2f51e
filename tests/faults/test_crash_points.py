"""Services killed at every point where a crash could cost something: nothing lost, nothing twice, nothing false.

Once at each by `make test`, fifty times at each by `make chaos`. The points in the code are those that are killed at.
"""

import ast
import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.runtime.crash_points import CrashPoint
from tests.support.faults import results
from tests.support.faults.crash_points import MOST_PASSINGS, POINTS, Channels, Crashes, reached
from tests.support.faults.drill import Drill, Ground
from tests.support.faults.fault import suffer
from tests.support.faults.results import FaultRow
from tests.support.source_tree import forget, modules

Say = Callable[[str], None]
REPOSITORY = Path(__file__).parents[2]
DEATHS = 50


def test_the_points_in_the_code_are_those_that_are_killed_at() -> None:
    passed = Counter(
        node.args[0].attr
        for module in modules(REPOSITORY)
        if module.parts[0] in ("services", "shared") and module.parts[-1] != "crash_points"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("reach", "reach_during")
        and isinstance(node.args[0], ast.Attribute)
    )
    forget()
    assert set(passed) == {point.name for point in CrashPoint}
    assert sorted(point for points in POINTS.values() for point in points) == sorted(CrashPoint)
    # Jobs come from slots and from requests; everything else happens in one place.
    assert {name for name, places in passed.items() if places > 1} == {CrashPoint.COMMITTED.name}


@pytest.mark.timeout(900)
async def test_one_death_at_each_point_loses_nothing(shared_ground: Ground, figures: Callable[[str], None]) -> None:
    last_words, said = shared_ground.state / "last-words", list[str]()
    async with Drill.opened(shared_ground, sound=16, frail=6, say=said.append) as drill:
        faults = [
            Crashes(service, [(point, 1) for point in points], last_words).fault(f"{service} killed at points")
            for service, points in POINTS.items()
        ]
        rows = await suffer(drill, faults, group="crash points")
    assert [row for row in rows if not row.sound] == [], "\n".join(said)
    assert reached(last_words) == dict.fromkeys(CrashPoint, 1)
    assert sum(row.notices_again for row in rows) == 1, "only what was sent and not marked comes twice"
    assert sum(row.absorbed for row in rows) > 0, "nothing was made twice, though workers died with it in hand"
    figures(f"crash points: {', '.join(results.closing_lines(rows))}; {rows[-1].remark}")


@pytest.mark.chaos
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(
    ("service", "point"),
    [(service, point) for service, points in POINTS.items() for point in points],
    ids=[f"{service}.{point.rpartition('.')[2]}" for service, points in POINTS.items() for point in points],
)
async def test_fifty_deaths_at_each_point_lose_nothing(
    shared_ground: Ground, say: Say, service: str, point: CrashPoint
) -> None:
    seed = int(os.environ.get("MAILPROBE_CHAOS_SEED", "1"))
    deaths = int(os.environ.get("MAILPROBE_CHAOS_DEATHS", DEATHS))
    name = f"killed at {point}"
    say(f"{name}: {deaths} deaths, seed {seed}")
    chance, last_words = random.Random(f"{seed} {point}"), shared_ground.state / "last-words"
    ends = [(point, chance.randint(1, MOST_PASSINGS[service])) for _ in range(deaths)]
    tells = service == "notifier"
    async with (
        Drill.opened(shared_ground, sound=60, frail=40 if tells else 6, say=say) as drill,
        Channels.opened(drill, 5 if tells else 0) as channels,
    ):
        rows = await suffer(drill, [Crashes(service, ends, last_words).fault(name)], group=name)
        wrong, again = await channels.judged()
    for sentence in wrong:
        say(f"  WRONG: {sentence}")
    if tells:
        rows.append(FaultRow(f"{name}: five channels more", faults=0, slots=0, lost=len(wrong), notices_again=again))
    for row in rows:
        results.append(row)
    assert [row for row in rows if not row.sound] == []
    assert reached(last_words) == {point: deaths}
    assert again > 0 or point is not CrashPoint.SENT, "nothing came twice, though what was sent had not been noted"
