"""What the OpenAPI document says of manners: parameters, headers and answers of operations that have them."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from services.api_gateway.manners import entity_tags, request_keys, trying
from services.api_gateway.operation import Operation

HEADERS: Mapping[str, dict[str, Any]] = {
    entity_tags.HEADER: {
        "description": "Names the state of the resource. The part before the dot, if there is one, is its description, "
        "which is what If-Match goes by; the rest is what was found out of it.",
        "schema": {"type": "string", "pattern": '^"[^"]+"$'},
    },
    request_keys.REPLAYED_HEADER: {
        "description": "true: this is the answer to the request first sent with this key. What is shown only once, "
        "such as a password or a token, is a mask in it.",
        "schema": {"type": "string", "const": "true"},
    },
    "Link": {
        "description": "RFC 8288: leads to the next page by rel=next, where there is one.",
        "schema": {"type": "string"},
    },
    trying.DRY_RUN_HEADER: {
        "description": "true: everything was judged, and nothing kept.",
        "schema": {"type": "string", "const": "true"},
    },
}

_TAGS = {
    "type": "string",
    "maxLength": 4000,
    "pattern": r'^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$',
    "examples": ["*", '"Vb1nYpWDfTM0ELpq.1JH9rVZbXw2mQk3d"'],
}
_IF_NONE_MATCH = {
    "name": entity_tags.IF_NONE_MATCH,
    "in": "header",
    "required": False,
    "description": "Entity tags, or *: 304 where the resource is still in one of these states.",
    "schema": _TAGS,
}
_IF_MATCH = {
    "name": entity_tags.IF_MATCH,
    "in": "header",
    "required": False,
    "description": "Entity tags, or *: 412 where the description is no longer one of these.",
    "schema": _TAGS,
}
_SO_MANY = f"{{1,{request_keys.LONGEST_KEY}}}"
_KEY = {
    "name": request_keys.HEADER,
    "in": "header",
    "required": False,
    "description": "A key of this request alone, such as a UUID: sent again within 24 hours, it gets the same answer "
    "and does nothing twice. Refusals are not kept: the key may be used again for the corrected request.",
    "schema": {
        "type": "string",
        "pattern": rf'^("[ !#-\[\]-~]{_SO_MANY}"|[!#-~]{_SO_MANY})$',
    },
}
_DRY_RUN = {
    "name": trying.PARAMETER,
    "in": "query",
    "required": False,
    "description": "Judge everything and keep nothing; the answer is what would be.",
    "schema": {"type": "boolean", "default": False},
}


def parameters(operation: Operation, resource: Operation | None) -> list[dict[str, Any]]:
    """Parameters beside the operation's own."""
    if operation.handler is None:
        return []
    found = []
    if operation.method == "GET":
        found += [_IF_NONE_MATCH] if operation.tagged else []
    elif resource is not None and operation.method in ("PATCH", "DELETE"):
        found.append(_IF_MATCH)
    if operation.method == "POST":
        found.append(_KEY)
    if operation.dry_run:
        found.append(_DRY_RUN)
    return found


def problems(operation: Operation, resource: Operation | None) -> dict[int, str]:
    """Statuses of errors beside the operation's own."""
    if operation.handler is None or operation.method == "GET":
        return {400: "The condition cannot be read."} if operation.tagged else {}
    found = {400: "The request cannot be read.", 408: "The body did not arrive in time.", 413: "The body is too large."}
    if resource is not None and operation.method in ("PATCH", "DELETE"):
        found[412] = "It was changed since it was read: `If-Match` names another state."
    if operation.method == "POST":
        found[409] = (
            "The request first sent with this `Idempotency-Key` is still under way; Retry-After says when to ask."
        )
        found[422] = "This `Idempotency-Key` was used for another request."
    return found


def headers(operation: Operation, resource: Operation | None, status: int) -> list[str]:
    """Headers that an answer may have beside those all answers have."""
    if operation.handler is None or status not in (HTTPStatus.OK, HTTPStatus.CREATED):
        return []
    found = ["Link"] if operation.linked else []
    if operation.tagged is not None or (resource is not None and operation.method in ("POST", "PATCH")):
        found.append(entity_tags.HEADER)
    if operation.method == "POST":
        found.append(request_keys.REPLAYED_HEADER)
    if operation.dry_run and status == HTTPStatus.OK:
        found.append(trying.DRY_RUN_HEADER)
    return found
