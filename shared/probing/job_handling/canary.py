"""A worker's part in the pipeline's pulse: its real probe, logging in for real to a mail server in this very process.

The server is the protocol's own affair (`canary_server` of each worker); here it gets a port, a made-up account and
an end. Only these checks may connect to loopback. Not to be taken for `shared.probing.canaries`, which tell a dead
network of ours from a dead server.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol, Self

from shared.checks.messages import CheckJob
from shared.checks.outcome import Outcome
from shared.checks.target import CheckTarget, password_binding
from shared.checks.vocabulary import OutcomeKind, Phase, Security
from shared.probing.address_policy import AddressPolicy
from shared.probing.job_handling.checking import Checker
from shared.sealing import OpenedSeals

ADDRESS = "127.0.0.1"
USER = "canary"
TIMEOUT_MS = 10_000
LONGEST_LINE = 1_024


class CanaryServer(Protocol):
    """The server's side of one connection, line by line."""

    @property
    def greeting(self) -> bytes: ...

    def answer(self, line: bytes) -> bytes:
        """What to say to this line (without its end)."""
        ...


MakeCanaryServer = Callable[[str, str], CanaryServer]
"""A server that knows one account: user and password."""


@dataclass(frozen=True, slots=True)
class Canary:
    """Makes canary checks. Like `Checker` it never raises for what a probe does."""

    checker: Checker
    make_server: MakeCanaryServer

    @classmethod
    def create(cls, checker: Checker, make_server: MakeCanaryServer) -> Self:
        """A canary that checks as this checker does, but counts nothing and may connect to its own server."""
        to_itself = AddressPolicy.create([f"{ADDRESS}/32"])
        environment = replace(checker.environment, addresses=to_itself)
        return cls(replace(checker, environment=environment, counts=False, opened=OpenedSeals(kept=1)), make_server)

    async def check(self, job: CheckJob) -> Outcome:
        """Make the check this job asks for; of its target, only the protocol counts."""
        password = secrets.token_urlsafe(16)
        try:
            async with _listening(lambda: self.make_server(USER, password)) as port:
                return await self.checker.check(self._aimed(job, port, password))
        except OSError as error:
            return Outcome(
                kind=OutcomeKind.INTERNAL,
                phase=Phase.CONNECT,
                message=f"The worker could not listen on a port of its own: {error.strerror or error}.",
            )

    def _aimed(self, job: CheckJob, port: int, password: str) -> CheckJob:
        """Sealed and opened again like any mailbox's: a key ring that is broken shows."""
        target = CheckTarget(
            protocol=job.target.protocol,
            hostname=ADDRESS,
            port=port,
            security=Security.NONE,
            user=USER,
            timeout_ms=TIMEOUT_MS,
        )
        binding = password_binding(job.organization_id, job.monitor_public_id, target)
        sealed = self.checker.keys.public().seal(password.encode(), binding.context())
        return job.model_copy(update={"target": target.model_copy(update={"sealed_password": sealed})})


@asynccontextmanager
async def _listening(make_server: Callable[[], CanaryServer]) -> AsyncIterator[int]:
    """A port of ours for as long as one check takes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Anybody on this machine may call; nobody may stay.
        try:
            async with asyncio.timeout(TIMEOUT_MS / 1000):
                server = make_server()
                writer.write(server.greeting)
                while (line := await reader.readline()).endswith(b"\r\n"):
                    writer.write(server.answer(line[:-2]))
                    await writer.drain()
        except (OSError, ValueError, TimeoutError):
            pass
        finally:
            writer.transport.abort()

    listener = await asyncio.start_server(serve, ADDRESS, 0, limit=LONGEST_LINE)
    try:
        yield int(listener.sockets[0].getsockname()[1])
    finally:
        listener.close()
