"""In whose name something is done, as the setting `mailprobe.actor` tells a transaction's triggers."""

import json

from aiohttp import web

from services.api_gateway.answering import REQUEST_ID
from services.api_gateway.client_address import address_of
from services.api_gateway.principal import ActorKind
from services.api_gateway.resources import Resources


def actor_text(request: web.Request, resources: Resources, *, user_id: int | None, name: str) -> str:
    """Of somebody about to become a principal; the same shape as `Call.actor`, which has the words for it."""
    return told_actor(
        ActorKind.USER,
        user_id,
        name,
        address=address_of(request, resources.settings.trusted_proxies),
        request_id=request.get(REQUEST_ID),
    )


def told_actor(
    kind: str, actor_id: int | None, name: str, *, address: str | None = None, request_id: str | None = None
) -> str:
    """A JSON object: `kind` (token, user; operator where the command did it), `id` (of the token or the user; null for
    an operator or somebody who is just being made), `name`, `address` (an IP address, null for an operator),
    `requestId` (null likewise).
    """
    return json.dumps({"kind": kind, "id": actor_id, "name": name, "address": address, "requestId": request_id})
