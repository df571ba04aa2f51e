"""What is put in place of keys, surroundings and housekeeping that a world in one process has none of."""

import asyncio
import contextlib
import time
from functools import cache
from typing import Any
from unittest import mock

from services.result_recorder.sweeping import SWEEP_SECONDS, sweep
from services.scheduler.term import Term
from shared.database.errors import DatabaseError
from shared.probing.environment import ProbeEnvironment
from shared.probing.job_handling.checking import Checker
from shared.runtime.lifecycle import stopped_within
from tests.simulation.mailboxes import MAKING


@cache
def environment() -> Any:
    """Nobody asks it for anything; to make one takes as long as many a check."""
    return mock.create_autospec(ProbeEnvironment, instance=True)


class Keys:
    """Opens everything."""

    def open(self, sealed: str, context: bytes) -> bytes:
        return b"password"


def known_to_probes(check: Any) -> Any:
    async def known(self: Checker, job: Any) -> Any:
        MAKING.set(job)
        return await check(self, job)

    return known


def term(*args: Any, **more: Any) -> Term:
    return Term(*args, heard_from=time.monotonic(), **more)


async def sweep_only(pool: Any, stop: asyncio.Event, *_: Any) -> None:
    while not await stopped_within(stop, SWEEP_SECONDS):
        with contextlib.suppress(DatabaseError):
            await sweep(pool)


async def keeps_all(*_: Any, **__: Any) -> int:
    return 0
