"""The OpenAPI 3.1 document, generated from the list of operations and the very models that validate."""

import functools
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from services.api_gateway.field_types import IDENTIFIER_PATTERN
from services.api_gateway.manners import describing, entity_tags
from services.api_gateway.manners.layer import resources_of
from services.api_gateway.openapi_links import add_links
from services.api_gateway.operation import Operation
from services.api_gateway.operations import OPERATIONS
from services.api_gateway.problems import CONTENT_TYPE, ProblemBody
from services.api_gateway.status_pages.models import SLUG_PATTERN

_REF = "#/components/schemas/{model}"
_Schemas = Mapping[tuple[Any, JsonSchemaMode], dict[str, Any]]

_HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": {
        "description": "The id sent with the request, or a new one.",
        "required": True,
        "schema": {"type": "string"},
    },
    "X-RateLimit-Remaining": {
        "description": "How many requests are left now.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
    },
    "Location": {
        "description": "Where what was made stands.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Retry-After": {"description": "Seconds.", "required": True, "schema": {"type": "integer", "minimum": 1}},
    "WWW-Authenticate": {"description": "RFC 6750.", "required": True, "schema": {"type": "string"}},
    **describing.HEADERS,
}

_SECURITY_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "mp_…"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-mailprobe",
        "description": "What POST /api/session sets; over plain http it is named mailprobe. What changes something has "
        "to be sent by our own page (Sec-Fetch-Site, Origin). A person with a global role acts for another "
        "organization by the query parameter organizationId.",
    },
}

_SHARED_PROBLEMS = {
    400: "The request cannot be read.",
    401: "`Unauthorized`: the token or session is missing, unknown, revoked or expired.",
    403: "The session's cookie came with a request of another page.",
    404: "`Organization not found`: `organizationId` names one this person may not act for.",
    408: "The body did not arrive in time.",
    413: "The body has more than 64 KiB.",
    415: "The body is not application/json, or sent with a content coding.",
    429: "Asked too often.",
    503: "A back end does not answer.",
    500: "A fault of the gateway's own.",
}


