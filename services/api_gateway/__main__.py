"""`python -m services.api_gateway`: settings, resources, the application, served until told to stop."""

import asyncio
import contextlib
import sys
from contextlib import AsyncExitStack

import structlog
from aiohttp import web
from pydantic import SecretStr

from services.api_gateway.app import create_app
from services.api_gateway.http_server import make_runner
from services.api_gateway.readiness import database_answers
from services.api_gateway.system.queue_watch import QueueWatch
from shared.broker.policies import vhost_of
from shared.broker.rabbitmq import RabbitBroker
from shared.broker.readiness import broker_checks
from shared.broker.seam import BrokerError
from shared.database.errors import DatabaseError
from shared.database.opening import DatabaseReadiness, database_name, open_migrated_pool
from shared.database.pool import GATEWAY_ROLE, Pool
from shared.runtime.admin import AdminServer, ReadinessCheck
from shared.runtime.identity import instance_name
from shared.runtime.last_word import end_for_silence
from shared.runtime.lifecycle import StartError, listening_fault, retrying, run
from shared.runtime.settings import GatewaySettings, SettingsError
from shared.sealing import KeyRingError, PublicKeyRing

SERVICE = "api_gateway"
_POOL_SIZE = 20

_log = structlog.get_logger()


def main() -> int:
    """Run the gateway; answers with the exit code."""
    return run(SERVICE, serve)


async def serve(stop: asyncio.Event) -> None:
    """Serve until `stop` is set. The broker may come later: only tests of monitors need it."""
    settings = GatewaySettings.load()
    public_keys = _key_ring("MAILPROBE_PUBLIC_KEYS", settings.public_keys)
    channel_keys = _key_ring("MAILPROBE_CHANNEL_PUBLIC_KEYS", settings.channel_public_keys)
    instance = instance_name(SERVICE)
    async with AsyncExitStack() as opened:
        dsn = settings.database_url.get_secret_value()
        amqp_url = settings.amqp_url.get_secret_value()
        broker = RabbitBroker(amqp_url, service=SERVICE, instance=instance, silent=end_for_silence)
        database = DatabaseReadiness(dsn, database_answers)
        readiness: dict[str, ReadinessCheck] = {
            "database": database,
            **broker_checks(broker, amqp_url=amqp_url, policies_url=settings.policies_url),
        }
        await opened.enter_async_context(AdminServer(settings.admin_host, settings.admin_port, readiness))
        pool = database.pool = await _pool(dsn, instance, opened, stop)
        if pool is None:
            return
        opened.push_async_callback(broker.close)
        await _begun(opened, broker)
        app = create_app(
            pool=pool,
            broker=broker,
            public_keys=public_keys,
            channel_keys=channel_keys,
            settings=settings,
            instance=instance,
            readiness=readiness,
            queues=_queue_watch(settings, broker),
        )
        runner = make_runner(app)
        await runner.setup()
        opened.push_async_callback(runner.cleanup)
        try:
            await web.TCPSite(runner, settings.host, settings.port).start()
        except OSError as error:
            raise StartError(
                f"cannot listen on {settings.host}:{settings.port}: {listening_fault(error)}; "
                "set MAILPROBE_PORT or MAILPROBE_HOST to another one"
            ) from None
        _log.info("listening", host=settings.host, port=settings.port)
        await stop.wait()


def _queue_watch(settings: GatewaySettings, broker: RabbitBroker) -> QueueWatch:
    management = settings.management_url
    return QueueWatch(
        broker,
        vhost=vhost_of(settings.amqp_url.get_secret_value()),
        management_url=None if management is None else management.get_secret_value(),
        console_url=settings.rabbitmq_console_url,
    )


def _key_ring(variable: str, text: SecretStr) -> PublicKeyRing:
    try:
        return PublicKeyRing.from_json(text.get_secret_value())
    except KeyRingError as error:
        raise SettingsError([f"{variable} is wrong: {error}"]) from None


async def _pool(dsn: str, instance: str, opened: AsyncExitStack, stop: asyncio.Event) -> Pool | None:
    """A pool on a database that has our tables; waits for both."""

    async def attempt() -> Pool:
        return await opened.enter_async_context(
            open_migrated_pool(dsn, role=GATEWAY_ROLE, application_name=instance, max_size=_POOL_SIZE)
        )

    return await retrying(attempt, what=database_name(dsn), errors=(DatabaseError,), stop=stop)


async def _begun(opened: AsyncExitStack, broker: RabbitBroker) -> None:
    async def open_broker() -> None:
        try:
            await broker.open(timeout_seconds=None)
        except BrokerError as error:
            _log.error("broker_not_opened", error=str(error))

    connecting = asyncio.create_task(open_broker())

    async def give_up() -> None:
        connecting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await connecting

    opened.push_async_callback(give_up)


if __name__ == "__main__":
    sys.exit(main())
