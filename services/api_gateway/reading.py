"""Bodies and queries of requests: read within limits, and every wrong field told at once, in words.

What a field may hold is its model's; what fields may hold together is the rules'.
"""

import asyncio
from collections.abc import Container, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from services.api_gateway import strict_json
from services.api_gateway.problems import Fault, Problem, wrong_fields

BODY_CAP_BYTES = 64 * 1024
BODY_DEADLINE_SECONDS = 20.0

Model = TypeVar("Model", bound=BaseModel)

_BODY = web.RequestKey("BODY", bytes)

_WORDS = {
    "missing": "{field} is required",
    "extra_forbidden": "{field} is not a known field",
    "string_type": "{field} must be text",
    "int_type": "{field} must be a whole number",
    "int_parsing": "{field} must be a whole number",
    "int_parsing_size": "{field} is too large",
    "string_pattern_mismatch": "{field} must match {pattern}",
    "float_type": "{field} must be a number",
    "bool_type": "{field} must be true or false",
    "list_type": "{field} must be a list",
    "dict_type": "{field} must be an object",
    "model_type": "{field} must be an object",
    "enum": "{field} must be one of {expected}",
    "literal_error": "{field} must be one of {expected}",
    "greater_than_equal": "{field} must be at least {ge}",
    "less_than_equal": "{field} must be at most {le}",
    "too_long": "{field} must have at most {max_length} entries",
}


class Body(NamedTuple):
    """The JSON object of a request, and what is wrong with values in it, which are null here."""

    fields: dict[str, Any]
    faults: list[Fault]


async def read_object(request: web.Request, *, cap: int = BODY_CAP_BYTES) -> Body:
    """The JSON object a request carries; raises Problem 400, 408, 413 or 415."""
    _require_json(request)
    body = await read_body(request, cap=cap)
    try:
        # A large one takes tenths of a second, in which everybody else is to be answered too.
        value, faults = _read(body) if len(body) <= BODY_CAP_BYTES else await asyncio.to_thread(_read, body)
    except strict_json.NotJson as error:
        raise wrong_fields([Fault(pointer="", detail=str(error))]) from None
    if not isinstance(value, dict):
        raise wrong_fields([Fault(pointer="", detail="the body must be a JSON object")])
    return Body(value, faults)


def _read(body: bytes) -> tuple[Any, list[Fault]]:
    return strict_json.taken_out(strict_json.parse(body))


async def read_body(request: web.Request, *, cap: int) -> bytes:
    """The bytes a request carries, `cap` of them at most, the same each time; raises Problem 400, 408 or 413."""
    known: bytes | None = request.get(_BODY)
    if known is not None:
        return known
    if (request.content_length or 0) > cap:
        raise too_large(cap)  # without waiting for what will not be read
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_DEADLINE_SECONDS):
            while piece := await request.content.readany():
                body += piece
                if len(body) > cap:
                    raise too_large(cap)
    except TimeoutError:
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, detail="the body did not arrive in time") from None
    except ConnectionError:
        # Nobody is left to read it, and it is no fault of ours.
        raise Problem(HTTPStatus.BAD_REQUEST, detail="the connection was lost before the end of the body") from None
    request[_BODY] = bytes(body)
    return request[_BODY]


def too_large(cap: int = BODY_CAP_BYTES) -> Problem:
    """413."""
    said = f"{cap // 1024} KiB" if cap < 1024 * 1024 else f"{cap // 1024 // 1024} MiB"
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail=f"a body may have at most {said}")


async def read_model(request: web.Request, model: type[Model], *, ignored: Container[str] = ()) -> Model:
    """The body as a model; raises Problem 400 naming every wrong field, 408, 413 or 415.

    Args:
        ignored: fields of answers, which may be sent back and say nothing.
    """
    body, unkeepable = await read_object(request)
    fields = {name: value for name, value in body.items() if name not in ignored}
    sent, faults = validated(model, fields, known=unkeepable)
    if sent is None:
        raise wrong_fields(faults)
    return sent


def read_query(request: web.Request, model: type[Model]) -> Model:
    """The query as a model; parameters it does not know are ignored. Raises Problem 400."""
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    known = {field.alias or name for name, field in model.model_fields.items()}
    for name in request.query:
        if name not in known or name in values:
            continue
        given = request.query.getall(name)
        if len(given) > 1:
            faults.append(Fault(pointer=f"/{name}", detail=f"{name} is given more than once"))
        values[name] = given[0]
    values, unkeepable = strict_json.taken_out(values)
    read, faults = validated(model, values, strict=False, known=[*unkeepable, *faults])
    if read is None:
        raise wrong_fields(faults)
    return read


def validated(
    model: type[Model], value: Mapping[str, Any], *, strict: bool | None = None, known: Sequence[Fault] = ()
) -> tuple[Model | None, list[Fault]]:
    """The model, or None and what is wrong.

    Args:
        known: what is wrong already; of those fields the model is not asked.
    """
    read: Model | None = None
    found: list[Fault] = []
    try:
        read = model.model_validate(value, strict=strict)
    except ValidationError as error:
        found = [_fault(detail) for detail in error.errors(include_url=False, include_input=False)]
    named = {fault.pointer for fault in known}
    faults = [*known, *(fault for fault in found if fault.pointer not in named)]
    return (None if faults else read), faults


def _require_json(request: web.Request) -> None:
    # Sent before the body is read: a coding we do not undo cannot inflate, and a broken one cannot hurt.
    coding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            detail="the body must be sent without a content coding",
            headers={"Accept-Encoding": "identity"},
        )
    charset = _charset(request)
    if request.content_type != "application/json" or (charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail="the body must be sent as Content-Type: application/json (UTF-8)"
        )


def _charset(request: web.Request) -> str | None:
    try:
        return request.charset
    except (ValueError, LookupError):
        return "unreadable"


def _fault(detail: ErrorDetails) -> Fault:
    place = detail["loc"]
    field = ".".join(strict_json.printable(str(step)) for step in place) or "the body"
    return Fault(pointer=strict_json.pointer(*place), detail=_words(detail, field))


def _words(detail: ErrorDetails, field: str) -> str:
    context: dict[str, Any] = detail.get("ctx", {})
    kind = detail["type"]
    if kind == "mailprobe":
        return detail["msg"].replace("{field}", field)
    if kind == "string_too_short":
        return f"{field} must not be empty"
    if kind == "string_too_long":
        return f"{field} must have at most {context['max_length']} characters"
    if kind in _WORDS:
        return _WORDS[kind].format(**{**context, "field": field})
    return f"{field}: {detail['msg']}"
