"""Named points at which tests kill a process, to see what a crash between two steps costs.

A point is one look at a variable, which is None unless the process was started to die. Which point it dies at comes
from settings for tests alone: they are refused without a second one that allows them, and stand in no manifest of
ours. What must be left after each death is for tests/faults.
"""

import asyncio
import json
import os
import signal
from collections.abc import Coroutine
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

import structlog
from pydantic import Field, model_validator

from shared.runtime.settings import Settings

T = TypeVar("T")

# Turns of the loop after which a message is on its way to the broker, and its answer is not back yet: the socket is
# written to within a dozen, and a confirm takes the broker some hundred microseconds, many more turns.
_TURNS_UNDER_WAY = 20

_log = structlog.get_logger()


class CrashPoint(StrEnum):
    """Every point there is, in the order a check and the notice of its failure pass them."""

    CLAIMED = "scheduler.claimed"  # slots are claimed, nothing is published
    PUBLISHED = "scheduler.published"  # jobs are on their way, not confirmed
    CONFIRMED = "scheduler.confirmed"  # jobs are in their queues, the claim is not committed
    COMMITTED = "scheduler.committed"  # all is done, and nothing remembered outside the database
    PROBED = "worker.probed"  # the mail server was asked, nobody knows its answer
    ANSWERED = "worker.answered"  # results are confirmed, their jobs not acknowledged
    ACKNOWLEDGED = "worker.acknowledged"
    WRITTEN = "recorder.written"  # results are written, not committed
    RECORDED = "recorder.recorded"  # results are committed, their messages not acknowledged
    PLANNED = "notifier.planned"  # happenings became messages, not committed
    LEASED = "notifier.leased"  # a message is ours to send, and not sent
    SENT = "notifier.sent"  # the receiver has it, nobody noted so
    MARKED = "notifier.marked"


class CrashSettings(Settings):
    """When this process kills itself: at the `crash_passing`th time it comes to `crash_point`. For tests alone."""

    crash_point: CrashPoint | None = None
    crash_passing: Annotated[int, Field(ge=1)] = 1
    crash_file: Path | None = None  # gets a line before the end
    crash_allowed: bool = False

    @model_validator(mode="after")
    def _is_meant(self) -> Self:
        if self.crash_point is None:
            return self
        if not self.crash_allowed:
            raise ValueError(
                "MAILPROBE_CRASH_POINT makes this process kill itself and is for tests alone; remove it "
                "(a test sets MAILPROBE_CRASH_ALLOWED=true as well)"
            )
        if self.crash_file is None:
            raise ValueError("MAILPROBE_CRASH_POINT needs MAILPROBE_CRASH_FILE, where the last word is written")
        return self


@dataclass(slots=True)
class _Fuse:
    point: CrashPoint
    passings_left: int
    file: Path

    def burn(self, point: CrashPoint) -> None:
        if point is not self.point:
            return
        self.passings_left -= 1
        if self.passings_left == 0:
            self._note()
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()  # not one step further, whenever the signal comes

    def _note(self) -> None:
        line = json.dumps({"point": self.point, "pid": os.getpid()}).encode() + b"\n"
        file = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, line)
        os.fsync(file)
        os.close(file)


_fuse: _Fuse | None = None


def arm(settings: CrashSettings) -> None:
    """From now on this process dies where its settings say; most say nowhere."""
    global _fuse
    _fuse = None
    if settings.crash_point is not None and settings.crash_file is not None:
        _fuse = _Fuse(settings.crash_point, settings.crash_passing, settings.crash_file)
        _log.warning("armed_to_crash", point=settings.crash_point, passing=settings.crash_passing)


def reach(point: CrashPoint) -> None:
    """The process is at this point; it ends here where it was started to."""
    if _fuse is not None:
        _fuse.burn(point)


async def reach_during(point: CrashPoint, work: Coroutine[Any, Any, T]) -> T:
    """Do the work; the point is reached once it is under way, if it is not over by then."""
    if _fuse is None or _fuse.point is not point:
        return await work
    under_way = asyncio.ensure_future(work)
    for _ in range(_TURNS_UNDER_WAY):
        await asyncio.sleep(0)
    if not under_way.done():
        _fuse.burn(point)
    return await under_way
