"""Whether anything can be reached from here at all: asked where a failure could as well be our own network's."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence

from shared.checks.vocabulary import OutcomeKind

# What a broken network of ours looks like from inside; a refused connection, for one, came back over a sound one.
MAY_BE_OURS = frozenset({OutcomeKind.DNS_FAILURE, OutcomeKind.UNREACHABLE, OutcomeKind.CONNECT_TIMEOUT})

_REMEMBERED_SECONDS = 3.0
_LONGEST_SECONDS = 2.0
# A check that used up its deadline still waits this long: it may overstay by a second, of which the resolver's own
# sign of life may have taken half.
_SHORTEST_SECONDS = 0.4

ResolveAny = Callable[[str], Awaitable[Sequence[str]]]


class Canaries:
    """Targets an operator named as hard to lose. With none named, no failure is ever taken for ours.

    Args:
        targets: `host:port`, IPv6 addresses in brackets. resolve: a name to addresses; raises where it can't.
    """

    def __init__(self, targets: Sequence[str], resolve: ResolveAny) -> None:
        self._targets = tuple(_split(target) for target in targets)
        self._resolve = resolve
        self._answers = True
        self._asked_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    async def all_out_of_reach(self, *, deadline_at: float) -> bool:
        """Whether none of them takes a connection; asked once for all who want to know, and kept for seconds."""
        if not self._targets:
            return False
        if time.monotonic() - self._asked_at >= _REMEMBERED_SECONDS:
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._ask())
            patience = min(max(deadline_at - time.monotonic(), _SHORTEST_SECONDS), _LONGEST_SECONDS)
            done, _ = await asyncio.wait({self._asking}, timeout=patience)
            if not done:
                return True
        return not self._answers

    async def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._asking

    async def _ask(self) -> None:
        knocks = [asyncio.create_task(self._knock(host, port)) for host, port in self._targets]
        try:
            self._answers = False
            for knock in asyncio.as_completed(knocks, timeout=_LONGEST_SECONDS):
                if await knock:
                    self._answers = True
                    break
        except TimeoutError:
            pass
        finally:
            self._asked_at = time.monotonic()
            for task in knocks:
                task.cancel()
            await asyncio.gather(*knocks, return_exceptions=True)

    async def _knock(self, host: str, port: int) -> bool:
        try:
            address = (await self._resolve(host))[0]
            _, writer = await asyncio.open_connection(address, port)
        except Exception:
            # Whatever it is, this one can't be reached.
            return False
        writer.transport.abort()
        return True


def _split(target: str) -> tuple[str, int]:
    host, _, port = target.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)
