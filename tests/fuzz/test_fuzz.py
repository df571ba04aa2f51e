"""Whatever a server says, in whatever pieces: the same answer, and never an error of our own."""

import multiprocessing
import os
import time
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait

import pytest

from tests.fuzz.fuzzing import Finding, run

EXECUTIONS = 1_000_000
SEED_EXECUTIONS = 4_000
LONGEST_SECONDS = 20 * 60
_BATCH = 2_000  # numbers; two executions each


def test_a_seed_of_the_fuzzing() -> None:
    assert run(0, SEED_EXECUTIONS // 2) == []


@pytest.mark.fuzz
@pytest.mark.timeout(LONGEST_SECONDS + 60)
def test_a_million_executions(capsys: pytest.CaptureFixture[str]) -> None:
    first = int(os.environ.get("FUZZ_FROM", time.time_ns() // 1_000_000_000 * 1_000_000))
    with capsys.disabled():
        print(f"\n{EXECUTIONS:,} executions, {LONGEST_SECONDS // 60} minutes at most; numbers from {first} on")
        done, seconds, found = _fuzz(first)
        print(f"\n{done:,} executions in {seconds:.0f} s, {len(found)} findings")
    assert found == [], "\n".join(f"number {f.number}: {f.what}\n  {f.said[:400]!r}" for f in found)
    assert done >= EXECUTIONS, f"only {done:,} in {LONGEST_SECONDS} s: a busier machine needs longer"


def _fuzz(first: int) -> tuple[int, float, list[Finding]]:
    began = time.monotonic()
    done, number, found, running = 0, first, list[Finding](), set()
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        while running or (done < EXECUTIONS and not found and time.monotonic() - began < LONGEST_SECONDS):
            wanted = EXECUTIONS - done - 2 * _BATCH * len(running)
            while not found and wanted > 0 and len(running) < 2 * (os.cpu_count() or 1):
                running.add(pool.submit(run, number, _BATCH))
                number, wanted = number + _BATCH, wanted - 2 * _BATCH
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            for task in ended:
                done += 2 * _BATCH
                found += task.result()
            seconds = time.monotonic() - began
            left = (EXECUTIONS - done) * seconds / done
            print(f"\r{done:>9,} executions, {done / seconds:,.0f}/s, about {left:.0f} s left   ", end="", flush=True)
    return done, time.monotonic() - began, found
