"""What must answer before requests can be served, each as a check that says in words what is wrong."""

from shared.broker.seam import Broker
from shared.database.errors import DatabaseUnavailable, translated_errors
from shared.database.pool import Pool

_DEADLINE_SECONDS = 2
_MIGRATED = "SELECT to_regclass('mailprobe.monitors') IS NOT NULL"


async def database_answers(pool: Pool) -> str | None:
    """Whether the database answers and has our tables."""
    try:
        with translated_errors():
            async with pool.acquire(timeout=_DEADLINE_SECONDS) as connection:
                migrated = await connection.fetchval(_MIGRATED, timeout=_DEADLINE_SECONDS)
    except DatabaseUnavailable as error:
        return f"the database does not answer: {error}"
    return None if migrated else "the database is empty; run `mailprobe migrate`"


async def broker_answers(broker: Broker) -> str | None:
    """Whether the broker takes messages."""
    return None if await broker.healthy() else "the message broker does not answer"
