"""Metrics on their way to who asked: written piece by piece, so that no whole text of a large fleet is ever held."""

import asyncio
from typing import Any

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

from services.api_gateway.standing.exposition import Exposition

WRITE_SECONDS = 20.0


class ExpositionBody(Payload):
    """The body of an answer; a client that takes no piece of it for WRITE_SECONDS is hung up on."""

    _autoclose = True

    def __init__(self, exposition: Exposition, request: web.Request, *, content_type: str) -> None:
        super().__init__(None, content_type=content_type)
        self._exposition = exposition
        self._request = request

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write all of it. A lost connection is raised, as aiohttp expects."""
        try:
            for piece in self._exposition.pieces():
                async with asyncio.timeout(WRITE_SECONDS):
                    await writer.write(piece)
                await asyncio.sleep(0)  # a fast reader must not keep the others waiting
        except TimeoutError:
            if self._request.transport is not None:
                self._request.transport.abort()
            raise ConnectionResetError("the client takes nothing any more") from None

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> Any:
        """The whole text."""
        return b"".join(self._exposition.pieces()).decode(encoding, errors)
