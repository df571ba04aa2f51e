"""What a drill stands on: a broker to kill, and a database; in the long form a Postgres to kill as well."""

import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from shared.database.embedded import OWNER, EmbeddedPostgres
from tests.support.faults.drill import Ground
from tests.support.faults.results import RESULTS
from tests.support.servers.postgres import DatabasesForTests
from tests.support.servers.process import free_ports
from tests.support.servers.rabbitmq import RabbitServer

Say = Callable[[str], None]


@pytest.fixture
async def shared_ground(tmp_path: Path, database_dsn: str, rabbitmq_server: RabbitServer) -> AsyncIterator[Ground]:
    """On the servers of this run."""
    async with rabbitmq_server.given.fresh_vhost() as vhost:
        yield Ground(tmp_path, database_dsn, rabbitmq_server, vhost)


@pytest.fixture
async def own_ground(
    request: pytest.FixtureRequest, servers_state: Path, rabbitmq_server: RabbitServer
) -> AsyncIterator[Ground]:
    """With a Postgres that keeps what it committed, on a port that stays; the processes' logs stay below .chaos."""
    logs = RESULTS.parent / request.node.name
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    (port,) = free_ports(1)
    server = EmbeddedPostgres(servers_state / f"postgres-{port}", port=port, settings={"max_connections": "200"})
    async with server:
        databases = DatabasesForTests(server.dsn(OWNER), server)
        async with databases.fresh() as dsn, rabbitmq_server.given.fresh_vhost() as vhost:
            yield Ground(logs, dsn, rabbitmq_server, vhost, server)


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Shows at once how far it is; nothing of it is kept."""

    def said(line: str) -> None:
        with capsys.disabled():
            print(line, flush=True)

    return said
