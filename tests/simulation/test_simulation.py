"""Seeds of the whole pipeline under faults, in virtual time; more of them by `make simulate`.

Bounded by how many, never by time. What is wrong with a seed is said with the command that repeats it.
"""

from collections import Counter
from collections.abc import Callable

import pytest

from tests.simulation.__main__ import command
from tests.simulation.planted import PLANTED
from tests.simulation.world import live

SEEDS = range(1, 21)
# Of the planted mistakes half here; all twenty by `make simulate`.
FOUND_SOON = (
    "a slot too few passed over",
    "the lease not fenced",
    "the audit moves on unheard",
    "another check_id at each claim",
    "caught up with twice",
    "committed without confirms",
    "a job acknowledged before its result",
    "stale jobs not reported",
    "results acknowledged before they are kept",
    "results kept as often as they come",
)


def test_nothing_is_lost_told_wrongly_or_twice_whatever_happens(figures: Callable[[str], None]) -> None:
    counts: Counter[str] = Counter()
    broken = []
    for seed in SEEDS:
        told = live(seed)
        counts.update(told.counts)
        if told.broken:
            broken.append(f"seed {seed}: {'; '.join(told.broken)}\n    {command(seed)}")
    assert not broken, "\n".join(broken)
    named = ", ".join(f"{counts[name]} {name}" for name in ("claimed", "results", "missed", "incidents", "told"))
    figures(f"simulation: {len(SEEDS)} seeds with {named}; nothing lost, nothing twice, no false incident")
    assert counts["results"] > 100
    assert counts["missed"] > 20
    assert counts["incidents"] > 2


def test_a_seed_is_the_same_each_time() -> None:
    assert live(5).digest == live(5).digest


@pytest.mark.parametrize("name", FOUND_SOON)
def test_a_planted_mistake_is_found(name: str) -> None:
    (mistake,) = [each for each in PLANTED if each.name == name]
    with mistake.in_place():
        broken = next((told.broken for told in map(live, SEEDS) if told.broken), ())
    assert broken
    # A mistake that does not fit the code any more breaks everything, and says nothing.
    assert not any("TypeError" in each for each in broken)


def test_twenty_mistakes_are_planted() -> None:
    assert len({mistake.name for mistake in PLANTED}) == 20
