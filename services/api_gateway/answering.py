"""The outermost layer around every request: its id, one error shape for whatever went wrong, one log line.

Bad input never ends in 500; a back end that is missing is 503 with Retry-After; what is left is our own fault, and
logged with its traceback.
"""

import re
import time
from http import HTTPStatus
from uuid import uuid4

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from services.api_gateway.problems import Problem, unavailable
from services.api_gateway.reading import too_large
from shared.broker.seam import BrokerError
from shared.database.errors import DatabaseConflict, DatabaseRejected, DatabaseUnavailable

REQUEST_ID_HEADER = "X-Request-Id"
REQUEST_ID = web.RequestKey("REQUEST_ID", str)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")
_QUIET_PATHS = frozenset({"/livez", "/readyz"})

_log = structlog.get_logger()


@web.middleware
async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever the handler does, a response with the common headers."""
    started = time.perf_counter()
    request_id = request[REQUEST_ID] = request_id_of(request)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    try:
        response = await handler(request)
    except Exception as error:
        problem = problem_of(error)
        if problem.status is HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("request_failed", method=request.method, route=_route(request), exc_info=error)
        response = problem.answer(request_id)
    dressed(response, request_id)
    if request.path not in _QUIET_PATHS:
        _log.info(
            "request_answered",
            method=request.method,
            route=_route(request),
            status=response.status,
            duration_ms=round((time.perf_counter() - started) * 1000, 1),
        )
    structlog.contextvars.clear_contextvars()
    return response


def dressed(response: web.StreamResponse, request_id: str) -> None:
    """Give a response what every one of ours carries."""
    response.headers[REQUEST_ID_HEADER] = request_id
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Cache-Control", "no-store")
    # Which versions serve it helps nobody but who looks for their faults.
    response.headers["Server"] = "mailprobe"


def problem_of(error: Exception) -> Problem:
    """What an exception means to the client; 500 for what should not have come this far."""
    match error:
        case Problem():
            return error
        case web.HTTPRequestEntityTooLarge():
            return too_large()
        case web.HTTPException():
            allow = error.headers.get("Allow")
            return Problem(HTTPStatus(error.status), headers={"Allow": allow} if allow else {})
        case DatabaseConflict():
            return unavailable("Service Unavailable", detail="another change is under way", retry_after_seconds=1)
        case DatabaseUnavailable():
            _log.warning("database_unavailable", error=str(error))
            return unavailable("Service Unavailable", detail="the database does not answer")
        case DatabaseRejected():
            # Validation should have said it; the fault is in the data all the same.
            _log.error("database_rejected", error=str(error), constraint=error.constraint)
            return Problem(HTTPStatus.BAD_REQUEST, "the request holds a value that cannot be stored")
        case BrokerError():
            _log.warning("broker_unavailable", error=str(error))
            return unavailable("Service Unavailable", detail="the message broker does not answer")
        case web.RequestPayloadError():
            return Problem(HTTPStatus.BAD_REQUEST, "the body could not be read")
        case _:
            return Problem(HTTPStatus.INTERNAL_SERVER_ERROR)


def request_id_of(request: web.Request) -> str:
    """The client's own name for it where it gave a fit one, else a new one."""
    given = request.headers.get(REQUEST_ID_HEADER, "")
    return given if _REQUEST_ID.fullmatch(given) else str(uuid4())


def _route(request: web.Request) -> str:
    # The pattern, not the path: ids make no sense in a log's key, and a path may hold anything.
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"
