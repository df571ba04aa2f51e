"""The pytest fixtures of the real servers; tests/conftest.py makes them known to every test.

`database_dsn` and `amqp_url` are fresh for each test; the servers behind them live as long as the run.
Code without pytest (make demo, soak) uses the classes in the modules beside this one.
"""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.servers.postgres import DatabasesForTests, databases_for_tests


@pytest.fixture(scope="session")
def servers_state() -> Iterator[Path]:
    """Where the servers of this run keep their state: a short path, for socket names end after 107 bytes."""
    state = Path(tempfile.mkdtemp(prefix="mp-", dir="/tmp"))
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
