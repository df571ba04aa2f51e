"""`Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): what a key may be, and what is kept of a request.

Pure; where answers are kept is `kept_answer_store`'s.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiohttp import web

from services.api_gateway.monitors.config_model import MASK
from services.api_gateway.problems import Fault, Problem

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
LONGEST_KEY = 255

# The draft wants a quoted string; most clients send it bare. Both mean the same key.
_KEY = re.compile(r'"([\x20\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x7e]{1,255})')
# What an answer shows only once has a name that ends so, wherever it stands.
_SHOWN_ONCE = ("password", "token", "secret", "link")


@dataclass(frozen=True, slots=True)
class RequestKey:
    """The key of one request: what it is found by, and what tells whether it is the same request.

    Neither can be turned back. A body may hold a password that could be guessed, so its fingerprint is made with a
    secret nobody keeps: the key itself and, where there is one, the bearer token.
    """

    hashed: bytes
    fingerprint: bytes

    def lock_number(self, organization_id: int, actor: str) -> int:
        """For an advisory lock of this key alone."""
        of = f"{organization_id}/{actor}/".encode() + self.hashed
        return int.from_bytes(hashlib.sha256(of).digest()[:8], "big", signed=True)


def read_key(request: web.Request) -> str | None:
    """The key a request carries; raises Problem 400 naming the header."""
    given = request.headers.getall(HEADER, [])
    if not given:
        return None
    match = _KEY.fullmatch(given[0].strip())
    if len(given) > 1 or match is None:
        why = f"{HEADER} must be given once, as 1 to {LONGEST_KEY} printable ASCII characters"
        raise Problem(HTTPStatus.BAD_REQUEST, why, faults=[Fault(pointer=f"/{HEADER}", detail=why)])
    return match[1] or match[2]


def request_key(key: str, *, method: str, address: str, body: bytes, credential: str, scope: str = "") -> RequestKey:
    """Args:
    address: path and query. credential: the bearer token, or empty for a person, whose sessions change.
    scope: what whoever asks may do and see; who may do and see other things makes another request.
    """
    secret = hashlib.sha256(f"{len(key)}/{key}/{credential}".encode()).digest()
    said = f"{method} {address} {scope}\n".encode() + body
    return RequestKey(hashlib.sha256(key.encode()).digest(), hmac.digest(secret, said, "sha256"))


def masked(value: Any) -> Any:
    """An answer as it may be kept: the mask in place of whatever is shown only once."""
    match value:
        case dict():
            return {
                name: MASK if isinstance(inner, str) and _is_shown_once(name) else masked(inner)
                for name, inner in value.items()
            }
        case list():
            return [masked(inner) for inner in value]
    return value


def _is_shown_once(name: str, endings: Sequence[str] = _SHOWN_ONCE) -> bool:
    return name.lower().endswith(tuple(endings))


def still_running(retry_after_seconds: int) -> Problem:
    """409: the first request with this key has not been answered yet."""
    return Problem(
        HTTPStatus.CONFLICT,
        detail=f"the request first sent with this {HEADER} is still under way",
        headers={"Retry-After": str(max(1, retry_after_seconds))},
    )


def another_request() -> Problem:
    """422: the key was used for something else."""
    why = f"this {HEADER} was used for another request; a new request needs a key of its own"
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, why, faults=[Fault(pointer=f"/{HEADER}", detail=why)])
