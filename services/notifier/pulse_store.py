"""When the newest canary that passed was stored, asked over a connection of its own each time.

A pool would have to be there first; this has to work from the first moment on, whatever the database does.
"""

from shared.database.errors import translated_errors
from shared.database.pool import NOTIFIER_ROLE, connect

# One of a time to come was stored before the clock went back, and may be of a location that is gone.
_NEWEST = "SELECT max(passed_at) FROM mailprobe.canaries WHERE passed_at <= mailprobe.clock_ms() + 60000"


async def newest_canary(dsn: str) -> int | None:
    """The time the newest canary that passed was stored, in ms; None: there never was one. Raises DatabaseError."""
    connection = await connect(
        dsn,
        role=NOTIFIER_ROLE,
        application_name="mailprobe notifier (pulse)",
        timeout_seconds=5,
        command_timeout_seconds=5,
    )
    try:
        with translated_errors():
            found: int | None = await connection.fetchval(_NEWEST)
            return found
    finally:
        connection.terminate()
