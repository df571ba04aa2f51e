"""One named connection to RabbitMQ, kept: made again whenever it is lost, until closed.

Ours instead of aio-pika's robust connection, because that one gives up on the first connect, and on a missing queue
takes down every channel of the connection in order to try again. What is declared or consumed on a connection is
left to its users, who ask for the `current` one.
"""

import asyncio
import contextlib
import errno
import os
import time
from collections.abc import Awaitable, Callable, Iterator

import aio_pika
import aio_pika.exceptions
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from yarl import URL

LOST = (*aio_pika.exceptions.CONNECTION_EXCEPTIONS, TimeoutError)
"""What aio-pika raises when the broker, the connection or the channel has gone (cancellation apart)."""

_CONNECT_TIMEOUT_SECONDS = 10.0
_CLOSE_TIMEOUT_SECONDS = 5.0
_HEARTBEAT_SECONDS = 10  # a peer cut off without a word is noticed in about 30 s, instead of 3 minutes
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 2.0
_SAY_AGAIN_SECONDS = 15.0

_log = structlog.get_logger()


def in_words(error: BaseException) -> str:
    """What a person should know of a foreign error."""
    match error:
        case asyncio.CancelledError():
            return "nothing was heard of it any more"  # what aiormq makes of a missing heartbeat
        case TimeoutError():
            return "no answer in time"
    match error.args:
        case (int(number), str(detail)) if number in errno.errorcode:  # a socket's error, relabelled by aiormq
            return f"{os.strerror(number)}: {detail}"
    text = " ".join(str(part) for part in error.args if part not in (None, "")) or "no reason given"
    return f"{type(error).__name__}: {text}"


@contextlib.contextmanager
def cancelled_as_lost(why: str) -> Iterator[None]:
    """Raise one of LOST where what we wait on is cancelled rather than we ourselves.

    aiormq does that to whatever waits on a connection that it gives up, because of its heartbeat for one; passed on,
    it would end its callers' tasks without a word. Stands inside a deadline, never around one.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise ConnectionError(why) from error


async def close_quietly(resource: AbstractConnection | AbstractChannel) -> None:
    """Close it if that can still be done; what is gone is gone."""
    with contextlib.suppress(*LOST, asyncio.CancelledError):
        async with asyncio.timeout(_CLOSE_TIMEOUT_SECONDS):
            await resource.close()
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class KeptConnection:
    """A connection that comes back. Operators see `name` at the console."""

    def __init__(
        self, url: str, *, name: str, prepare: Callable[[AbstractConnection], Awaitable[None]] | None = None
    ) -> None:
        """`prepare` runs on each new connection before anybody may use it."""
        address = URL(url)
        if "heartbeat" not in address.query:
            address = address.update_query(heartbeat=_HEARTBEAT_SECONDS)
        self._address = address
        self._name = name
        self._prepare = prepare
        self._connection: AbstractConnection | None = None
        self._up = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.last_error = "not tried yet"
        self.broker = f"{address.host}:{address.port or 5672}{address.path}"  # for people: without the password

    @property
    def is_up(self) -> bool:
        return self._up.is_set()

    def start(self) -> None:
        """Begin connecting, in the background."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep(), name=f"keep {self._name}")

    async def current(self) -> AbstractConnection:
        """The connection, as soon as there is one; the caller brings the deadline."""
        while self._connection is None:
            await self._up.wait()
        return self._connection

    async def until_writable(self) -> AbstractConnection:
        """The connection, as soon as the broker reads from it: under a memory or disk alarm it does not."""
        while True:
            connection = await self.current()
            if connection.transport is not None:
                await connection.transport.ready()
            if connection is self._connection:
                return connection

    async def close(self) -> None:
        """Hang up for good."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _keep(self) -> None:
        pause, down_since, said_at = _FIRST_PAUSE_SECONDS, time.monotonic(), 0.0
        while True:
            connection = await self._connect()
            if connection is None:
                now = time.monotonic()
                if now - said_at >= _SAY_AGAIN_SECONDS:
                    said_at = now
                    _log.warning(
                        "waiting_for_broker",
                        broker=self.broker,
                        connection=self._name,
                        reason=self.last_error,
                        waited_seconds=round(now - down_since, 1),
                    )
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
                continue
            _log.info("broker_connected", broker=self.broker, connection=self._name)
            await self._use(connection)
            _log.warning("broker_connection_lost", broker=self.broker, connection=self._name, reason=self.last_error)
            pause, down_since, said_at = _FIRST_PAUSE_SECONDS, time.monotonic(), 0.0

    async def _connect(self) -> AbstractConnection | None:
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_SECONDS):
                with cancelled_as_lost("the connection was closed during its handshake"):
                    return await aio_pika.connect(
                        self._address,
                        client_properties={"connection_name": self._name, "product": "mailprobe"},
                    )
        except LOST as error:
            self.last_error = self._refused_vhost(error) or in_words(error)
        return None

    def _refused_vhost(self, error: BaseException) -> str | None:
        """RabbitMQ closes a connection to a vhost it will not open; aiormq says only that it is no OpenOk."""
        if "OpenOk" not in str(error) or "Connection.Close" not in str(error):
            return None
        vhost = self._address.path.removeprefix("/") or "/"
        return (
            f"RabbitMQ has no vhost {vhost}, or this user no rights in it; "
            "`mailprobe broker apply` makes the vhost, `rabbitmqctl set_permissions` gives the rights"
        )

    async def _use(self, connection: AbstractConnection) -> None:
        lost = asyncio.Event()

        def on_close(_: object, error: BaseException | None) -> None:
            self.last_error = in_words(error) if error is not None else "closed"
            lost.set()

        connection.close_callbacks.add(on_close)
        try:
            if self._prepare is not None:
                with cancelled_as_lost("the connection was given up while it was prepared"):
                    await self._prepare(connection)
            self._connection = connection
            self._up.set()
            await lost.wait()
        except LOST as error:
            self.last_error = in_words(error)
        finally:
            self._connection = None
            self._up.clear()
            await close_quietly(connection)
