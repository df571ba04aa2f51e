"""JSON Schemas of the OpenAPI document in words: the fields of an object, what each may hold, and an example. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

DEEPEST = 5
_FORMATS: Mapping[str, Any] = {
    "uuid": "11111111-1111-4111-8111-111111111111",
    "date-time": "2026-02-26T12:00:00.000Z",
    "date": "2026-02-26",
    "email": "someone@example.com",
    "password": "correct horse battery",
    "idn-hostname": "mail.example.com",
}
_LIMITS: tuple[tuple[str, str], ...] = (
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minimum", "from {}"),
    ("maximum", "to {}"),
    ("multipleOf", "in steps of {}"),
    ("minItems", "at least {} entries"),
    ("maxItems", "at most {} entries"),
    ("pattern", "matches {}"),
    ("default", "default {}"),
)


@dataclass(frozen=True, slots=True)
class Field:
    """One field as the page shows it. `inner`: the fields of the object it holds, or of each entry of a list."""

    name: str
    kind: str
    required: bool
    says: str
    limits: tuple[str, ...]
    inner: tuple["Field", ...]


class Schemas:
    """Reads the schemas of one document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._named: Mapping[str, Any] = document.get("components", {}).get("schemas", {})

    def fields(self, schema: Mapping[str, Any], *, depth: int = 0) -> tuple[Field, ...]:
        """The fields of the object a schema describes, or of each entry of its list; none for anything else."""
        if depth >= DEEPEST:
            return ()
        found: dict[str, Field] = {}
        for each in self._objects(schema):
            required = set(each.get("required", ()))
            for name, inner in each.get("properties", {}).items():
                if name not in found and not inner.get("readOnly"):
                    found[name] = self._field(name, inner, required=name in required, depth=depth)
        return tuple(found.values())

    def kind(self, schema: Mapping[str, Any]) -> str:
        """What a value is, in a few words: `string (uuid) or null`."""
        known = self._resolved(schema)
        if "const" in known:
            return _shown(known["const"])
        if "enum" in known:
            return " | ".join(_shown(value) for value in known["enum"])
        several = known.get("anyOf") or known.get("oneOf")
        if several and "type" not in known:
            return " or ".join(dict.fromkeys(self.kind(each) for each in several))
        plain = known.get("type", "anything")
        if isinstance(plain, list):
            return " or ".join(plain)
        if plain == "array":
            return f"list of {self.kind(known.get('items', {}))}"
        return f"{plain} ({known['format']})" if "format" in known else str(plain)

    def example(self, schema: Mapping[str, Any], *, depth: int = 0, every: bool = False) -> Any:
        """A value that fits, with the fields it needs, or with every one."""
        known = self._resolved(schema)
        for key in ("const", "default"):
            if known.get(key) is not None:
                return known[key]
        for key in ("examples", "enum"):
            if known.get(key):
                return known[key][0]
        several = known.get("anyOf") or known.get("oneOf")
        if several and "properties" not in known:
            return self.example({**several[0], **({"type": known["type"]} if "type" in known else {})}, depth=depth)
        kind = known.get("type")
        if isinstance(kind, list):
            kind = kind[0]
        if kind == "object" or "properties" in known:
            return self._example_object(known, depth, every=every)
        if kind == "array":
            return [self.example(known["items"], depth=depth + 1)] if known.get("minItems") else []
        if kind == "string":
            return _FORMATS.get(known.get("format", ""), "text")
        return {"integer": known.get("minimum", 1), "number": 1, "boolean": False}.get(str(kind))

    def _example_object(self, known: Mapping[str, Any], depth: int, *, every: bool) -> dict[str, Any]:
        if depth >= DEEPEST:
            return {}
        required = set(known.get("required", ()))
        return {
            name: self.example(inner, depth=depth + 1, every=every)
            for name, inner in known.get("properties", {}).items()
            if not inner.get("readOnly") and (every or name in required)
        }

    def _field(self, name: str, schema: Mapping[str, Any], *, required: bool, depth: int) -> Field:
        known = self._resolved(schema)
        says = schema.get("description") or known.get("description", "")
        limits = tuple(
            text.format(_shown(known[key])) for key, text in _LIMITS if key in known and known[key] is not None
        )
        return Field(name, self.kind(schema), required, says, limits, self.fields(schema, depth=depth + 1))

    def _objects(self, schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        known = self._resolved(schema)
        if "properties" in known:
            yield known
        elif known.get("type") == "array":
            yield from self._objects(known.get("items", {}))
        for each in (*known.get("anyOf", ()), *known.get("oneOf", ())):
            yield from self._objects(each)

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" not in schema:
            return schema
        named = self._named.get(schema["$ref"].rpartition("/")[2], {})
        return {**named, **{key: value for key, value in schema.items() if key != "$ref"}}


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)
