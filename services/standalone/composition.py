"""The services as stages: each gets from this process just what it would get from a process of its own."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial

from aiohttp import web

from services.api_gateway.app import create_app
from services.api_gateway.http_server import make_runner
from services.imap_worker.canary_server import ImapCanaryServer
from services.imap_worker.probe import imap_probe
from services.notifier.service import open_ways, serve_notifier, watch_pulse
from services.pop3_worker.canary_server import Pop3CanaryServer
from services.pop3_worker.probe import pop3_probe
from services.result_recorder.service import serve_recorder
from services.scheduler.service import serve_scheduler
from services.standalone.stages import Stage
from shared.broker.in_process import InProcessBroker
from shared.checks.vocabulary import MailProtocol
from shared.database.pool import Pool
from shared.probing.job_handling import serve_worker
from shared.probing.job_handling.process import environment_for
from shared.runtime.identity import instance_name
from shared.runtime.settings import StandaloneSettings
from shared.sealing import PrivateKeyRing


async def compose(
    settings: StandaloneSettings,
    *,
    dsn: str,
    gateway_pool: Pool,
    pipeline_pool: Pool,
    notifier_pool: Pool,
    keys: PrivateKeyRing,
    channel_keys: PrivateKeyRing,
    listener: socket.socket,
    opened: AsyncExitStack,
) -> list[Stage]:
    """The services in the order they start; what they share besides is closed with `opened`."""
    broker = InProcessBroker()
    await broker.open()
    opened.push_async_callback(broker.close)
    environment = environment_for(settings)
    opened.push_async_callback(environment.close)

    recorder = partial(
        serve_recorder,
        pool=pipeline_pool,
        broker=broker,
        retention=settings,
        instance=instance_name("result_recorder"),
    )
    worker = partial(serve_worker, environment=environment, broker=broker, keys=keys, settings=settings)
    imap_worker = partial(worker, protocol=MailProtocol.IMAP, probe=imap_probe, canary_server=ImapCanaryServer)
    pop3_worker = partial(worker, protocol=MailProtocol.POP3, probe=pop3_probe, canary_server=Pop3CanaryServer)
    scheduler = partial(
        serve_scheduler,
        dsn=dsn,
        pool=pipeline_pool,
        broker=broker,
        settings=settings,
        retention=settings,
        instance=instance_name("scheduler"),
        jobs_survive=False,
    )
    ways = await opened.enter_async_context(open_ways(settings))
    notifier = partial(
        serve_notifier,
        dsn=dsn,
        pool=notifier_pool,
        keys=channel_keys,
        settings=settings,
        ways=ways,
        retention=settings,
        instance=instance_name("notifier"),
    )
    app = create_app(
        pool=gateway_pool,
        broker=broker,
        public_keys=keys.public(),
        channel_keys=channel_keys.public(),
        settings=settings,
        instance=instance_name("api_gateway"),
    )
    return [
        Stage("result_recorder", lambda stop: recorder(stop=stop)),
        Stage("imap_worker", lambda stop: imap_worker(stop=stop)),
        Stage("pop3_worker", lambda stop: pop3_worker(stop=stop)),
        Stage("scheduler", lambda stop: scheduler(stop=stop)),
        Stage("notifier", lambda stop: notifier(stop=stop)),
        Stage("pulse", partial(watch_pulse, dsn, settings, ways)),
        Stage("api_gateway", _serving(app, listener)),
    ]


def _serving(app: web.Application, listener: socket.socket) -> Callable[[asyncio.Event], Awaitable[None]]:
    async def serve(stop: asyncio.Event) -> None:
        runner = make_runner(app)
        await runner.setup()
        try:
            await web.SockSite(runner, listener).start()
            await stop.wait()
        finally:
            await runner.cleanup()

    return serve
