"""From addresses to one connection: to the first that answers, families taking turns (RFC 8305)."""

import asyncio
import errno
import socket
import time
from collections.abc import Sequence
from typing import Any, TypeVar, cast

from shared.checks.vocabulary import OutcomeKind
from shared.probing.connection import Connection
from shared.probing.limits import Limits
from shared.probing.steps import CheckFailed

_P = TypeVar("_P", bound=asyncio.Protocol)

# Ours: no more sockets, no more ports, a firewall on this machine.
_OUR_ERRORS = frozenset(
    {
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOBUFS,
        errno.ENOMEM,
        errno.EADDRNOTAVAIL,
        errno.EADDRINUSE,
        errno.EACCES,
        errno.EPERM,
        errno.EAFNOSUPPORT,
    }
)
# Which failure speaks for all of them, where every address failed in a way of its own.
_WEIGHT = {
    OutcomeKind.CONNECTION_LOST: 5,  # somebody is there
    OutcomeKind.CONNECT_REFUSED: 4,
    OutcomeKind.CONNECT_TIMEOUT: 3,
    OutcomeKind.UNREACHABLE: 2,
    OutcomeKind.INTERNAL: 1,
}


async def connect(
    connection: Connection, addresses: Sequence[str], port: int, *, limits: Limits, deadline_at: float
) -> str:
    """Let this connection begin at the address that answers first, and return that; `CheckFailed` where none does.

    Args:
        addresses: in order of preference, every one of them judged by the address policy already.
        deadline_at: of the whole check, on the monotonic clock.
    """
    tried = addresses[: limits.addresses]
    if len(tried) == 1:
        # Nothing to choose from, nothing to wait for: no socket in between, and no task.
        connection.whereto = f"connected to {tried[0]} port {port}"
        await _connect(connection, tried[0], port, limits=limits, deadline_at=deadline_at)
        return tried[0]
    address, reached = await _race(tried, port, limits=limits, deadline_at=deadline_at)
    connection.whereto = f"connected to {address} port {port}"
    reached.hand_over(connection)
    return address


class _Reached(asyncio.Protocol):
    """An address that answered. What its server says before it is chosen is kept, the first piece of it."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._said = b""
        self._hung_up = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._said = data
        if self.transport is not None:
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        self._hung_up = True
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._hung_up = True

    def hand_over(self, connection: Connection) -> None:
        """Let the connection go on as if it had been there from the start."""
        transport = self.transport
        assert transport is not None  # noqa: S101 - it was reached
        transport.set_protocol(connection)
        connection.connection_made(transport)
        if self._said:
            connection.data_received(self._said)
        if self._hung_up:
            connection.eof_received()
        elif not transport.is_closing():
            transport.resume_reading()


async def _race(addresses: Sequence[str], port: int, *, limits: Limits, deadline_at: float) -> tuple[str, _Reached]:
    failures: list[CheckFailed] = []
    running: dict[asyncio.Task[_Reached], str] = {}
    waiting = list(addresses)
    try:
        while running or waiting:
            if waiting:
                address = waiting.pop(0)
                attempt = _connect(_Reached(), address, port, limits=limits, deadline_at=deadline_at)
                running[asyncio.ensure_future(attempt)] = address
            patience = limits.next_address_after_seconds if waiting else None
            done, _ = await asyncio.wait(running, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                address = running.pop(task)
                failure = task.exception()
                if failure is None:
                    return address, task.result()
                if not isinstance(failure, CheckFailed):
                    raise failure
                failures.append(failure)
    finally:
        for task in running:
            task.cancel()
            task.add_done_callback(_abort_late)
    raise max(failures, key=lambda failure: _WEIGHT.get(failure.kind, 0))


async def _connect(protocol: _P, address: str, port: int, *, limits: Limits, deadline_at: float) -> _P:
    """The protocol, connected."""
    loop = asyncio.get_running_loop()
    patience = _Patience(asyncio.current_task(loop))
    alarm = loop.call_later(min(limits.connect_seconds, deadline_at - time.monotonic()), patience.end)
    try:
        # By an address, this asks no resolver and has no thread do so.
        await loop.create_connection(lambda: protocol, address, port)
    except asyncio.CancelledError:
        if patience.is_all_there_was():
            raise CheckFailed(OutcomeKind.CONNECT_TIMEOUT) from None
        raise
    except OSError as error:
        raise _failure(error, address) from None
    finally:
        alarm.cancel()
    return protocol


class _Patience:
    """What `asyncio.timeout` does, at a tenth of its price: every check waits for a connection once."""

    __slots__ = ("_ended", "_task")

    def __init__(self, task: asyncio.Task[Any] | None) -> None:
        self._task = task
        self._ended = False

    def end(self) -> None:
        self._ended = True
        if self._task is not None:
            self._task.cancel()

    def is_all_there_was(self) -> bool:
        """Whether the task was cancelled by us, and by nobody beside."""
        return self._ended and self._task is not None and self._task.uncancel() == 0


def _failure(error: OSError, address: str) -> CheckFailed:
    match error.errno:
        case errno.ECONNREFUSED:
            return CheckFailed(OutcomeKind.CONNECT_REFUSED)
        case errno.ECONNRESET | errno.ECONNABORTED:
            return CheckFailed(OutcomeKind.CONNECTION_LOST, variant="reset")
        case errno.ETIMEDOUT:
            return CheckFailed(OutcomeKind.CONNECT_TIMEOUT)
        case errno.ENETUNREACH if not _has_route(address):
            return CheckFailed(OutcomeKind.INTERNAL, variant="no_route_v6" if ":" in address else "no_route")
        case code if code in _OUR_ERRORS:
            return CheckFailed(OutcomeKind.INTERNAL, str(error.strerror).encode(), variant="resources")
        case _:
            return CheckFailed(OutcomeKind.UNREACHABLE, str(error.strerror or error).encode())


def _has_route(address: str) -> bool:
    """Whether this machine knows a way there at all; asks the routing table and sends nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.setblocking(False)
            asking.connect((address, 9))
    except OSError:
        return False
    return True


def _abort_late(task: asyncio.Task[_Reached]) -> None:
    if not task.cancelled() and task.exception() is None and (transport := task.result().transport) is not None:
        transport.abort()
