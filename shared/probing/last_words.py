"""What a server said before it hung up, where the transport did not come to read it."""

import asyncio
import os
from collections.abc import Iterator

_READ_BYTES = 64 * 1024


def last_words(transport: asyncio.Transport) -> Iterator[bytes]:
    """The pieces that have arrived and were not read: a transport whose write fails reads no more.

    Only within `connection_lost`, where the socket is still open.
    """
    descriptor = transport.get_extra_info("socket").fileno()
    try:
        while piece := os.read(descriptor, _READ_BYTES):
            yield piece
    except OSError:
        return
