"""Links of the OpenAPI document: how what was made is named by those operations that are about it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any


def add_links(paths: Mapping[str, dict[str, Any]], schemas: Mapping[str, Any]) -> None:
    """To each answer of an operation that makes something: what can be done with it, and where its name stands."""
    for path, methods in paths.items():
        made = methods.get("post", {}).get("responses", {}).get("201", {})
        content = made.get("content", {}).get("application/json")
        pointer = None if content is None else _pointer(content["schema"], schemas)
        links = {} if pointer is None else dict(_links(path, pointer, paths))
        if links:
            made["links"] = links


def _links(path: str, pointer: str, paths: Mapping[str, dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for other, methods in paths.items():
        below = re.fullmatch(re.escape(path) + r"/{(\w+)}(/[^{}]*)?", other)
        if below is None:
            continue
        for described in methods.values():
            name = described["operationId"]
            yield name, {"operationId": name, "parameters": {below[1]: f"$response.body#{pointer}"}}


def _pointer(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str | None:
    """Where the public id of what was made stands: at the top, or in the one object that is there."""
    properties = _properties(schema, schemas)
    if "publicId" in properties:
        return "/publicId"
    inner = [name for name, each in properties.items() if "publicId" in _properties(each, schemas)]
    return f"/{inner[0]}/publicId" if len(inner) == 1 else None


def _properties(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    named = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
    found: Mapping[str, Any] = named.get("properties", {})
    return found
