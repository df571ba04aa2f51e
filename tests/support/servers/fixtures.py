"""The pytest fixtures of the real servers; tests/conftest.py makes them known to every test.

`database_dsn` and `amqp_url` are fresh for each test; the servers behind them live as long as the run.
Code without pytest (make demo, soak) uses the classes in the modules beside this one.
"""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.servers import needs
from tests.support.servers.dovecot import DovecotOptions, DovecotServer
from tests.support.servers.postgres import DatabasesForTests, databases_for_tests
from tests.support.servers.prometheus import PrometheusServer
from tests.support.servers.rabbitmq import GivenRabbit, RabbitServer, given_rabbit

_STATE_BYTES = 4 * 1024**3


@pytest.fixture(scope="session")
def servers_state() -> Iterator[Path]:
    """Where the servers of this run keep their state: a short path, for socket names end after 107 bytes."""
    state = Path(tempfile.mkdtemp(prefix="mp-", dir=_roomy_memory() or "/tmp"))
    state.chmod(0o755)  # servers started by root drop to users of their own
    yield state
    shutil.rmtree(state, ignore_errors=True)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def databases(servers_state: Path) -> AsyncIterator[DatabasesForTests]:
    """Makes databases: `async with databases.fresh() as dsn` (migrated) or `.empty()`."""
    async with databases_for_tests(servers_state) as made:
        yield made


@pytest_asyncio.fixture
async def database_dsn(databases: DatabasesForTests) -> AsyncIterator[str]:
    """A migrated database of this test's own, as its owner (no superuser)."""
    async with databases.fresh() as dsn:
        yield dsn


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def rabbitmq_server(servers_state: Path) -> AsyncIterator[RabbitServer]:
    """A private RabbitMQ to kill, pause and start again; a test that killed it starts it again."""
    demand(needs.RABBITMQ)
    server = RabbitServer(servers_state / "rabbitmq")
    await server.start()
    yield server
    await server.kill()  # its data is thrown away, so that an orderly end would only cost seconds


@pytest.fixture(scope="session")
def rabbitmq(request: pytest.FixtureRequest) -> GivenRabbit:
    """The broker of this run: AMQP_URL (its management API by MAILPROBE_MANAGEMENT_URL), else a private one."""
    given = os.environ.get("AMQP_URL")
    if given:
        return given_rabbit(given, os.environ.get("MAILPROBE_MANAGEMENT_URL"))
    server: RabbitServer = request.getfixturevalue("rabbitmq_server")
    return server.given


@pytest_asyncio.fixture
async def amqp_vhost(rabbitmq: GivenRabbit) -> AsyncIterator[str]:
    """A vhost of this test's own, by name."""
    async with rabbitmq.fresh_vhost() as vhost:
        yield vhost


@pytest.fixture
def amqp_url(rabbitmq: GivenRabbit, amqp_vhost: str) -> str:
    """The AMQP URL of this test's own vhost."""
    return rabbitmq.amqp_url(amqp_vhost)


StartDovecot = Callable[[DovecotOptions], Awaitable[DovecotServer]]


@pytest_asyncio.fixture
async def start_dovecot(servers_state: Path) -> AsyncIterator[StartDovecot]:
    """Starts Dovecots of any options: `server = await start_dovecot(DovecotOptions(...))`."""
    demand(needs.DOVECOT, needs.DOVECOT_IMAP, needs.DOVECOT_POP3)
    async with AsyncExitStack() as stack:

        async def start(options: DovecotOptions) -> DovecotServer:
            server = DovecotServer(Path(_folder(servers_state)), options=options)
            stack.push_async_callback(server.kill)
            await server.start()
            return server

        yield start


@pytest_asyncio.fixture
async def dovecot(start_dovecot: StartDovecot) -> DovecotServer:
    """A friendly Dovecot of this test's own: account anna, "right password", three messages."""
    return await start_dovecot(DovecotOptions())


@pytest.fixture(scope="session")
def promtool() -> Path:
    """Prometheus' own examiner of rules."""
    demand(needs.PROMTOOL)
    return needs.PROMTOOL.found() or Path()


StartPrometheus = Callable[[Mapping[str, str], Sequence[Path]], Awaitable[PrometheusServer]]


@pytest_asyncio.fixture
async def start_prometheus(tmp_path: Path) -> AsyncIterator[StartPrometheus]:
    """Starts a Prometheus: `server = await start_prometheus({"name": "host:port"}, [rules])`."""
    demand(needs.PROMETHEUS)
    async with AsyncExitStack() as stack:

        async def start(targets: Mapping[str, str], rules: Sequence[Path]) -> PrometheusServer:
            return await stack.enter_async_context(
                PrometheusServer(tmp_path / "prometheus", targets=targets, rules=rules)
            )

        yield start


def demand(*wanted: needs.Need) -> None:
    """End the run, with words and an exit code, rather than skip what nobody then notices."""
    lacking = needs.missing(wanted)
    if lacking:
        pytest.exit(f"\n{needs.in_words(lacking)}", returncode=4)


def _roomy_memory() -> Path | None:
    """A file system in memory: each test's database is hundreds of small files, ten times as dear on a disk."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or shutil.disk_usage(memory).free < _STATE_BYTES:
        return None
    return memory


def _folder(parent: Path) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="dv-", dir=parent))
    folder.chmod(0o755)
    return folder
