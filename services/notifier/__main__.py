"""`python -m services.notifier`: settings, ways to send and the database, served until told to stop."""

import asyncio
import sys
from contextlib import AsyncExitStack

from services.notifier.service import open_ways, serve_notifier, watch_pulse
from shared.database.errors import DatabaseError
from shared.database.opening import database_name, open_migrated_pool
from shared.database.pool import NOTIFIER_ROLE, Pool, is_reachable
from shared.runtime import lifecycle
from shared.runtime.admin import AdminServer
from shared.runtime.identity import instance_name
from shared.runtime.settings import NotifierSettings, SettingsError
from shared.sealing import KeyRingError, PrivateKeyRing

SERVICE = "notifier"
_POOL_SIZE = 6


def main() -> int:
    """Run with the settings of the environment; the exit code."""
    return lifecycle.run(SERVICE, serve)


async def serve(stop: asyncio.Event) -> None:
    """Serve until `stop` is set. The pulse is watched from the first moment; the database may come later."""
    settings = NotifierSettings.load()
    keys = _keys(settings)
    instance = instance_name(SERVICE)
    dsn = settings.database_url.get_secret_value()
    async with AsyncExitStack() as opened:
        pools: list[Pool] = []

        async def database_answers() -> str | None:
            return await is_reachable(pools[0]) if pools else "the database does not answer"

        await opened.enter_async_context(
            AdminServer(settings.admin_host, settings.admin_port, {"database": database_answers})
        )
        ways = await opened.enter_async_context(open_ways(settings))
        async with asyncio.TaskGroup() as group:
            group.create_task(watch_pulse(dsn, settings, ways, stop))
            pool = await _pool(dsn, instance, opened, stop)
            if pool is None:
                return
            pools.append(pool)
            await serve_notifier(
                dsn=dsn,
                pool=pool,
                keys=keys,
                settings=settings,
                ways=ways,
                retention=settings,
                stop=stop,
                instance=instance,
            )


def _keys(settings: NotifierSettings) -> PrivateKeyRing:
    try:
        return PrivateKeyRing.from_json(settings.channel_private_keys.get_secret_value())
    except KeyRingError as error:
        raise SettingsError([f"MAILPROBE_CHANNEL_PRIVATE_KEYS is wrong: {error}"]) from None


async def _pool(dsn: str, instance: str, opened: AsyncExitStack, stop: asyncio.Event) -> Pool | None:
    """A pool on a database that has our tables; waits for both."""

    async def attempt() -> Pool:
        return await opened.enter_async_context(
            open_migrated_pool(dsn, role=NOTIFIER_ROLE, application_name=instance, max_size=_POOL_SIZE)
        )

    return await lifecycle.retrying(attempt, what=database_name(dsn), errors=(DatabaseError,), stop=stop)


if __name__ == "__main__":
    sys.exit(main())
