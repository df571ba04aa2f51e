"""c-ares' channel, renewed before it is stale: it keeps answers for as long as their TTL, and has no switch for that.

A monitor has to see a name that was broken or repaired within about a minute. Resolvers upstream keep what they keep.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import aiodns
import pycares

FRESH_SECONDS = 30.0


@dataclass(slots=True)
class _Open:
    resolver: aiodns.DNSResolver
    opened_at: float
    in_use: int = 0
    retired: bool = False


class DnsChannel:
    """Lends a channel that is young enough; one that is not is closed once the last question to it has ended."""

    def __init__(self, *, servers: Sequence[str], answer_seconds: float, fresh_seconds: float = FRESH_SECONDS) -> None:
        self._servers = tuple(servers)
        self._answer_seconds = answer_seconds
        self._fresh_seconds = fresh_seconds
        self._current: _Open | None = None
        self._closing: set[asyncio.Task[None]] = set()

    @contextmanager
    def lent(self) -> Iterator[aiodns.DNSResolver]:
        """A channel to ask, until the block ends."""
        lent = self._young()
        lent.in_use += 1
        try:
            yield lent.resolver
        finally:
            lent.in_use -= 1
            if lent.retired and lent.in_use == 0:
                self._close(lent)

    def apart(self) -> "DnsChannel":
        """Another like this one, for a question nobody else's may spoil."""
        return DnsChannel(servers=self._servers, answer_seconds=self._answer_seconds)

    async def close(self) -> None:
        """Also what is still lent: questions to it end with an error."""
        current, self._current = self._current, None
        if current is not None:
            self._close(current)
        await asyncio.gather(*self._closing)

    def _young(self) -> _Open:
        now, current = time.monotonic(), self._current
        if current is not None and now - current.opened_at < self._fresh_seconds:
            return current
        # Late, because it belongs to the running loop. No search domains: a mail server's name is what it says.
        resolver = aiodns.DNSResolver(
            nameservers=self._servers or None,
            timeout=max(self._answer_seconds / 2, 0.1),
            tries=2,
            flags=pycares.ARES_FLAG_NOSEARCH,
        )
        self._current = fresh = _Open(resolver, now)
        if current is not None:
            current.retired = True
            if current.in_use == 0:
                self._close(current)
        return fresh

    def _close(self, old: _Open) -> None:
        task = asyncio.get_running_loop().create_task(old.resolver.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
