"""A hundred thousand stories of monitors, told to the incident engine and to the model beside it.

Each is forty steps of results in any order, late and twice, edits, pauses, windows and deletes. A story goes by its
number: `FUZZ_FROM=number` tells it again.
"""

import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.incidents.machine import IncidentMachine
from tests.support.incidents.story import Finding, run

STORIES = 100_000
MACHINE_STORIES = 3_000
LONGEST_SECONDS = 30 * 60
_BATCH = 500


@pytest.mark.fuzz
@pytest.mark.timeout(LONGEST_SECONDS + 60)
def test_a_hundred_thousand_stories(capsys: pytest.CaptureFixture[str]) -> None:
    first = int(os.environ.get("FUZZ_FROM", time.time_ns() // 1_000_000_000 * STORIES))
    found, began = list[Finding](), time.monotonic()
    with (
        capsys.disabled(),
        ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool,
    ):
        print(f"\n{STORIES:,} stories of incidents, from number {first} on")
        batches = range(first, first + STORIES, _BATCH)
        for done, findings in enumerate(pool.map(run, batches, [_BATCH] * len(batches)), 1):
            found += findings
            print(f"\r{done * _BATCH:>9,} stories in {time.monotonic() - began:.0f} s", end="", flush=True)
    assert found == [], "\n".join(f"number {each.number}: {each.what}" for each in found[:10])


@pytest.mark.fuzz
@pytest.mark.timeout(LONGEST_SECONDS)
def test_many_stories_that_hypothesis_tells() -> None:
    every = settings(
        max_examples=MACHINE_STORIES, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(IncidentMachine, settings=every)
