"""Numbers of the whole installation, by functions of the tables' owner: of no organization's rows in particular."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from services.api_gateway.kept_reads import KeptReads
from shared.database.pool import Connection

MOST_SAMPLED = 200

_SCHEDULE = "SELECT clock_ms() AS now_ms, * FROM schedule_standing()"
_TELLING = "SELECT * FROM telling_standing()"
_DAYS = "SELECT * FROM results_standing()"
_DELAYS = "SELECT wait_ms, store_ms FROM newest_delays($1)"
_LISTENING = "SELECT until_at FROM hearing"
_LOCATIONS = "SELECT code FROM locations ORDER BY id"
_CANARIES = """
    SELECT l.code AS location, c.protocol, c.passed, c.message, c.stored_at, c.stored_at - c.slot_at AS took_ms
    FROM canaries c JOIN locations l ON l.id = c.location_id ORDER BY l.id, c.protocol"""
# Whether there are more than one.
_ORGANIZATIONS = "SELECT count(*) FROM (SELECT FROM all_organizations() LIMIT 2) AS some_of_them"


@dataclass(frozen=True, slots=True)
class Delays:
    """What 95 of 100 of so many newest checks did not exceed, in milliseconds; None where there is none."""

    sampled: int
    wait_ms: float | None
    store_ms: float | None


@dataclass(frozen=True, slots=True)
class Numbers:
    """What was read, as rows name it."""

    schedule: Any
    delays: Delays
    listening_at: int | None
    canaries: Sequence[Any]
    telling: Any
    days: Any
    locations: list[str]


async def is_only_organization(connection: Connection) -> bool:
    """Whether the installation is one organization's."""
    return bool(await connection.fetchval(_ORGANIZATIONS) == 1)


async def read_numbers(connection: Connection, schedule: KeptReads[Mapping[str, Any]]) -> Numbers:
    """All of them."""
    return Numbers(
        schedule=await schedule.look(None, lambda: connection.fetchrow(_SCHEDULE)),
        delays=await _delays(connection),
        listening_at=await connection.fetchval(_LISTENING),
        canaries=await connection.fetch(_CANARIES),
        telling=await connection.fetchrow(_TELLING),
        days=await connection.fetchrow(_DAYS),
        locations=[row["code"] for row in await connection.fetch(_LOCATIONS)],
    )


async def _delays(connection: Connection) -> Delays:
    rows = await connection.fetch(_DELAYS, MOST_SAMPLED)
    return Delays(
        sampled=len(rows),
        wait_ms=_exceeded_by_few([row["wait_ms"] for row in rows]),
        store_ms=_exceeded_by_few([row["store_ms"] for row in rows]),
    )


def _exceeded_by_few(values: Sequence[float]) -> float | None:
    # A worker's clock may be a little ahead of the database's: nothing is stored before it was found.
    return max(0.0, sorted(values)[ceil(len(values) * 0.95) - 1]) if values else None
