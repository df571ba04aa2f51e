"""`mailprobe demo` in a terminal of its own: everything on the screen in time, once, and gone after Ctrl-C."""

import asyncio
import fcntl
import os
import re
import signal
import subprocess
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from services.standalone.practice.cast import CAST
from tests.support.servers.process import free_ports, listens
from tests.support.waiting import until

REPOSITORY = Path(__file__).parents[3]
START_SECONDS = 120.0  # the database is made in it
SCREEN_SECONDS = 120.0


class DemoInTerminal:
    """The demo as the only program of a terminal, which we read from and type into."""

    def __init__(self, data: Path) -> None:
        self._data = data
        (self._port,) = free_ports(1)
        self._master, slave = os.openpty()
        termios.tcsetwinsize(slave, (40, 200))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "demo", "--port", str(self._port), "--data", str(data)],
            cwd=REPOSITORY,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(data.parent),
                "TERM": "xterm-256color",
                "LANG": "C.UTF-8",
                # Must not matter: the demo plays with nobody's data but its own.
                "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/real",
                "MAILPROBE_DATA": str(data.parent / "real"),
            },
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            # It hangs up with us, even where we are killed.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.screen = ""
        asyncio.get_running_loop().add_reader(self._master, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self._master, 65536)
        except OSError:  # nobody holds the other end
            asyncio.get_running_loop().remove_reader(self._master)
            return
        self.screen += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", data.decode(errors="replace"))

    def type_control_c(self) -> None:
        os.write(self._master, b"\x03")

    async def monitors(self) -> list[dict[str, Any]]:
        """What the API tells; nothing while it is not there yet."""
        assert self._process.poll() is None, self.screen
        try:
            answer = await self.ask("/api/imap-pop-monitors?perPage=200")
        except (OSError, aiohttp.ClientError):
            return []
        items: list[dict[str, Any]] = answer["items"]
        return items

    async def kinds(self, monitor: dict[str, Any]) -> set[str]:
        """What its checks ended in; withheld ones end before the login, and say nothing of it."""
        history = await self.ask(f"/api/imap-pop-monitors/{monitor['publicId']}/check-history?limit=50")
        seen = (check["diagnostics"] for check in history["data"])
        return {each["outcomeClass"] for each in seen if not each["withheld"]}

    async def ask(self, path: str) -> Any:
        headers = {"Authorization": f"Bearer {(self._data / 'first-token').read_text().strip()}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.get(f"http://127.0.0.1:{self._port}{path}") as answer,
        ):
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def ended(self) -> int:
        async def over() -> bool:
            return self._process.poll() is not None

        await until(f"the demo ends: {self.screen[-500:]}", over, timeout_seconds=60)
        return int(self._process.returncode)

    async def listens(self) -> bool:
        return await listens(self._port)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)


@asynccontextmanager
async def demo_in(data: Path) -> AsyncIterator[DemoInTerminal]:
    demo = DemoInTerminal(data)
    try:
        yield demo
    finally:
        demo.close()


async def test_every_kind_is_on_screen_in_time_once_and_gone_after_control_c(tmp_path: Path) -> None:
    data = tmp_path / "data" / "demo"
    async with demo_in(data) as demo:
        await until("the monitors are made", lambda: _all_there(demo), timeout_seconds=START_SECONDS)
        await until("every part has its verdict", lambda: _all_judged(demo), timeout_seconds=SCREEN_SECONDS)
        await until("the table tells it", lambda: _on_screen(demo), timeout_seconds=60)
        assert "first-token" in demo.screen
        assert (data / "first-token").read_text().strip() not in demo.screen
        await until("the flapping one flaps", lambda: _flaps(demo), timeout_seconds=120)
        practice_ports = [monitor["port"] for monitor in await demo.monitors()]

        demo.type_control_c()
        assert await demo.ended() == 0
        assert "Traceback" not in demo.screen
        assert not await demo.listens()
        assert [port for port in practice_ports if await listens(port)] == []
        assert not (data / "postgres" / "cluster" / "postmaster.pid").exists()
        assert not (tmp_path / "real").exists()
        assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700

    async with demo_in(data) as again:
        await until("the same is told again", lambda: _all_judged(again), timeout_seconds=START_SECONDS)
        assert sorted(monitor["name"] for monitor in await again.monitors()) == sorted(part.name for part in CAST)
        again.type_control_c()
        assert await again.ended() == 0


async def _all_there(demo: DemoInTerminal) -> bool:
    return len(await demo.monitors()) == len(CAST)


async def _all_judged(demo: DemoInTerminal) -> bool:
    parts = {part.hostname: part for part in CAST}
    monitors = await demo.monitors()
    for monitor in monitors:
        seen = await demo.kinds(monitor)
        part = parts[monitor["hostname"]]
        assert seen <= {str(kind) for kind in part.kinds}, (part.name, seen)
        if monitor["health"] == "unknown" or not seen:
            return False
    return bool(monitors)


async def _flaps(demo: DemoInTerminal) -> bool:
    flapping = next(monitor for monitor in await demo.monitors() if monitor["name"] == "Flapping")
    return await demo.kinds(flapping) == {"ok", "greeting_rejected"}


async def _on_screen(demo: DemoInTerminal) -> bool:
    said = ("● up", "◐ degraded", "✖ down", "rejected the user name or the password", "has expired", "for another name")
    return all(text in demo.screen for text in (*said, *(part.name for part in CAST)))
