"""A handful of faults, one after the other, on one fleet under load: nothing lost, nothing twice, nothing false.

All of them, longer and more often, are injected by `make chaos`.
"""

from collections.abc import Callable

import pytest

from tests.support.faults import results
from tests.support.faults.catalogue import broker, database, edges, processes
from tests.support.faults.drill import Drill, Ground
from tests.support.faults.fault import suffer


@pytest.mark.timeout(900)
async def test_a_handful_of_faults_lose_nothing(shared_ground: Ground, figures: Callable[[str], None]) -> None:
    faults = [
        database.connections_terminated(),
        processes.killed("imap_worker"),
        edges.receiver("500", "answers 500"),
        processes.killed("result_recorder"),
        broker.results_tampered_with(held_seconds=5),
        processes.killed("scheduler"),
        database.read_only(lasts_seconds=5),
        edges.changed_under_way(),
    ]
    async with Drill.opened(shared_ground, sound=20, frail=4) as drill:
        rows = await suffer(drill, faults, group="a handful of faults")
    assert [row for row in rows if not row.sound] == []
    assert sum(row.faults for row in rows) == len(faults)
    assert sum(row.absorbed for row in rows) > 0, "nothing came twice, though it was sent twice"
    figures(f"faults: {', '.join(results.closing_lines(rows))}; {rows[-1].remark}")
