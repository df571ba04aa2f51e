"""What must answer before requests can be served, each as a check that says in words what is wrong."""

from services.api_gateway.migration_store import is_migrated
from shared.broker.seam import Broker
from shared.database.errors import DatabaseUnavailable
from shared.database.pool import Pool


async def database_answers(pool: Pool) -> str | None:
    """Whether the database answers and has our tables."""
    try:
        migrated = await is_migrated(pool)
    except DatabaseUnavailable as error:
        return f"the database does not answer: {error}"
    return None if migrated else "the database is empty; run `mailprobe migrate`"


async def broker_answers(broker: Broker) -> str | None:
    """Whether the broker takes messages."""
    return None if await broker.healthy() else "the message broker does not answer"
