"""The life of a process: exit codes, errors for people, and waiting that knows of the stop event."""

import asyncio
import gc
import os
import signal
import subprocess
import sys

import pytest

from shared.runtime.lifecycle import (
    EXIT_CONFIGURATION,
    EXIT_FAILURE,
    CannotReach,
    back_off_seconds,
    first_of,
    retrying,
    run,
    stopped_within,
)
from shared.runtime.settings import SettingsError
from tests.support.plain_logs import log_plainly


class Refused(Exception):
    pass


@pytest.fixture(autouse=True)
def own_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILPROBE_LOG_LEVEL", "error")
    monkeypatch.setattr("shared.runtime.logs.configure", lambda *_, **__: None)
    log_plainly()  # another test's configuration writes to a stream that is closed by now


def test_a_service_that_ends_by_itself_exits_with_0() -> None:
    async def main(_stop: asyncio.Event) -> None: ...

    assert run("service", main) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_sets_the_stop_event(number: signal.Signals) -> None:
    async def main(stop: asyncio.Event) -> None:
        os.kill(os.getpid(), number)
        await stop.wait()

    assert run("service", main) == 0


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (SettingsError(["MAILPROBE_X is not set."]), EXIT_CONFIGURATION, "MAILPROBE_X is not set."),
        (CannotReach("RabbitMQ at rabbit:5672", "refused"), EXIT_FAILURE, "cannot reach RabbitMQ at rabbit"),
        (ExceptionGroup("group", [CannotReach("Postgres", "refused")]), EXIT_FAILURE, "cannot reach Postgres"),
        (Refused("no such role"), EXIT_FAILURE, "no such role"),
    ],
)
def test_an_error_for_people_is_one_sentence_and_no_traceback(
    capsys: pytest.CaptureFixture[str], error: Exception, code: int, text: str
) -> None:
    async def main(_stop: asyncio.Event) -> None:
        raise error

    assert run("service", main, expected=(Refused,)) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("service: ")
    assert text in line


def test_an_unexpected_error_exits_with_1() -> None:
    async def main(_stop: asyncio.Event) -> None:
        raise ZeroDivisionError

    assert run("service", main) == EXIT_FAILURE


def test_what_was_imported_is_looked_through_by_no_collection_while_a_service_runs() -> None:
    gc.unfreeze()  # the tests themselves: see tests/conftest.py
    before = gc.get_threshold(), gc.get_freeze_count()
    seen: list[tuple[int, int]] = []

    async def main(_stop: asyncio.Event) -> None:
        seen.append((gc.get_threshold()[0], gc.get_freeze_count()))

    assert run("service", main) == 0
    ((threshold, frozen),) = seen
    assert threshold > before[0][0]
    assert frozen > 10_000
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


def test_a_second_signal_ends_a_process_that_does_not_stop() -> None:
    program = (
        "import asyncio, os, signal\n"
        "from shared.runtime.lifecycle import run\n"
        "async def main(stop):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    await stop.wait()\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    await asyncio.sleep(600)\n"
        "raise SystemExit(run('service', main))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=120, check=False)
    assert done.returncode == 128 + signal.SIGTERM


async def test_first_of_answers_with_what_was_waited_for() -> None:
    async def answer() -> int:
        return 7

    assert await first_of(asyncio.Event(), answer()) == 7


async def test_first_of_lets_go_when_stopped() -> None:
    stop = asyncio.Event()
    cancelled = asyncio.Event()

    async def endless() -> bool:
        try:
            return await asyncio.Event().wait()
        finally:
            cancelled.set()

    waiting = asyncio.ensure_future(first_of(stop, endless()))
    await asyncio.sleep(0)
    stop.set()
    assert await waiting is None
    assert cancelled.is_set()


async def test_first_of_passes_an_error_on() -> None:
    async def broken() -> None:
        raise Refused

    with pytest.raises(Refused):
        await first_of(asyncio.Event(), broken())


async def test_a_sleep_ends_early_when_stopped() -> None:
    stop = asyncio.Event()
    assert not await stopped_within(stop, 0.001)
    stop.set()
    assert await stopped_within(stop, 3600)


async def test_retrying_goes_on_until_it_works() -> None:
    calls = 0

    async def attempt() -> int:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise Refused
        return 5

    answer = await retrying(
        attempt, what="x", errors=(Refused,), stop=asyncio.Event(), first_seconds=0.001, cap_seconds=0.001
    )
    assert answer == 5


async def test_retrying_gives_up_where_told_so() -> None:
    calls = 0

    async def attempt() -> None:
        nonlocal calls
        calls += 1
        raise Refused

    with pytest.raises(Refused):
        await retrying(attempt, what="x", errors=(Refused,), stop=asyncio.Event(), first_seconds=0.001, give_up_after=3)
    assert calls == 3


async def test_retrying_ends_when_stopped() -> None:
    stop = asyncio.Event()

    async def attempt() -> int:
        stop.set()
        raise Refused

    assert await retrying(attempt, what="x", errors=(Refused,), stop=stop, first_seconds=3600) is None


def test_back_off_grows_to_its_cap_and_never_to_nothing() -> None:
    for attempt in range(1, 200):
        wait = back_off_seconds(attempt, first=0.2, cap=10)
        full = min(10, 0.2 * 2 ** (attempt - 1))
        assert full / 2 <= wait <= full
