"""The operations on locations."""

from services.api_gateway.locations import handlers
from services.api_gateway.locations.models import Locations
from services.api_gateway.operation import Operation

LOCATION_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path=handlers.PATH,
        name="listLocations",
        summary="Where checks are made from, and who is there to make them.",
        handler=handlers.show_locations,
        answers={200: Locations},
    ),
)
