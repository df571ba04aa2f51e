"""What every test may use: the fixtures of the real servers, started when first asked for."""

import pytest

from tests.support.servers.fixtures import database_dsn, databases, servers_state

__all__ = ["database_dsn", "databases", "servers_state"]


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers that `make` selects by."""
    config.addinivalue_line("markers", "soak: runs for minutes; only by `make soak`")
    config.addinivalue_line("markers", "fuzz: runs many executions; only by `make fuzz`")
