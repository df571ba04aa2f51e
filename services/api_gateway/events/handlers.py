"""`GET /api/events`: the answer that goes on."""

from http import HTTPStatus

from aiohttp import web

from services.api_gateway.calls import AUTHENTICATOR, Call
from services.api_gateway.events.event_store import watched_monitors
from services.api_gateway.events.feeds import TooManyStreams
from services.api_gateway.events.listener import Listener
from services.api_gateway.events.models import EventsQuery
from services.api_gateway.events.position import LONG_AGO, Position, read_position
from services.api_gateway.events.stream import EventStream
from services.api_gateway.problems import Problem, not_found, too_many, unavailable
from services.api_gateway.reading import read_query

PATH = "/api/events"
_LAST_EVENT_ID = "Last-Event-ID"
_LATER_SECONDS = 10


async def show_events(call: Call) -> web.Response:
    """Tell what happens, as long as the caller listens and may know."""
    query = read_query(call.request, EventsQuery)
    if query.organization_id not in (None, call.organization_id):
        raise not_found("Organization")
    asker = (call.principal.actor.kind, call.principal.actor.id)
    _require_room(call, asker)
    watched = {}
    if query.watched:
        async with call.transaction() as connection:
            watched = await watched_monitors(
                connection, call.organization_id, query.watched, customer_ids=call.principal.customers_wanted()
            )
    listener = Listener(organization_id=call.organization_id, customer_ids=call.principal.customer_ids, watched=watched)
    stream = EventStream(
        call.resources.feeds,
        listener,
        asker=asker,
        since=_since(call.request.headers.get(_LAST_EVENT_ID) or query.last_event_id),
        stands=lambda: _stands(call),
        hang_up=lambda: _hang_up(call.request),
    )
    # What buffers answers on their way (nginx does by default) is told not to.
    return web.Response(body=stream, headers={"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"})


def _require_room(call: Call, asker: tuple[str, int]) -> None:
    try:
        call.resources.feeds.require_room(asker)
    except TooManyStreams as error:
        if error.of_one:
            said = "as many streams of events are open by you as may be; close one"
            raise too_many(said, retry_after_seconds=_LATER_SECONDS) from None
        raise unavailable(
            HTTPStatus.SERVICE_UNAVAILABLE.phrase,
            detail="as many streams of events are open as may be",
            retry_after_seconds=_LATER_SECONDS,
        ) from None


def _since(text: str | None) -> Position | None:
    """Where to go on; what is none of our positions is one too long ago to go on from."""
    return None if not text else read_position(text) or LONG_AGO


async def _stands(call: Call) -> bool:
    """Whether the same caller would be let in now, to see the same."""
    try:
        return await call.request.app[AUTHENTICATOR].known(call.request) == call.principal
    except Problem:
        return False


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
