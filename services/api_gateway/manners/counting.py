"""How often somebody may ask, on answers that no handler wrote: what cannot be found, and what broke.

What is asked with a token or session is counted by it, everything else under /api by address, a stream of events once
as it begins. Pages and what they load are not counted: they come from memory, and browsers keep them.
"""

from aiohttp import web
from aiohttp.typedefs import Handler

from services.api_gateway.authentication import REMAINING_HEADER
from services.api_gateway.calls import AUTHENTICATOR, REMAINING
from services.api_gateway.client_address import address_of, counted_address
from services.api_gateway.resources import RESOURCES

_COUNTED = "/api/"


@web.middleware
async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Addresses that do not exist are counted too, or they could be searched for without end. Raises Problem 429."""
    if request.match_info.http_exception is not None and request.path.startswith(_COUNTED):
        request.app[AUTHENTICATOR].count_anonymous(request)
    return await handler(request)


async def tell_remaining(request: web.Request, response: web.StreamResponse) -> None:
    """For `on_response_prepare`: how many requests are left, where nothing said so yet."""
    if REMAINING_HEADER in response.headers or not request.path.startswith(_COUNTED):
        return
    left = request.get(REMAINING)
    if left is None:
        resources = request.app[RESOURCES]
        address = counted_address(address_of(request, resources.settings.trusted_proxies))
        left = resources.anonymous_limit.remaining(address)
    response.headers[REMAINING_HEADER] = str(left)
