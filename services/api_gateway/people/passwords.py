"""People's passwords: argon2id with the second recommended option of RFC 9106, in threads, few at a time.

Each takes 64 MiB and tenths of a second of processor, so a crowd at the door waits in a short line or is sent away.
"""

import asyncio
import secrets
import unicodedata
from base64 import b64encode
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from services.api_gateway.problems import Problem, unavailable

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 1024
COSTS = RFC_9106_LOW_MEMORY
_AT_ONCE = 2
_MOST_WAITING = 50
_PATIENCE_SECONDS = 15.0

Result = TypeVar("Result")


class Passwords:
    """Makes and compares hashes. One for the process, so that its limits hold."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher.from_parameters(COSTS)
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        # Of no password: what an account that does not exist is compared with, so that it takes just as long.
        self._nobodys = _hash_of_nothing()

    async def hashed(self, password: str) -> str:
        """The hash to keep; raises Problem 503 where too many wait for theirs."""
        return await self._in_line(self._hasher.hash, _prepared(password))

    async def matches(self, kept: str | None, password: str) -> bool:
        """Whether this is the password; where none is kept it takes as long to say no. Raises Problem 503."""
        return await self._in_line(self._compare, kept or self._nobodys, _prepared(password)) and kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(kept)

    def _compare(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_line(self, work: Callable[..., Result], *values: str) -> Result:
        if self._waiting >= _MOST_WAITING:
            raise _crowded()
        self._waiting += 1
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._at_once.acquire()
        except TimeoutError:
            raise _crowded() from None
        finally:
            self._waiting -= 1
        # What has begun is seen through, and counted until it ends: a thread cannot be cancelled.
        running = asyncio.ensure_future(asyncio.to_thread(work, *values))
        running.add_done_callback(lambda _: self._at_once.release())
        return await asyncio.shield(running)


def _crowded() -> Problem:
    return unavailable("Service Unavailable", detail="too many people sign in at once; try again in a moment")


def _prepared(password: str) -> str:
    # Two keyboards may put the same letter together differently (RFC 8265 §4.2).
    return unicodedata.normalize("NFC", password)


def _hash_of_nothing() -> str:
    salt, digest = (
        b64encode(secrets.token_bytes(length)).decode().rstrip("=") for length in (COSTS.salt_len, COSTS.hash_len)
    )
    costs = f"m={COSTS.memory_cost},t={COSTS.time_cost},p={COSTS.parallelism}"
    return f"$argon2id$v={COSTS.version}${costs}${salt}${digest}"
