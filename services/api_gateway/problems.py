"""What goes wrong with a request, as an exception and as the one error body every answer of that kind has.

The body is the documented one (`statusCode`, `statusMessage`, `message`) with the members of RFC 9457 beside it.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

CONTENT_TYPE = "application/problem+json"
_MESSAGE_CAP = 1000
_MOST_FAULTS = 300


class Fault(BaseModel):
    """One wrong field: where it stands in the body or query (RFC 6901), and what is wrong with it."""

    model_config = ConfigDict(frozen=True)

    pointer: str
    detail: str


class ProblemData(BaseModel):
    """What a program can tell an error by, where its status and fields are not enough."""

    model_config = ConfigDict(frozen=True)

    code: str


class ProblemBody(BaseModel):
    """The error body, `application/problem+json`."""

    model_config = ConfigDict(frozen=True)

    statusCode: int  # noqa: N815 - documented names
    statusMessage: str  # noqa: N815
    message: str = Field(description="For people.")
    type: str = Field(json_schema_extra={"format": "uri"})
    title: str
    status: int
    detail: str
    instance: str = Field(description="Names this very request, as X-Request-Id does.")
    errors: tuple[Fault, ...] = Field(description="Every wrong field at once; empty where no field is to blame.")
    data: ProblemData | None = Field(default=None, description="Left out where there is none.")


class Problem(Exception):
    """An answer that is not the wanted one. `message` is the documented text, `detail` what more there is to say."""

    def __init__(
        self,
        status: HTTPStatus,
        message: str | None = None,
        *,
        detail: str | None = None,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        code: str | None = None,
    ) -> None:
        self.code = code
        self.status = status
        self.message = message or status.phrase
        self.detail = detail or self.message
        self.faults = tuple(faults)
        self.headers = dict(headers or {})
        super().__init__(self.detail)

    def answer(self, request_id: str) -> web.Response:
        """This problem as a response."""
        return web.Response(
            status=self.status,
            text=self.body(request_id).model_dump_json(exclude_none=True),
            content_type=CONTENT_TYPE,
            headers=self.headers,
        )

    def below(self, place: str) -> "Problem":
        """The same of a part of a larger body: `place` leads to it."""
        faults = [Fault(pointer=place + fault.pointer, detail=fault.detail) for fault in self.faults]
        return Problem(
            self.status, self.message, detail=self.detail, faults=faults, headers=self.headers, code=self.code
        )

    def body(self, request_id: str) -> ProblemBody:
        """What a response says of it."""
        return ProblemBody(
            statusCode=self.status,
            statusMessage=self.status.phrase,
            message=self.message,
            type="about:blank",
            title=self.status.phrase,
            status=self.status,
            detail=self.detail,
            instance=f"urn:mailprobe:request:{request_id}",
            errors=self.faults,
            data=None if self.code is None else ProblemData(code=self.code),
        )


def wrong_fields(faults: Sequence[Fault], *, code: str | None = None) -> Problem:
    """400 with every fault; a single one is the message, so that documented texts stand alone.

    There is an end to it: thousands of unknown fields fit into a body, and an answer would be many times its size.
    """
    once = tuple(dict.fromkeys(faults))
    if len(once) > _MOST_FAULTS:
        more = Fault(pointer="", detail=f"and {len(once) - _MOST_FAULTS} more")
        once = (*once[:_MOST_FAULTS], more)
    message = "; ".join(dict.fromkeys(fault.detail for fault in once))
    if len(message) > _MESSAGE_CAP:
        message = message[: _MESSAGE_CAP - 1] + "…"
    return Problem(HTTPStatus.BAD_REQUEST, message, faults=once, code=code)


def not_found(what: str) -> Problem:
    """404 `<what> not found`: it does not exist, or belongs to another organization."""
    return Problem(HTTPStatus.NOT_FOUND, f"{what} not found")


def forbidden(why: str) -> Problem:
    """403: the token is known, and may not do this."""
    return Problem(HTTPStatus.FORBIDDEN, detail=why)


def unauthorized(why: str) -> Problem:
    """401 with the challenge RFC 6750 asks for."""
    return Problem(HTTPStatus.UNAUTHORIZED, detail=why, headers={"WWW-Authenticate": 'Bearer realm="mailprobe"'})


def too_many(why: str, *, retry_after_seconds: int) -> Problem:
    """429: later, and when."""
    return Problem(HTTPStatus.TOO_MANY_REQUESTS, detail=why, headers={"Retry-After": str(max(1, retry_after_seconds))})


def unavailable(message: str, *, detail: str | None = None, retry_after_seconds: int = 5) -> Problem:
    """503: something behind the gateway is missing for now."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        message,
        detail=detail,
        headers={"Retry-After": str(max(1, retry_after_seconds))},
    )
