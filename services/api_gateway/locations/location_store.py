"""Where checks are made from, as the recorder keeps it. Read only."""

from typing import Any

from services.api_gateway.field_types import moment_if_known, moment_of_ms
from services.api_gateway.locations.models import Location, ProtocolAtLocation
from shared.database.pool import Connection

# A location that is only mentioned in results was never seen: 0.
_LOCATIONS = "SELECT id, code, name, country_code, nullif(last_seen_at, 0) AS last_seen_at FROM locations ORDER BY id"

# Alive is whom the scheduler gives work to.
_PROTOCOLS = """
    SELECT location_id, protocol, max(last_seen_at) AS last_seen_at,
        count(*) FILTER (WHERE alive) AS workers,
        coalesce(sum(capacity) FILTER (WHERE alive), 0) AS capacity,
        coalesce(sum(in_flight) FILTER (WHERE alive), 0) AS in_flight
    FROM (SELECT *, last_seen_at >= silent_before() AS alive FROM location_workers) AS workers
    GROUP BY location_id, protocol ORDER BY location_id, protocol"""


async def list_locations(connection: Connection) -> list[Location]:
    """All locations with who works there."""
    protocols: dict[int, list[ProtocolAtLocation]] = {}
    for row in await connection.fetch(_PROTOCOLS):
        protocols.setdefault(row["location_id"], []).append(_protocol(row))
    return [_location(row, protocols.get(row["id"], [])) for row in await connection.fetch(_LOCATIONS)]


def _protocol(row: Any) -> ProtocolAtLocation:
    return ProtocolAtLocation(
        protocol=row["protocol"],
        live=row["workers"] > 0,
        workers=row["workers"],
        capacity=row["capacity"],
        in_flight=row["in_flight"],
        last_seen_at=moment_of_ms(row["last_seen_at"]),
    )


def _location(row: Any, protocols: list[ProtocolAtLocation]) -> Location:
    return Location(
        id=row["id"],
        code=row["code"],
        name=row["name"],
        country=row["country_code"],
        last_seen_at=moment_if_known(row["last_seen_at"]),
        live=any(each.live for each in protocols),
        protocols=protocols,
    )
