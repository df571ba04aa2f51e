"""JSON as RFC 7493 (I-JSON) wants it: what could mean two things, or nothing at all, is refused.

Refused are duplicate keys, NaN and Infinity, numbers a double cannot hold exactly, NUL and lone surrogates (Postgres
stores neither), nesting without end and values without number. What stands in one field is taken out and named, so that
everything else wrong with the body is told with it. Pure; limits of size are the caller's.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from services.api_gateway.problems import Fault

DEEPEST = 32
_SAFE_INTEGER = 2**53 - 1
_LONGEST_NUMBER = 40
_LONGEST_KEY = 1000
# Far more than any request of ours has; reading that many takes a moment, and ten times as many takes everybody's.
MOST_VALUES = 100_000
_UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")
MOST_FAULTS = 50


class NotJson(Exception):
    """The text is not JSON that can be read in exactly one way; the text says why, without quoting the body."""


@dataclass(frozen=True, slots=True)
class _NoNumber:
    """Stands where a number stood that cannot be kept, until `taken_out` names it."""

    why: str


def parse(body: bytes) -> Any:
    """The value a body holds, to be given to `taken_out`; raises NotJson."""
    if body.count(b",") + body.count(b"[") + body.count(b"{") > MOST_VALUES:
        raise NotJson(f"the body holds more than {MOST_VALUES} values")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotJson(f"the body is not UTF-8 (at byte {error.start})") from None
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_int=_integer,
            parse_float=_decimal,
        )
    except RecursionError:
        raise NotJson(f"the body is nested more than {DEEPEST} levels deep") from None
    except json.JSONDecodeError as error:
        raise NotJson(f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None


def taken_out(value: Any) -> tuple[Any, list[Fault]]:
    """The value with null for whatever no field may hold, and where that stood."""
    faults: list[Fault] = []
    return _cleaned(value, [], faults), faults[:MOST_FAULTS]


def pointer(*steps: str | int) -> str:
    """A JSON Pointer (RFC 6901)."""
    return "".join("/" + printable(str(step)).replace("~", "~0").replace("/", "~1") for step in steps)


def printable(text: str) -> str:
    """The text without what JSON could not carry back."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "␀")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if max(map(len, found), default=0) > _LONGEST_KEY:
        raise NotJson(f"a key has more than {_LONGEST_KEY} characters")
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise NotJson(f"the key {json.dumps(key[:100])} stands twice in one object")
            seen.add(key)
    return found


def _no_constant(name: str) -> _NoNumber:
    return _NoNumber(f"must be a number, not {name}")


def _integer(digits: str) -> int | _NoNumber:
    # Python refuses to convert some thousands of digits, with an error of its own.
    if len(digits) > _LONGEST_NUMBER or abs(number := int(digits)) > _SAFE_INTEGER:
        return _NoNumber("is too large a number to be kept exactly")
    return number


def _decimal(digits: str) -> int | float | _NoNumber:
    number = float(digits) if len(digits) <= _LONGEST_NUMBER else float("inf")
    if abs(number) > _SAFE_INTEGER:
        return _NoNumber("is too large or too long a number to be kept exactly")
    return int(number) if number.is_integer() else number


def _cleaned(value: Any, path: list[str | int], faults: list[Fault]) -> Any:
    """`path`: where it stands. It is put into words for a fault alone: most values have none."""
    if len(path) >= DEEPEST:
        faults.append(Fault(pointer=pointer(*path), detail=f"the body is nested more than {DEEPEST} levels deep"))
        return None
    if len(faults) >= MOST_FAULTS:
        return None
    match value:
        case _NoNumber(why=why):
            faults.append(_fault(path, f"{{}} {why}"))
            return None
        case str():
            if (wrong := _wrong_with(value)) is None:
                return value
            faults.append(_fault(path, f"{{}} must not hold {wrong}"))
            return None
        case dict():
            return _cleaned_object(value, path, faults)
        case list():
            return [_cleaned_below(index, inner, path, faults) for index, inner in enumerate(value)]
    return value


def _cleaned_object(value: dict[str, Any], path: list[str | int], faults: list[Fault]) -> dict[str, Any]:
    clean: dict[str, Any] = {}
    for key, inner in value.items():
        if (wrong := _wrong_with(key)) is not None:
            faults.append(_fault(path, f"a key in {{}} must not hold {wrong}"))
        else:
            clean[key] = _cleaned_below(key, inner, path, faults)
    return clean


def _cleaned_below(step: str | int, value: Any, path: list[str | int], faults: list[Fault]) -> Any:
    path.append(step)
    try:
        return _cleaned(value, path, faults)
    finally:
        path.pop()


def _fault(path: list[str | int], said: str) -> Fault:
    here = pointer(*path)
    return Fault(pointer=here, detail=said.format(_field(here)))


def _field(here: str) -> str:
    """A pointer in the words of other faults: `imapPopConfig.user`."""
    return ".".join(step.replace("~1", "/").replace("~0", "~") for step in here.split("/")[1:]) or "the body"


def _wrong_with(text: str) -> str | None:
    found = _UNKEEPABLE.search(text)
    if found is None:
        return None
    return "a NUL character" if found[0] == "\x00" else "half of a surrogate pair"
