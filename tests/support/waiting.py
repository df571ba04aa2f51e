"""Waiting for something to become so, with a deadline and a word about what it was."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(what: str, look: Callable[[], Awaitable[T]], *, timeout_seconds: float = 60.0) -> T:
    """Ask again and again until the answer is true; the answer."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        answer = await look()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_seconds:.0f} s: {what} (last answer: {answer!r})")
        await asyncio.sleep(0.2)