class _Untitled(GenerateJsonSchema):
    """Without the titles pydantic makes of field names, which say nothing more."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


@functools.cache
def openapi_document() -> dict[str, Any]:
    """The whole document; made once, for it takes half a second, and changed by nobody."""
    schemas, definitions = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    resources = resources_of(OPERATIONS)
    for operation in OPERATIONS:
        described = _operation(operation, resources.get(operation.path), schemas)
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    add_links(paths, definitions)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mailprobe",
            "version": _version(),
            "description": "Monitoring of mailboxes over IMAP and POP3. Errors are application/problem+json.",
            "license": {"name": "GPL-3.0-or-later", "identifier": "GPL-3.0-or-later"},
        },
        "paths": paths,
        "components": {
            "schemas": definitions,
            "headers": _HEADERS,
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


def _version() -> str:
    try:
        return version("mailprobe")
    except PackageNotFoundError:
        return "0"


def _schemas() -> tuple[_Schemas, dict[str, Any]]:
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(ProblemBody, "serialization"): None}
    for operation in OPERATIONS:
        if operation.body is not None:
            wanted[operation.body, "validation"] = None
        wanted.update({(answer, "serialization"): None for answer in operation.answers.values() if answer})
        wanted.update({(model, "serialization"): None for model in operation.told.values()})
    found, document = models_json_schema(list(wanted), ref_template=_REF, schema_generator=_Untitled)
    return found, document["$defs"]


def _operation(operation: Operation, resource: Operation | None, schemas: _Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [
            *_path_parameters(operation),
            *_query_parameters(operation),
            *describing.parameters(operation, resource),
            _REQUEST_ID,
        ],
        "responses": _responses(operation, resource, schemas),
    }
    if operation.handler is not None:
        described["security"] = [{"token": []}, {"session": []}]
    if operation.body is not None:
        schema = schemas[operation.body, "validation"]
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return described


_REQUEST_ID = {
    "name": "X-Request-Id",
    "in": "header",
    "required": False,
    "description": "Answered as it was sent; letters, digits, dot, hyphen and underscore, at most 100.",
    "schema": {"type": "string"},
}


_UUID = {"type": "string", "format": "uuid"}
_PATH_SCHEMAS: Mapping[str, dict[str, Any]] = {
    "id": {
        "type": "string",
        "description": "The number or the public UUID.",
        "pattern": IDENTIFIER_PATTERN,
    },
    "packageType": {"type": "string", "pattern": "^[^{}/]{1,100}$"},
    "slug": {"type": "string", "description": "The end of a status page's address.", "pattern": SLUG_PATTERN},
}


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    names = re.findall(r"{(\w+)}", operation.path)
    return [{"name": name, "in": "path", "required": True, "schema": _PATH_SCHEMAS.get(name, _UUID)} for name in names]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    schema = operation.query.model_json_schema(schema_generator=_Untitled)
    definitions = schema.get("$defs", {})
    return [
        {"name": name, "in": "query", "required": False, "schema": _without_null(described, definitions)}
        for name, described in schema["properties"].items()
    ]


def _without_null(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A query cannot say null: the parameter is left out instead."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    plain = {key: value for key, value in schema.items() if key != "anyOf" and value is not None}
    merged = {**plain, **(kinds[0] if kinds else {})}
    if "$ref" in merged:
        merged.update(definitions[merged.pop("$ref").rpartition("/")[2]])
    return merged


def _responses(operation: Operation, resource: Operation | None, schemas: _Schemas) -> dict[str, Any]:
    responses: dict[int, dict[str, Any]] = {}
    answers = dict(operation.answers)
    if operation.dry_run and HTTPStatus.CREATED in answers:
        answers.setdefault(HTTPStatus.OK, answers[HTTPStatus.CREATED])  # what was only tried is not made
    for status, model in answers.items():
        schema = schemas[model, "serialization"] if model else _unmodelled(operation, schemas)
        headers = ["X-Request-Id", *_remaining(operation), *(["Location"] if status == HTTPStatus.CREATED else [])]
        headers += describing.headers(operation, resource, status)
        responses[status] = _response(HTTPStatus(status).phrase, operation.media_type, schema, headers)
        if status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            del responses[status]["content"]
    if operation.tagged is not None:
        headers = ["X-Request-Id", *_remaining(operation), entity_tags.HEADER]
        responses[304] = _response("Not Modified", "application/json", {}, headers)
        del responses[304]["content"]
    for status, meaning in _problems(operation, resource).items():
        schema = schemas[ProblemBody, "serialization"]
        responses.setdefault(status, _response(meaning, CONTENT_TYPE, schema, _problem_headers(operation, status)))
    return {str(status): responses[status] for status in sorted(responses)}


def _unmodelled(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    """A document of no model of ours: an object, or text; of a stream of events with what they hold."""
    if operation.media_type == "application/json":
        return {"type": "object"}
    events = {name: schemas[model, "serialization"] for name, model in operation.told.items()}
    return {"type": "string", **({"x-events": events} if events else {})}


def _problems(operation: Operation, resource: Operation | None) -> dict[int, str]:
    """Every error status with what it means; what the operation says of one stands before what all say."""
    found = {**_shared(operation), **describing.problems(operation, resource)}
    for status, meaning in operation.problems.items():
        also = found.get(status) if status == HTTPStatus.CONFLICT else None
        found[status] = f"{meaning} Or: {also}" if also else meaning
    return found


def _shared(operation: Operation) -> dict[int, str]:
    statuses: set[int] = set()
    if operation.handler is not None:
        statuses |= {400, 401, 403, 404, 429, 500, 503}
    elif operation.counted:
        statuses |= {429}
    if operation.body is not None:
        statuses |= {400, 408, 413, 415}
    return {status: _SHARED_PROBLEMS[status] for status in statuses}


def _remaining(operation: Operation) -> list[str]:
    return ["X-RateLimit-Remaining"] if operation.counted else []


def _problem_headers(operation: Operation, status: int) -> list[str]:
    more = {401: ["WWW-Authenticate"], 412: [entity_tags.HEADER], 429: ["Retry-After"], 503: ["Retry-After"]}
    return ["X-Request-Id", *_remaining(operation), *more.get(status, [])]


def _response(description: str, media_type: str, schema: dict[str, Any], headers: Iterable[str]) -> dict[str, Any]:
    return {
        "description": description,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
        "content": {media_type: {"schema": schema}},
    }
