"""What every test may use: the fixtures of the real servers, started when first asked for."""

import pytest

from tests.support.servers.fixtures import (
    amqp_url,
    amqp_vhost,
    database_dsn,
    databases,
    dovecot,
    promtool,
    rabbitmq,
    rabbitmq_server,
    servers_state,
    start_dovecot,
    start_prometheus,
)

__all__ = [
    "amqp_url",
    "amqp_vhost",
    "database_dsn",
    "databases",
    "dovecot",
    "promtool",
    "rabbitmq",
    "rabbitmq_server",
    "servers_state",
    "start_dovecot",
    "start_prometheus",
]


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers that `make` selects by."""
    config.addinivalue_line("markers", "soak: runs for minutes; only by `make soak`")
    config.addinivalue_line("markers", "fuzz: runs many executions; only by `make fuzz`")
    config.addinivalue_line("markers", "manifests: needs helm and its like; only by `make check-deploy`")
    config.addinivalue_line("markers", "chaos: kills again and again; only by `make chaos`")
