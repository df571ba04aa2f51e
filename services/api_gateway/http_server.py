"""The HTTP server under the application: how it is run, and what it says where no handler is reached.

aiohttp answers a request it cannot parse in plain text, and quotes the offending line in that answer and in its log.
The line may be a header with a token, or (where a length was wrong) the middle of a body with a password: nothing of
it is repeated here, and the answer has the shape of every other error.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import structlog
from aiohttp import web
from aiohttp.http_exceptions import InvalidURLError, LineTooLong
from aiohttp.web_protocol import RequestHandler

from services.api_gateway.answering import dressed, problem_of
from services.api_gateway.door import DOOR, Door
from services.api_gateway.problems import Problem

# A `test` answers at the latest after its time-out of 60 s and what comes on top.
GOODBYE_SECONDS = 75.0
# Also how long the line and headers of a request may take to come.
IDLE_SECONDS = 75.0
# How long a connection may go on after the end has begun, to be told so by an answer instead of being cut.
LINGER_SECONDS = 1.0
_LINGER_STEP_SECONDS = 0.02

_UNREADABLE: dict[type[BaseException], str] = {
    LineTooLong: "the address or a header is too long",
    InvalidURLError: "the address cannot be read",
}

_log = structlog.get_logger()


def make_runner(app: web.Application, *, goodbye_seconds: float = GOODBYE_SECONDS, **more: Any) -> web.AppRunner:
    """How the application is to be run, whoever listens: it answers for content codings itself, with 415."""
    return _Runner(
        app,
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=IDLE_SECONDS,
        shutdown_timeout=goodbye_seconds,
        **more,
    )


class _Runner(web.AppRunner):
    __slots__ = ("_ending",)

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        self._ending = False
        handle = _guarded(made.request_handler, self.app.get(DOOR), lambda: self._ending)
        return _Server(handle, request_factory=made.request_factory, **self._kwargs)

    async def cleanup(self) -> None:
        """Accept no more connections, have those in use end by an answer that says so, and cut the idle ones.

        aiohttp cuts every idle connection at once: whoever sends a request just then cannot know whether it was
        heard, and must not send a POST again.
        """
        self._ending = True
        for site in self.sites:
            await site.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while self.server is not None and self.server.connections:  # noqa: ASYNC110 - aiohttp does not tell
                    await asyncio.sleep(_LINGER_STEP_SECONDS)
        await super().cleanup()


class _Server(web.Server):
    def __call__(self) -> RequestHandler:
        return _Connection(self, loop=asyncio.get_running_loop(), **self._kwargs)


class _Connection(RequestHandler):
    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """A request that could not be parsed (400), or a fault of ours outside every handler."""
        if status == HTTPStatus.BAD_REQUEST:
            why = _UNREADABLE.get(type(exc), "this is not HTTP as it can be read")  # type: ignore[arg-type]
            _log.info("request_unreadable", error=type(exc).__name__)
        else:
            why = None
            _log.error("request_failed", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("a part of the answer has been sent already")
        response = _answer(Problem(HTTPStatus(status), detail=why))
        response.force_close()
        return response


def _guarded(
    handle: Callable[[Any], Awaitable[web.StreamResponse]], door: Door | None, ending: Callable[[], bool]
) -> Callable[[Any], Awaitable[web.StreamResponse]]:
    async def guarded(request: Any) -> web.StreamResponse:
        response = await answered(request)
        if ending():
            response.force_close()
        return response

    async def answered(request: Any) -> web.StreamResponse:
        if door is not None and (refusal := await door.refusal(request)) is not None:
            return refusal
        try:
            return await handle(request)
        except web.HTTPException as error:  # before any middleware: an Expect that is not known
            return _answer(problem_of(error))

    return guarded


def _answer(problem: Problem) -> web.Response:
    request_id = str(uuid4())
    response = problem.answer(request_id)
    dressed(response, request_id)
    return response
