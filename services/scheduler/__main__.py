"""`python -m services.scheduler`: settings, database and broker, served until told to stop."""

import asyncio
import sys
from contextlib import AsyncExitStack

from services.scheduler.service import serve_scheduler
from shared.broker.rabbitmq import RabbitBroker
from shared.broker.readiness import broker_checks
from shared.database.errors import DatabaseError
from shared.database.opening import DatabaseReadiness, database_name, open_migrated_pool
from shared.database.pool import PIPELINE_ROLE, Pool
from shared.runtime import lifecycle
from shared.runtime.admin import AdminServer, ReadinessCheck
from shared.runtime.identity import instance_name
from shared.runtime.last_word import end_for_silence
from shared.runtime.settings import SchedulerSettings

SERVICE = "scheduler"
_POOL_SIZE = 10  # what the queues ask about logins beside their own connections, and the regular duties


def main() -> int:
    """Run with the settings of the environment; the exit code."""
    return lifecycle.run(SERVICE, serve)


async def serve(stop: asyncio.Event) -> None:
    """Serve until `stop` is set; database and broker may come later."""
    settings = SchedulerSettings.load()
    dsn = settings.database_url.get_secret_value()
    instance = instance_name(SERVICE)
    amqp_url = settings.amqp_url.get_secret_value()
    broker = RabbitBroker(amqp_url, service=SERVICE, instance=instance, silent=end_for_silence)
    async with AsyncExitStack() as opened:
        database = DatabaseReadiness(dsn)
        checks: dict[str, ReadinessCheck] = {
            "database": database,
            **broker_checks(broker, amqp_url=amqp_url, policies_url=settings.policies_url),
        }
        await opened.enter_async_context(AdminServer(settings.admin_host, settings.admin_port, checks))
        pool = database.pool = await _pool(dsn, instance, opened, stop)
        if pool is None:
            return
        opened.push_async_callback(broker.close)
        await lifecycle.first_of(stop, broker.open(timeout_seconds=None))
        if not stop.is_set():
            await serve_scheduler(
                dsn=dsn,
                pool=pool,
                broker=broker,
                settings=settings,
                retention=settings,
                stop=stop,
                instance=instance,
            )


async def _pool(dsn: str, instance: str, opened: AsyncExitStack, stop: asyncio.Event) -> Pool | None:
    """A pool on a database that has our tables; waits for both."""

    async def attempt() -> Pool:
        return await opened.enter_async_context(
            open_migrated_pool(dsn, role=PIPELINE_ROLE, application_name=instance, max_size=_POOL_SIZE)
        )

    return await lifecycle.retrying(attempt, what=database_name(dsn), errors=(DatabaseError,), stop=stop)


if __name__ == "__main__":
    sys.exit(main())
