"""The admin port of a process: `/livez`, `/readyz`, `/metrics`. For operators and orchestrators, not for clients.

Alive means the event loop answers; it never depends on a back end, or an outage there would restart every process.
Ready means that the named checks find nothing wrong. What is checked is for the service to say.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Self

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.runtime import metrics
from shared.runtime.lifecycle import StartError, listening_fault

# None: fine. A text says what is wrong.
ReadinessCheck = Callable[[], Awaitable[str | None]]

CHECK_DEADLINE_SECONDS = 3.0


async def failing(
    checks: Mapping[str, ReadinessCheck], *, deadline_seconds: float = CHECK_DEADLINE_SECONDS
) -> dict[str, str]:
    """Ask all checks at once; what is wrong, by name. A check that hangs or breaks is wrong, and says so."""

    async def ask(check: ReadinessCheck) -> str | None:
        try:
            async with asyncio.timeout(deadline_seconds):
                return await check()
        except TimeoutError:
            return f"no answer within {deadline_seconds:g} s"
        except Exception as error:
            return str(error) or type(error).__name__

    answers = await asyncio.gather(*(ask(check) for check in checks.values()))
    return {name: answer for name, answer in zip(checks, answers, strict=True) if answer is not None}


class AdminServer:
    """Serves the three addresses while it is entered; port 0 serves nothing."""

    def __init__(self, host: str, port: int, checks: Mapping[str, ReadinessCheck]) -> None:
        self._host = host
        self._port = port
        self._checks = dict(checks)
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        if not self._port:
            return self
        self._runner = web.AppRunner(self.application(), access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise StartError(
                f"cannot listen on the admin port {self._host}:{self._port}: {listening_fault(error)}; "
                "set MAILPROBE_ADMIN_PORT to a free one, or to 0"
            ) from None
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def application(self) -> web.Application:
        """The three addresses as an application, for a process that serves them on a port of its own."""
        app = web.Application()
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        return app

    async def _livez(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def _readyz(self, _request: web.Request) -> web.Response:
        wrong = await failing(self._checks)
        body = {
            "status": "not ready" if wrong else "ready",
            "checks": {name: wrong.get(name, "ok") for name in self._checks},
        }
        return web.json_response(body, status=503 if wrong else 200)

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(metrics.REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})
