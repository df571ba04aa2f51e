"""Events as they are written to a stream (the HTML standard's event stream format). Pure.

A frame is an event without an id. The id stands at the end of each batch: whoever hangs up in the middle of one asks
for all of it again.
"""

from collections.abc import Sequence

from pydantic import BaseModel

from services.api_gateway.events.models import ResetEvent
from services.api_gateway.events.position import Position

RETRY_MS = 3000


def frame(name: str, data: BaseModel) -> bytes:
    """One event."""
    # JSON of ours holds no line ends: they are escaped within its strings.
    return f"event: {name}\ndata: {data.model_dump_json(by_alias=True)}\n\n".encode()


RESET = frame("reset", ResetEvent())


def batch(frames: Sequence[bytes], position: Position) -> bytes:
    """These events, the last of them carrying how far the stream has come; where there is none, just that."""
    if not frames:
        return f"id: {position}\n\n".encode()
    *before, last = frames
    return b"".join(before) + f"id: {position}\n".encode() + last


def greeting(position: Position) -> bytes:
    """What a stream begins with: how long to wait before asking again, and where it begins."""
    return f"retry: {RETRY_MS}\n".encode() + batch((), position)


def heartbeat(position: Position) -> bytes:
    """Something now and then: for proxies that give up silent connections, and to notice who has gone."""
    return b": still here\n" + batch((), position)
