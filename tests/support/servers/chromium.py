"""A Chromium without a window, for whoever speaks its debugging protocol.

Playwright would start one for each of its own; this one is there for all tests of a run.
"""

import asyncio
import os
from pathlib import Path

from tests.support.servers import needs
from tests.support.servers.process import LeashedProcess

# Nothing by itself: no network of its own, no slower clock for what is not in front, the same colours everywhere.
_STILL = (
    "--headless",
    "--no-sandbox",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-service-autorun",
    "--hide-scrollbars",
    "--mute-audio",
    "--force-color-profile=srgb",
    "--password-store=basic",
    "--metrics-recording-only",
    "--disable-back-forward-cache",  # pages one goes back to are made anew, as after a day
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-hang-monitor",
    "--disable-ipc-flooding-protection",
    "--disable-popup-blocking",
    "--disable-prompt-on-repost",
    "--disable-renderer-backgrounding",
    "--disable-search-engine-choice-screen",
    "--disable-sync",
    "--disable-features=Translate,MediaRouter,OptimizationHints,PaintHolding,HttpsUpgrades",
)


class Chromium:
    """One Chromium, with everything it keeps below `state`."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._process: LeashedProcess | None = None

    @property
    def address(self) -> str:
        """Where its debugging protocol is spoken."""
        port = self._said_port()
        assert port is not None, "start it first"
        return f"http://127.0.0.1:{port}"

    async def start(self) -> None:
        """Returns once it can be spoken to."""
        found = needs.CHROMIUM.found()
        assert found is not None
        self._state.mkdir()
        self._process = LeashedProcess(
            [found, *_STILL, "--remote-debugging-port=0", f"--user-data-dir={self._state / 'profile'}", "about:blank"],
            env={"PATH": os.environ["PATH"], "HOME": str(self._state)},
            cwd=self._state,
            log_path=self._state / "chromium.log",
        )
        await self._process.until_ready("Chromium", self._speaks)

    async def kill(self) -> None:
        """At once; what it keeps is thrown away."""
        if self._process is not None:
            await self._process.kill()

    async def _speaks(self) -> bool:
        return await asyncio.to_thread(self._said_port) is not None

    def _said_port(self) -> int | None:
        """The port it chose, which it writes down once it listens there."""
        said = self._state / "profile" / "DevToolsActivePort"
        lines = said.read_text().splitlines() if said.exists() else []
        return int(lines[0]) if len(lines) > 1 else None
