"""The operation of live events."""

from services.api_gateway.events import handlers
from services.api_gateway.events.models import EVENTS, EventsQuery
from services.api_gateway.operation import NOT_ALLOWED, WRONG_FIELDS, Operation

EVENT_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path=handlers.PATH,
        name="streamEvents",
        summary="What happens, while it happens: server-sent events, each with a model of `x-events` as its data. "
        "Open it first and load what there is then; what is told twice says the same twice.",
        handler=handlers.show_events,
        query=EventsQuery,
        answers={200: None},
        media_type="text/event-stream",
        told=EVENTS,
        problems={
            400: WRONG_FIELDS,
            403: NOT_ALLOWED,
            404: "The organization is unknown.",
            429: "Asked too often, or too many streams are open.",
            503: "A back end does not answer, or too many streams are open.",
        },
    ),
)
