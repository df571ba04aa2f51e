"""What every test may use: the fixtures of the real servers, started when first asked for."""

import gc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.plain_logs import log_plainly
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
    "figures",
    "promtool",
    "rabbitmq",
    "rabbitmq_server",
    "servers_state",
    "start_dovecot",
    "start_prometheus",
]

_TESTS = Path(__file__).parent
# By folder; all others come in between, and each folder in its own order.
_TURNS = {"deploy": 0, "end_to_end": 0, "faults": 0, "web": 0, "unit": 2}


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers that `make` selects by; and no example fails for what a busy machine takes to look at it."""
    log_plainly()
    settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any machine")
    config.addinivalue_line("markers", "soak: runs for minutes; only by `make soak`")
    config.addinivalue_line("markers", "fuzz: runs many executions; only by `make fuzz`")
    config.addinivalue_line("markers", "manifests: needs helm and its like; only by `make check-deploy`")
    config.addinivalue_line("markers", "chaos: kills again and again; only by `make chaos`")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first, the shortest last: of several processes, none works on alone in the end."""
    items.sort(key=lambda item: _TURNS.get(item.path.relative_to(_TESTS).parts[0], 1))


def pytest_collection_finish() -> None:
    """Thousands of tests stay to the end: looked through for garbage, as after each of them, they cost minutes."""
    gc.freeze()


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Says a line of figures at the end of the whole run, whichever process the test ran in."""
    return lambda line: record_property("figures", line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests measured, in one place."""
    for report in [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]:
        for name, line in report.user_properties:
            if name == "figures":
                terminalreporter.write_line(str(line))
