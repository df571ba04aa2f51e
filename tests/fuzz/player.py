"""Plays what a server might say against the real dialogue and the real connection, without a socket.

The same bytes in any pieces; everything the check said, and how it ended. Nothing here waits for a clock.
"""

import asyncio
import random
import re
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any
from unittest import mock

from services.imap_worker.dialogue import imap_dialogue
from services.pop3_worker.dialogue import pop3_dialogue
from shared.checks.target import CheckTarget
from shared.checks.vocabulary import LoginOutcome, Phase
from shared.probing import authentication
from shared.probing.connection import Connection
from shared.probing.limits import Limits
from shared.probing.probe import ProbeRequest
from shared.probing.steps import Compute, Dialogue, Findings
from shared.probing.timeline import Timeline
from shared.probing.tls_contexts import TlsContexts
from shared.probing.tls_session import TlsPlan
from shared.probing.transcript import Transcript

DIALOGUES: dict[str, Callable[[ProbeRequest, Findings, Limits], Dialogue]] = {
    "imap": imap_dialogue,
    "pop3": pop3_dialogue,
}
PASSWORD = b"correct horse"
NONCE = "abcdefghijklmnop"
LIMITS = Limits()
_CONTEXTS = TlsContexts()


@dataclass(frozen=True, slots=True)
class Played:
    """How one conversation went: what must not depend on how the bytes were cut.

    The one exception: of a line with a control character in it, `words` are what had arrived when it was seen.
    """

    kind: str | None  # None: passed
    variant: str | None
    words: bytes | None
    phase: Phase
    said: bytes
    login: LoginOutcome
    messages: int | None

    def like(self, other: "Played") -> bool:
        """Whether both are the same answer."""
        if self.words is None or other.words is None:
            return self == other
        short, long = sorted((self.words, other.words), key=len)
        if re.search(rb"[\r\0]", long) is None:
            return self == other
        return long.startswith(short) and self == replace(other, words=self.words)


class _AtOnce(ThreadPoolExecutor):
    """Computes where it is asked: threads would make the order of things a matter of chance."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


_AT_ONCE = _AtOnce()


def _nonce(_: int) -> str:
    return NONCE


class _Wire(asyncio.Transport):
    """A transport that keeps what is written, and says nothing of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.said = bytearray()
        self._closing = False

    def write(self, data: Any) -> None:
        self.said += data

    def close(self) -> None:
        self._closing = True

    abort = close

    def is_closing(self) -> bool:
        return self._closing

    def get_write_buffer_size(self) -> int:
        return 0


async def play(target: CheckTarget, pieces: Sequence[bytes]) -> Played:
    """The server says these pieces and hangs up. Raises what the engine would have called a fault of its own."""
    asyncio.get_running_loop().set_default_executor(_AT_ONCE)
    random.seed(4711)  # aioimaplib's tags are chosen by it: the same ones each time
    findings, timeline, transcript = Findings(), Timeline(), Transcript()
    request = ProbeRequest(target, PASSWORD)
    with mock.patch.object(authentication.secrets, "token_urlsafe", new=_nonce):
        connection = Connection(
            DIALOGUES[target.protocol](request, findings, LIMITS),
            TlsPlan(target.security, _CONTEXTS.get(verify=True), "m.test"),
            limits=LIMITS,
            timeline=timeline,
            transcript=transcript,
            deadline_at=float("inf"),
        )
        wire = _Wire()
        connection.connection_made(wire)
        for piece in pieces:
            await _computed(connection)
            if connection.ended.done():
                break
            connection.data_received(piece)
        await _computed(connection)
        if not connection.ended.done():
            connection.eof_received()
            connection.connection_lost(None)
        # A goodbye may be owed where the conversation ended without the server's help.
        ending = await connection.ended
    failure = ending.failure
    return Played(
        kind=failure.kind.value if failure is not None else None,
        variant=failure.variant if failure is not None else None,
        words=failure.words if failure is not None else None,
        phase=ending.phase,
        said=bytes(wire.said),
        login=findings.login,
        messages=findings.messages,
    )


async def _computed(connection: Connection) -> None:
    """Wait while the connection computes: bytes that come meanwhile are another test's matter."""
    while type(connection._waiting) is Compute and not connection.ended.done():  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0)


def cut(rng: random.Random, data: bytes) -> list[bytes]:
    """The same bytes in pieces: single bytes, a few cuts, or cuts around the line ends."""
    if len(data) < 2:
        return [data]
    match rng.randrange(3):
        case 0 if len(data) <= 600:
            return [data[at : at + 1] for at in range(len(data))]
        case 1:
            places = [at + rng.randrange(2) for at, byte in enumerate(data[:-1]) if byte in b"\r\n}"][:200]
        case _:
            places = [rng.randrange(len(data)) for _ in range(rng.randrange(1, 6))]
    edges = sorted({0, len(data), *places})
    return [data[a:b] for a, b in pairwise(edges)]
