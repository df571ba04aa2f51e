"""One bad request, and the field its answer has to name."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

NAN, INFINITY = float("nan"), float("inf")
# Stands for a number of 5,000 digits, which Python writes no more than it reads it.
TOO_MANY_DIGITS = "@5000 digits@"
HALF = "\ud83d"


@dataclass(frozen=True)
class Bad:
    """What is sent where; `pointer` None: nothing in it is to blame, the request as a whole is."""

    method: str
    path: str
    raw: bytes | None
    pointer: str | None
    status: int = 400
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.raw[:150]!r} {dict(self.headers)}"


def written(body: Any) -> bytes:
    """The body as JSON, and as what only looks like it: NaN, lone surrogates, numbers without end."""
    return json.dumps(body).replace(json.dumps(TOO_MANY_DIGITS), "9" * 5_000).encode("utf-8", "surrogatepass")


def fields(
    method: str,
    path: str,
    good: Mapping[str, Any],
    wrong: Mapping[str, Iterable[Any]],
    at: Mapping[str, str] | None = None,
) -> Iterator[Bad]:
    """The good body with one field wrong, for each wrong value of each field.

    Args:
        wrong: by name, `a.b` for a field of an object within. at: where it is blamed, if not at that very field.
    """
    for name, values in wrong.items():
        for value in values:
            body = _with(good, name.split("."), value)
            yield Bad(method, path, written(body), (at or {}).get(name, "/" + name.replace(".", "/")))


def _with(body: Any, steps: list[str], value: Any) -> Any:
    if not steps:
        return value
    inner = body.get(steps[0], {}) if isinstance(body, Mapping) else {}
    return {**(body if isinstance(body, Mapping) else {}), steps[0]: _with(inner, steps[1:], value)}
