"""An answer that goes on: what a listener is told, written as it comes, until somebody ends it.

Ends with its client, with the token or session it was asked by (looked at twice a minute), with a client too slow to
read, and with this gateway.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any

import structlog
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

from services.api_gateway.events.feeds import Feeds
from services.api_gateway.events.listener import Listener
from services.api_gateway.events.position import Position
from shared.database.errors import DatabaseError

HEARTBEAT_SECONDS = 15.0
STANDING_SECONDS = 30.0
WRITE_SECONDS = 20.0

_log = structlog.get_logger()


class EventStream(Payload):
    """The body of an answer.

    Args:
        asker: whom it counts for. since: from where on it is to tell; None: from now.
        stands: whether who asked may still see all this; raises DatabaseError where that cannot be said.
        hang_up: drops the connection, whatever waits to be sent by it.
    """

    _autoclose = True

    def __init__(
        self,
        feeds: Feeds,
        listener: Listener,
        *,
        asker: Hashable,
        since: Position | None,
        stands: Callable[[], Awaitable[bool]],
        hang_up: Callable[[], None],
    ) -> None:
        super().__init__(None, content_type="text/event-stream")
        self._feeds = feeds
        self._listener = listener
        self._asker = asker
        self._since = since
        self._stands = stands
        self._hang_up = hang_up

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write until it is over. A lost connection is raised, as aiohttp expects."""
        began = time.monotonic()
        why = "client"
        try:
            async with self._feeds.listening(self._asker, self._listener, self._since):
                await self._pass_on(writer)
                why = self._listener.why_over
        except DatabaseError:
            why = "database"  # its client comes again
        except TimeoutError:
            why = "slow"
            self._hang_up()
            raise ConnectionResetError("the client takes nothing any more") from None
        finally:
            _log.info(
                "event_stream_ended",
                organization_id=self._listener.organization_id,
                reason=why,
                seconds=round(time.monotonic() - began, 1),
            )

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> Any:
        """It has no end to decode."""
        raise TypeError("a stream of events is not text")

    async def _pass_on(self, writer: AbstractStreamWriter) -> None:
        looked_at = time.monotonic()
        while (chunk := await self._listener.next(within_seconds=HEARTBEAT_SECONDS)) is not None:
            if time.monotonic() - looked_at >= STANDING_SECONDS:
                looked_at = time.monotonic()
                if not await self._stands():
                    self._listener.end("revoked")
                    return
            async with asyncio.timeout(WRITE_SECONDS):
                await writer.write(chunk)
