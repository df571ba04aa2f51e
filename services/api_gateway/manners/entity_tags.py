"""Entity tags (RFC 9110 §8.8.3), and the conditions that go by them. Pure.

A tag has two parts: `"<description>.<state>"`. The description is what people set, the state what we found out (a
monitor's health). `If-None-Match` goes by both, so that 304 never hides that a mailbox is down; `If-Match` goes by the
first alone, so that no check stands in the way of a change.
"""

import base64
import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiohttp import web

from services.api_gateway.problems import Fault, Problem

HEADER = "ETag"
IF_MATCH = "If-Match"
IF_NONE_MATCH = "If-None-Match"
ANY = "*"

Condition = Sequence[str]
"""The tags a condition names, or `*` alone."""

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\U0010ffff]*"'
_LIST = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")
_EACH = re.compile(_TAG)
_SEPARATOR = "."
_PART_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Tagged:
    """What the tag of a single resource is made of.

    Args:
        state: members of the answer that say what was found out.
        unsaid: members no tag goes by, since they move with every check.
        hold: locks the resource's row until the transaction ends; None: nobody changes it by a condition.
    """

    state: frozenset[str] = frozenset()
    unsaid: frozenset[str] = frozenset()
    hold: Callable[[Any, Any], Awaitable[object]] | None = None


def entity_tag(shown: Mapping[str, Any], tagged: Tagged) -> str:
    """The tag of a resource that is shown so."""
    left_out = tagged.state | tagged.unsaid
    parts = [_digest({name: value for name, value in shown.items() if name not in left_out})]
    if tagged.state:
        parts.append(_digest({name: value for name, value in shown.items() if name in tagged.state}))
    return f'"{_SEPARATOR.join(parts)}"'


def read_condition(request: web.Request, header: str) -> Condition | None:
    """The condition of this name; None: there is none. Raises Problem 400."""
    given = request.headers.getall(header, [])
    if not given:
        return None
    text = ", ".join(given).strip()
    if text == ANY:
        return (ANY,)
    if not _LIST.fullmatch(text):
        why = f'{header} must be * or entity tags in quotes, such as "abc", "def"'
        raise Problem(HTTPStatus.BAD_REQUEST, why, faults=[Fault(pointer=f"/{header}", detail=why)])
    return _EACH.findall(text)


def may_change(condition: Condition, current: str) -> bool:
    """`If-Match`: by strong comparison, which a weak tag never passes."""
    return ANY in condition or any(_description(tag) == _description(current) for tag in condition if tag[0] == '"')


def is_known(condition: Condition, current: str) -> bool:
    """`If-None-Match`: whether the client has just this already, by weak comparison."""
    return ANY in condition or any(tag.removeprefix("W/") == current for tag in condition)


def changed_meanwhile(current: str) -> Problem:
    """412."""
    return Problem(
        HTTPStatus.PRECONDITION_FAILED,
        detail=f"it was changed since you read it ({IF_MATCH} names another state); read it again",
        faults=[Fault(pointer=f"/{IF_MATCH}", detail="it names no state this is in")],
        headers={HEADER: current},
    )


def _description(tag: str) -> str:
    return tag.strip('"').partition(_SEPARATOR)[0]


def _digest(value: Mapping[str, Any]) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(text).digest())[:_PART_LENGTH].decode()
