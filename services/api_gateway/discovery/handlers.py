"""`POST /api/discovery` over HTTP."""

from aiohttp import web

from services.api_gateway.calls import Call, json_answer
from services.api_gateway.discovery.finding import TooManyAtOnce
from services.api_gateway.discovery.models import DiscoveryWanted
from services.api_gateway.problems import too_many
from services.api_gateway.reading import read_model

PATH = "/api/discovery"
RETRY_SECONDS = 5


async def discover(call: Call) -> web.Response:
    """Where this mailbox may be; for those who may make monitors, since others' servers are asked."""
    call.principal.require_write()
    sent = await read_model(call.request, DiscoveryWanted)
    try:
        return json_answer(await call.resources.discovery.discover(sent.parts, organization_id=call.organization_id))
    except TooManyAtOnce:
        why = "too many addresses are being looked up at once; ask again in a few seconds"
        raise too_many(why, retry_after_seconds=RETRY_SECONDS) from None
