"""A server that says more costs more in proportion, and never more than the caps allow: work and memory, no clock."""

import gc
import sys
import tracemalloc
from collections.abc import Callable
from types import FrameType

import pytest

from shared.checks.target import CheckTarget
from tests.fuzz.player import LIMITS, Played, play

FLOODS: dict[str, Callable[[int], tuple[str, bytes]]] = {
    # protocol, and what is said; the parameter grows the flood
    "untagged lines": lambda n: ("imap", b"* OK ready\r\n" + b"* OK still here\r\n" * n),
    "one line": lambda n: ("imap", b"* OK " + b"a" * 30 * n),
    "openings of a code": lambda n: ("imap", b"* OK " + b"[CAPABILITY " * n),
    "braces": lambda n: ("imap", b"* OK ready\r\n* X " + b"{" * 20 * n + b"}\r\n"),
    "literals": lambda n: ("imap", b"* OK ready\r\n" + b"* X {20}\r\n" + b"y" * 20 + b"\r\n" * n),
    "literals in a row": lambda n: ("imap", b"* OK ready\r\n" + (b"* X {20}\r\n" + b"y" * 20 + b"\r\n") * n),
    "capabilities": lambda n: ("pop3", b"+OK ready\r\n+OK\r\n" + b"SASL PLAIN\r\n" * n),
    "dots": lambda n: ("pop3", b"+OK ready\r\n+OK\r\n" + b"..\r\n" * n),
    "challenges": lambda n: ("imap", b"* OK [CAPABILITY AUTH=LOGIN] x\r\n" + b"+ VXNlcg==\r\n" * n),
}


async def cost(protocol: str, said: bytes, *, piece_bytes: int) -> tuple[int, int, Played]:
    """Calls made, bytes held at the most, and how it ended."""
    target = CheckTarget(protocol=protocol, hostname="m.test", port=143, user="ada", auth="auto")
    pieces = [said[at : at + piece_bytes] for at in range(0, len(said), piece_bytes)]
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += 1

    # What earlier tests left behind is not cleaned up at this one's expense.
    gc.collect()
    gc.disable()
    tracemalloc.start()
    sys.setprofile(count)
    try:
        played = await play(target, pieces)
    finally:
        sys.setprofile(None)
        gc.enable()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return calls, peak, played


@pytest.mark.parametrize("piece_bytes", [64, 16_384])
@pytest.mark.parametrize("flood", FLOODS)
async def test_work_and_memory_grow_in_proportion(flood: str, piece_bytes: int) -> None:
    await cost(*FLOODS[flood](10), piece_bytes=piece_bytes)  # what is made once, and kept
    some, some_held, _ = await cost(*FLOODS[flood](60), piece_bytes=piece_bytes)
    more, more_held, _ = await cost(*FLOODS[flood](240), piece_bytes=piece_bytes)
    assert more <= 4.5 * some
    assert more_held <= 4.5 * some_held + 64 * 1024


@pytest.mark.parametrize("flood", FLOODS)
async def test_beyond_the_caps_nothing_more_is_done(flood: str) -> None:
    await cost(*FLOODS[flood](10), piece_bytes=4096)
    protocol, said = FLOODS[flood](30_000)
    calls, held, played = await cost(protocol, said, piece_bytes=4096)
    twice, held_twice, _ = await cost(*FLOODS[flood](60_000), piece_bytes=4096)
    assert played.kind in ("response_too_large", "protocol_error")
    assert twice - calls < 100 + len(said) // 100
    assert max(held, held_twice) < 4 * LIMITS.connection_bytes
