"""Cursors: where in a list without end the next page begins, in a form only we can make.

A cursor names the last row that was shown, so that rows which arrive meanwhile move nothing: what was there when
somebody began is shown once. It is bound to its list and organization. There is no secret in it, and it opens nothing
that its holder could not see; the code is there so that nobody builds on what it looks like inside.
"""

import base64
import binascii
import hashlib
import hmac
import json

from aiohttp import web

from services.api_gateway.calls import Call
from services.api_gateway.problems import Fault, wrong_fields

LONGEST = 200
DESCRIPTION = "`nextCursor` of the page before."
_CODE_BYTES = 12

Place = tuple[int | str, ...]


def write_cursor(call: Call, of: str, *place: int | str) -> str:
    """Args:
    of: the list. place: what the next page's rows come after, in the list's order.
    """
    said = json.dumps(place, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_code(call, of, said) + said).decode().rstrip("=")


def read_cursor(call: Call, of: str, text: str | None) -> Place | None:
    """The place a cursor names; None: from the beginning. Raises Problem 400 for what is none of this list's."""
    if text is None:
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    code, said = raw[:_CODE_BYTES], raw[_CODE_BYTES:]
    if not hmac.compare_digest(code, _code(call, of, said)):
        why = "cursor must be the nextCursor of an earlier answer to the same question"
        raise wrong_fields([Fault(pointer="/cursor", detail=why)])
    return tuple(json.loads(said))


def with_next(call: Call, response: web.Response, cursor: str | None) -> web.Response:
    """The response, leading to the next page by a header as well (RFC 8288): a bare array has no member for it."""
    if cursor is not None:
        address = call.request.rel_url.without_query_params("offset").update_query(cursor=cursor)
        response.headers["Link"] = f'<{address}>; rel="next"'
    return response


def _code(call: Call, of: str, said: bytes) -> bytes:
    # Every gateway of an installation has the same ring; clients never see it.
    key = hashlib.sha256(b"cursor " + call.resources.public_keys.to_json().encode()).digest()
    return hmac.digest(key, f"{of} {call.organization_id} ".encode() + said, "sha256")[:_CODE_BYTES]
