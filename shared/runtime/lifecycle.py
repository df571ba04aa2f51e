"""Start, stop on one event, and errors that people can read: `run` is all a `__main__` needs around its service.

Also the few ways of waiting that know about the stop event. What a service does is for the service.
"""

import asyncio
import os
import random
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import structlog

from shared.runtime import crash_points, logs
from shared.runtime.collections_spared import collections_spared
from shared.runtime.loop_watch import LoopWatch
from shared.runtime.settings import LifeSettings
from shared.runtime.settings_errors import SettingsError

T = TypeVar("T")

EXIT_FAILURE = 1
EXIT_CONFIGURATION = 78  # EX_CONFIG of sysexits.h

_log = structlog.get_logger()


class StartError(Exception):
    """The process cannot do its work, and the text says why in one sentence for people."""


class CannotReach(StartError):
    """Something the process needs does not answer: "cannot reach <what>: <why>"."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"cannot reach {what}: {why}")


def listening_fault(error: OSError) -> str:
    """Why a port cannot be had: asyncio and the standard library both wrap the system's few words in many."""
    if isinstance(error, socket.gaierror) or error.errno is None:
        return error.strerror or str(error)
    return os.strerror(error.errno)


def run(
    service: str,
    main: Callable[[asyncio.Event], Awaitable[None]],
    *,
    expected: tuple[type[Exception], ...] = (),
    logs_for_good: bool = True,
) -> int:
    """Run a service until it ends or is told to stop, and answer with the exit code.

    SIGTERM and SIGINT set the event `main` gets; a second one ends the process at once. `SettingsError`,
    `StartError` and the errors `expected` end it with their text alone; others are logged with their traceback. Where
    its loop stands still for too long it is ended with a last word (`loop_watch`).

    Args:
        logs_for_good: `main` sends its logs nowhere else.
    """
    try:
        settings = LifeSettings.load()
        logs.configure(service, format=settings.log_format, level=settings.log_level, for_good=logs_for_good)
        crash_points.arm(crash_points.CrashSettings.load())
        with collections_spared(), asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(_until_stopped(main, patience_seconds=settings.watchdog_seconds))
    except Exception as error:  # the process ends here; what is left is to say why
        return _said(service, error, (SettingsError, StartError, *expected))
    return 0


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop's event loop where it is installed, asyncio's own otherwise."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


async def _until_stopped(main: Callable[[asyncio.Event], Awaitable[None]], *, patience_seconds: float) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(number: signal.Signals) -> None:
        if stop.is_set():
            os._exit(128 + number)
        _log.info("stopping", signal=number.name)
        stop.set()

    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, on_signal, number)
    try:
        _log.info("starting")
        with LoopWatch(patience_seconds):
            await main(stop)
        _log.info("stopped")
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def _said(service: str, error: Exception, expected: tuple[type[Exception], ...]) -> int:
    leaves = list(_leaves(error))
    if all(isinstance(leaf, expected) for leaf in leaves):
        for sentence in dict.fromkeys(line for leaf in leaves for line in str(leaf).splitlines()):
            print(f"{service}: {sentence}", file=sys.stderr)
        return EXIT_CONFIGURATION if any(isinstance(leaf, SettingsError) for leaf in leaves) else EXIT_FAILURE
    _log.error("process_failed", exc_info=error)
    return EXIT_FAILURE


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


async def first_of(stop: asyncio.Event, awaitable: Awaitable[T]) -> T | None:
    """The awaitable's answer, or None when `stop` was set first (the awaitable is then cancelled)."""
    work = asyncio.ensure_future(awaitable)
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return work.result() if work.done() else None
    finally:
        for future in (work, stopped):
            future.cancel()
        await asyncio.gather(work, stopped, return_exceptions=True)


async def stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    """Sleep, unless `stop` is set before the time is up; whether it was."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return stop.is_set()
    return True


def back_off_seconds(attempt: int, *, first: float = 0.2, cap: float = 10.0) -> float:
    """How long to wait after the given failed attempt (1, 2, …): doubling, capped, with jitter of a half."""
    full = min(cap, first * 2.0 ** min(attempt - 1, 32))
    return full * (0.5 + random.random() / 2)  # noqa: S311 - spreading retries, not guarding a secret


async def retrying(
    attempt: Callable[[], Awaitable[T]],
    *,
    what: str,
    errors: tuple[type[Exception], ...],
    stop: asyncio.Event,
    first_seconds: float = 0.2,
    cap_seconds: float = 10.0,
    give_up_after: int | None = None,
    **context: Any,
) -> T | None:
    """Try until it works, with back-off and a log line per failure; None when `stop` was set meanwhile.

    The last error is raised when `give_up_after` attempts failed.
    """
    tries = 0
    while not stop.is_set():
        try:
            return await attempt()
        except errors as error:
            tries += 1
            if give_up_after is not None and tries >= give_up_after:
                raise
            wait = back_off_seconds(tries, first=first_seconds, cap=cap_seconds)
            _log.warning(
                "retrying",
                what=what,
                attempt=tries,
                wait_seconds=round(wait, 2),
                error=str(error) or repr(error),
                **context,
            )
            if await stopped_within(stop, wait):
                return None
    return None
