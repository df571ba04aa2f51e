"""Whoever is told, for tests: a mail server (aiosmtpd) and an HTTP receiver, which keep what they get and misbehave
when asked to.
"""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Mailbox:
    """A mail server. `answer`: what it says to a mail; `refused`: recipients it does not want."""

    port: int = 0
    answer: str = "250 taken"
    refused: set[str] = field(default_factory=set)
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.answer.startswith("2"):
            content = envelope.content
            assert isinstance(content, bytes)
            message = email.message_from_bytes(content, policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            self.mails.append(message)
            self.recipients.append(list(envelope.rcpt_tos))
        return self.answer

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"


@asynccontextmanager
async def mail_server() -> AsyncIterator[Mailbox]:
    """A mail server on loopback."""
    box = Mailbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, hostname="mx.test", loop=loop), "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()


@dataclass(frozen=True)
class Request:
    """What the receiver was sent."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """An HTTP receiver. `behaviour`: ok, or a status, or one of slow, hang, reset, endless, redirect."""

    port: int = 0
    behaviour: str = "ok"
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    tried: int = 0
    tries: list[Request] = field(default_factory=list)  # whatever became of them
    got: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.tried += 1
        body = await request.read()
        told = Request(request.path, {name.lower(): value for name, value in request.headers.items()}, body)
        self.tries.append(told)
        match self.behaviour:
            case "ok":
                self._keep(told)
                return web.Response(text="thanks")
            case "slow":
                self._keep(told)
                await asyncio.sleep(0.3)
                return web.Response(text="thanks")
            case "hang":
                await self.released.wait()  # and goes without an answer: what it answered would have been taken
                return self._hung_up(request)
            case "reset":
                return self._hung_up(request)
            case "endless":
                return await self._pour(request)
            case "redirect":
                return web.Response(status=302, headers={"Location": f"http://127.0.0.1:{self.port}/elsewhere"})
            case status:
                return web.Response(status=int(status), text="no, not with hunter2", headers=self.headers)

    def _keep(self, told: Request) -> None:
        self.requests.append(told)
        self.got.set()

    def _hung_up(self, request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def _pour(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(status=500)
        await answer.prepare(request)
        try:
            while not self.released.is_set():
                await answer.write(b"x" * 65536)
        except (ConnectionError, RuntimeError):
            pass
        return answer


@asynccontextmanager
async def http_receiver() -> AsyncIterator[Receiver]:
    """An HTTP receiver on loopback."""
    receiver = Receiver()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server: Any = site._server
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        receiver.released.set()
        await runner.cleanup()
