"""The command beside a real gateway, run as another process would."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer

from cli.api_client import ApiClient, api_client
from services.api_gateway.app import create_app
from services.api_gateway.token_store import issue_token
from shared.broker.in_process import InProcessBroker
from shared.database.pool import GATEWAY_ROLE, open_pool
from shared.runtime.settings import GatewaySettings
from shared.sealing import PrivateKeyRing, PublicKeyRing, generate_key_rings
from tests.support.command import run_command
from tests.support.command_session import Session, command_session
from tests.support.recorder_desk import RecorderDesk, recorder_desk


@dataclass(frozen=True)
class Result:
    exit_code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        return self.stdout + self.stderr


Command = Callable[..., Awaitable[Result]]


@pytest_asyncio.fixture
async def desk(database_dsn: str) -> AsyncIterator[RecorderDesk]:
    async with recorder_desk(database_dsn) as made:
        yield made


@pytest.fixture
def rings() -> tuple[PublicKeyRing, PrivateKeyRing]:
    """What passwords and secrets are sealed with, and opened."""
    return generate_key_rings()


@pytest_asyncio.fixture
async def environment(
    desk: RecorderDesk, rings: tuple[PublicKeyRing, PrivateKeyRing]
) -> AsyncIterator[Mapping[str, str]]:
    """A gateway, by the variables that lead to it."""
    async with open_pool(desk.dsn, role=GATEWAY_ROLE, application_name="gateway") as pool:
        token = await issue_token(pool, organization_id=1, name="test", role="admin")
        broker = InProcessBroker()
        await broker.open(timeout_seconds=None)
        settings = GatewaySettings.load(
            database_url=desk.dsn,
            amqp_url="amqp://nowhere",
            public_keys=rings[0].to_json(),
            channel_public_keys=rings[0].to_json(),
        )
        application = create_app(
            pool=pool,
            broker=broker,
            public_keys=rings[0],
            channel_keys=rings[0],
            settings=settings,
            instance="gateway@test:1",
        )
        async with TestServer(application) as server:
            yield {"MAILPROBE_URL": str(server.make_url("")), "MAILPROBE_TOKEN": token}
        await broker.close()


@pytest.fixture
def mailprobe(environment: Mapping[str, str]) -> Command:
    """Runs the command beside the gateway, as another process would."""

    async def run(*arguments: str, stdin: str = "") -> Result:
        answered = await run_command(*arguments, environment={**os.environ, **environment}, stdin=stdin.encode())
        return Result(answered.exit_code, answered.stdout, answered.stderr)

    return run


@pytest_asyncio.fixture
async def session(environment: Mapping[str, str]) -> AsyncIterator[Session]:
    """The same for many runs, in one process."""
    async with command_session(environment) as run:
        yield run


@pytest_asyncio.fixture
async def api(environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ApiClient]:
    """The command's own client of that gateway, in this process."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    async with api_client(url=None, token_file=None) as client:
        yield client
