"""A loop that stands still ends its process with a last word; a slow one, and one that was stopped, do not."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from shared.runtime.last_word import EXIT_STUCK
from shared.runtime.loop_watch import LoopWatch

_PROGRAM = """
import asyncio, re, sys, time
from shared.runtime.lifecycle import run

async def main(stop):
    print("up", flush=True)
    {body}

raise SystemExit(run("service", main))
"""


@pytest.fixture
def programs() -> Iterator["list[subprocess.Popen[str]]"]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def _start(
    programs: "list[subprocess.Popen[str]]", body: str, *, patience_seconds: float = 1.0
) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM.format(body=body)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "MAILPROBE_WATCHDOG_SECONDS": str(patience_seconds), "MAILPROBE_LOG_FORMAT": "json"},
    )
    programs.append(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


def test_a_blocked_loop_ends_the_process_with_a_last_word(programs: "list[subprocess.Popen[str]]") -> None:
    process = _start(programs, "time.sleep(600)  # the culprit")
    _, said = process.communicate(timeout=60)
    assert process.returncode == EXIT_STUCK
    (word,) = [json.loads(line) for line in said.splitlines() if '"event_loop_blocked"' in line]
    assert (word["level"], word["exit_code"], word["service"]) == ("critical", EXIT_STUCK, "service")
    assert word["silent_seconds"] >= 1.0
    assert "in main" in said, "every thread's stack is shown"


def test_a_loop_blocked_with_the_interpreters_lock_held_is_ended_by_the_kernel(
    programs: "list[subprocess.Popen[str]]",
) -> None:
    process = _start(programs, "re.match(r'(a|a)*$', 'a' * 64 + 'b')")
    _, said = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGPROF
    assert "in main" in said


def test_a_full_pipe_does_not_keep_alive_what_is_stuck(programs: "list[subprocess.Popen[str]]") -> None:
    # Nobody reads its stderr, so that the loop hangs in a write, and the last word would as well.
    process = _start(programs, "sys.stderr.write('x' * 10_000_000)")
    assert process.wait(timeout=60) == EXIT_STUCK


def test_a_process_that_was_stopped_for_longer_than_the_patience_lives_on(
    programs: "list[subprocess.Popen[str]]",
) -> None:
    process = _start(programs, "await stop.wait()", patience_seconds=2.0)
    for _ in range(2):
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(2.5)  # longer than the patience: that is what is tried
        os.kill(process.pid, signal.SIGCONT)
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(timeout=60) == 0


async def test_a_slow_loop_that_moves_is_left_alone() -> None:
    stuck: list[float] = []
    with LoopWatch(3.0, on_stuck=stuck.append, guards_interpreter=False):
        for _ in range(5):
            time.sleep(0.8)  # noqa: ASYNC251 - holding the loop up is the point
            await asyncio.sleep(0)
    assert stuck == []


async def test_without_patience_nothing_is_watched() -> None:
    before = threading.active_count()
    with LoopWatch(0):
        assert threading.active_count() == before


async def test_nothing_is_left_of_a_watch_that_is_over() -> None:
    before = threading.active_count()
    with LoopWatch(60.0):
        assert signal.getitimer(signal.ITIMER_PROF)[0] > 0
    assert signal.getitimer(signal.ITIMER_PROF)[0] == 0
    assert threading.active_count() == before
