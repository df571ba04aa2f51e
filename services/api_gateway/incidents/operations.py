"""The operations on incidents."""

from services.api_gateway.incidents import handlers
from services.api_gateway.incidents.models import (
    IncidentChanged,
    IncidentDetails,
    IncidentQuery,
    Incidents,
    Note,
    Snooze,
)
from services.api_gateway.manners.entity_tags import Tagged
from services.api_gateway.operation import NOT_ALLOWED, Operation

_INCIDENT = f"{handlers.PATH}/{{publicId}}"
_ID_REQUIRED = "`Incident public ID (UUID) required`"
_NO_INCIDENT = "`Incident not found`"
_RESOLVED = "`The incident is resolved`"
_WRONG_FIELDS = "every wrong field is named in `errors`."

INCIDENT_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path=handlers.PATH,
        name="listIncidents",
        summary="The incidents a token may see, newest first.",
        handler=handlers.show_incidents,
        linked=True,
        query=IncidentQuery,
        answers={200: Incidents},
        problems={
            400: "Every wrong parameter is named in `errors`.",
            403: NOT_ALLOWED,
            404: "The customer or organization is unknown.",
        },
    ),
    Operation(
        method="GET",
        path=_INCIDENT,
        name="getIncident",
        summary="One incident with its timeline and the check that proves it.",
        handler=handlers.show_incident,
        tagged=Tagged(),
        answers={200: IncidentDetails},
        problems={400: _ID_REQUIRED, 403: NOT_ALLOWED, 404: _NO_INCIDENT},
    ),
    Operation(
        method="POST",
        path=f"{_INCIDENT}/acknowledge",
        name="acknowledgeIncident",
        summary="Say that somebody takes care of it: reminders stop.",
        handler=handlers.acknowledge_incident,
        answers={200: IncidentChanged},
        problems={400: _ID_REQUIRED, 403: NOT_ALLOWED, 404: _NO_INCIDENT, 409: _RESOLVED},
    ),
    Operation(
        method="POST",
        path=f"{_INCIDENT}/notes",
        name="noteOnIncident",
        summary="Leave a note in its timeline.",
        handler=handlers.note_on_incident,
        body=Note,
        answers={200: IncidentChanged},
        problems={400: f"{_ID_REQUIRED}; or: {_WRONG_FIELDS}", 403: NOT_ALLOWED, 404: _NO_INCIDENT},
    ),
    Operation(
        method="POST",
        path=f"{_INCIDENT}/snooze",
        name="snoozeIncident",
        summary="Stop reminders for a while.",
        handler=handlers.snooze_incident,
        body=Snooze,
        answers={200: IncidentChanged},
        problems={
            400: f"{_ID_REQUIRED}; or: {_WRONG_FIELDS}",
            403: NOT_ALLOWED,
            404: _NO_INCIDENT,
            409: _RESOLVED,
        },
    ),
)
