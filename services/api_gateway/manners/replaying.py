"""From a request to its key, and from an answer to the one that is sent again."""

import json
from collections.abc import Iterable
from http import HTTPStatus

from aiohttp import web

from services.api_gateway.calls import Call
from services.api_gateway.manners.kept_answer_store import Asker, KeptAnswer
from services.api_gateway.manners.request_keys import REPLAYED_HEADER, RequestKey, masked, read_key, request_key

_KEPT_HEADERS = ("Content-Type", "Location", "ETag")


def asker_of(call: Call) -> Asker:
    """Whose keys are meant: two tokens may use the same key for two things."""
    actor = call.principal.actor
    return Asker(call.organization_id, f"{actor.kind}:{actor.id}")


def key_of(call: Call, body: bytes) -> RequestKey | None:
    """The key a request carries; raises Problem 400."""
    key = read_key(call.request)
    if key is None:
        return None
    return request_key(
        key,
        method=call.request.method,
        address=call.request.path_qs,
        body=body,
        credential="" if call.principal.is_person else call.request.headers.get("Authorization", ""),
        scope=_scope(call),
    )


def kept(response: web.Response) -> KeptAnswer:
    """An answer as it is kept: without what it shows once."""
    return KeptAnswer(response.status, dict(_headers(response, _KEPT_HEADERS)), _without_secrets(response))


def replayed(before: KeptAnswer) -> web.Response:
    """The answer sent again, and said to be."""
    headers = {**before.headers, REPLAYED_HEADER: "true"}
    return web.Response(status=HTTPStatus(before.status), text=before.body, headers=headers)


def _scope(call: Call) -> str:
    """What may be done and seen: an answer is not sent again to somebody who would not get it now."""
    principal = call.principal
    customers = "*" if principal.customer_ids is None else ",".join(map(str, sorted(principal.customer_ids)))
    return f"{principal.role}/{customers}"


def _headers(response: web.Response, names: Iterable[str]) -> Iterable[tuple[str, str]]:
    return ((name, response.headers[name]) for name in names if name in response.headers)


def _without_secrets(response: web.Response) -> str | None:
    if not response.text:
        return None
    return json.dumps(masked(json.loads(response.text)), ensure_ascii=False, separators=(",", ":"))
