"""A gateway on a real Postgres with the in-process broker, in a thread of its own, for callers that are not asyncio."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from aiohttp import web

from services.api_gateway.app import create_app
from services.api_gateway.channels import trying
from services.api_gateway.http_server import make_runner
from services.api_gateway.token_store import issue_token
from shared.broker.in_process import InProcessBroker
from shared.database.pool import GATEWAY_ROLE, open_pool
from shared.runtime.settings import GatewaySettings
from shared.sealing import generate_key_rings

_UNLIMITED = 10**9


@dataclass(frozen=True, slots=True)
class RunningGateway:
    """Where it listens, and the token of an admin."""

    address: str
    token: str


@contextlib.contextmanager
def running_gateway(database_dsn: str) -> Iterator[RunningGateway]:
    """The gateway, for as long as the block lasts. Nobody is there to tell people: who waits for that waits shortly."""
    ready = threading.Event()
    told: list[RunningGateway | BaseException] = []
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        public, _ = generate_key_rings()
        async with contextlib.AsyncExitStack() as opened:
            pool = await opened.enter_async_context(
                open_pool(database_dsn, role=GATEWAY_ROLE, application_name="gateway", max_size=8)
            )
            broker = InProcessBroker()
            await broker.open()
            opened.push_async_callback(broker.close)
            settings = GatewaySettings.model_construct(
                allowed_private_networks=(),
                trusted_proxies=(),
                rate_limit_anonymous=_UNLIMITED,
                rate_limit_token=_UNLIMITED,
            )
            app = create_app(
                pool=pool,
                broker=broker,
                public_keys=public,
                channel_keys=public,
                settings=settings,
                instance="api_gateway@fuzz:1",
            )
            runner = make_runner(app, goodbye_seconds=1.0)
            await runner.setup()
            opened.push_async_callback(runner.cleanup)
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            port = runner.addresses[0][1]
            token = await issue_token(pool, 1, "fuzz", "admin")
            end = asyncio.Event()
            stop.append((asyncio.get_running_loop(), end))
            told.append(RunningGateway(f"http://127.0.0.1:{port}", token))
            ready.set()
            await end.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            told.append(error)
            raise
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="gateway")
    patience, trying.PATIENCE_SECONDS = trying.PATIENCE_SECONDS, 0.05
    thread.start()
    try:
        ready.wait(30)
        (first, *_) = told
        if isinstance(first, BaseException):
            raise first
        yield first
    finally:
        for loop, end in stop:
            loop.call_soon_threadsafe(end.set)
        thread.join(20)
        trying.PATIENCE_SECONDS = patience
