"""The demo as a process: mailprobe on data of its own, practice servers beside it, a monitor on each of them."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.standalone.data_directory import DataDirectory
from services.standalone.main import EXPECTED, Beside, Running, announce, serve_standalone
from services.standalone.practice.cast import CAST
from services.standalone.practice.certificates import PracticeAuthority
from services.standalone.practice.monitors import MonitorRefused, see_to_monitors
from services.standalone.practice.serving import practice_servers
from shared.runtime import lifecycle, logs
from shared.runtime.settings import LogSettings, StandaloneSettings

DEFAULT_DATA = Path("data/demo")
_HOST = "127.0.0.1"
_USUAL_PORT = 8080


def run_demo(*, port: int | None = None, data: Path = DEFAULT_DATA, show: Beside = announce) -> int:
    """Run until told to stop; the exit code. Everything is kept in `data`, the logs as well: the screen is `show`'s.

    Without a port, the usual one is taken where it is free, and any other where it is not.
    """

    async def serve(stop: asyncio.Event) -> None:
        settings = _settings(port=port, data=data)
        for folder in (data.parent, data):  # where `make run` keeps its own comes first, for its owner alone as well
            DataDirectory(folder)
        with _logs_in(data / "log"):
            await _serve(settings, show, stop)

    return lifecycle.run("demo", serve, expected=(*EXPECTED, MonitorRefused), logs_for_good=False)


async def _serve(settings: StandaloneSettings, show: Beside, stop: asyncio.Event) -> None:
    authority = PracticeAuthority()
    ca_file = settings.data / "practice-authority.pem"
    ca_file.write_bytes(authority.pem)
    # They outlive the workers, so that no check finds its server gone only because the demo ends.
    async with practice_servers(CAST, authority) as ports:

        async def beside(running: Running, own_stop: asyncio.Event) -> None:
            await lifecycle.first_of(own_stop, see_to_monitors(running.address, running.token, ports))
            await show(running, own_stop)

        await serve_standalone(settings.model_copy(update={"ca_file": ca_file}), stop, beside=beside)


def _settings(*, port: int | None, data: Path) -> StandaloneSettings:
    settings = StandaloneSettings.load(
        host=_HOST,
        port=port or _free_port(),
        data=data,
        check_interval_floor_minutes=0.5,
        pop3_interval_floor_minutes=0.5,
    )
    # A database that the environment names is not for playing.
    return settings.model_copy(update={"database_url": None})


def _free_port() -> int:
    try:
        socket.create_server((_HOST, _USUAL_PORT)).close()
    except OSError:
        with socket.create_server((_HOST, 0)) as taken:
            return int(taken.getsockname()[1])
    return _USUAL_PORT


@contextmanager
def _logs_in(path: Path) -> Iterator[None]:
    settings = LogSettings.load()
    with path.open("w") as file:
        logs.configure("demo", format=settings.log_format, level=settings.log_level, stream=file)
        try:
            yield
        finally:
            logs.configure("demo", format=settings.log_format, level=settings.log_level)
