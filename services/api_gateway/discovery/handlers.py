"""`POST /api/discovery` over HTTP."""

from aiohttp import web

from services.api_gateway.calls import Call, json_answer
from services.api_gateway.discovery.models import DiscoveryWanted
from services.api_gateway.problems import wrong_fields
from services.api_gateway.reading import read_object, validated

PATH = "/api/discovery"


async def discover(call: Call) -> web.Response:
    """Where this mailbox may be; for those who may make monitors, since others' servers are asked."""
    call.principal.require_write()
    body, unkeepable = await read_object(call.request)
    sent, faults = validated(DiscoveryWanted, body, known=unkeepable)
    if sent is None:
        raise wrong_fields(faults)
    return json_answer(await call.resources.discovery.discover(sent.parts))
