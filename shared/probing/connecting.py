"""From addresses to one connected socket: the first that answers, families taking turns (RFC 8305)."""

import asyncio
import errno
import socket
import time
from collections.abc import Sequence

from shared.checks.vocabulary import OutcomeKind
from shared.probing.limits import Limits
from shared.probing.steps import CheckFailed

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
    OutcomeKind.CONNECT_REFUSED: 4,
    OutcomeKind.CONNECT_TIMEOUT: 3,
    OutcomeKind.UNREACHABLE: 2,
    OutcomeKind.INTERNAL: 1,
}


async def connect_first(
    addresses: Sequence[str], port: int, *, limits: Limits, deadline_at: float
) -> tuple[str, socket.socket]:
    """The address that answered first, and its socket; raises `CheckFailed` where none did.

    Args:
        addresses: in order of preference, every one of them judged by the address policy already.
        deadline_at: of the whole check, on the monotonic clock.
    """
    tried = addresses[: limits.addresses]
    if len(tried) == 1:
        return tried[0], await _connect(tried[0], port, limits=limits, deadline_at=deadline_at)
    return await _race(tried, port, limits=limits, deadline_at=deadline_at)


async def _race(
    addresses: Sequence[str], port: int, *, limits: Limits, deadline_at: float
) -> tuple[str, socket.socket]:
    failures: list[CheckFailed] = []
    running: dict[asyncio.Task[socket.socket], str] = {}
    waiting = list(addresses)
    try:
        while running or waiting:
            if waiting:
                address = waiting.pop(0)
                attempt = _connect(address, port, limits=limits, deadline_at=deadline_at)
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
            task.add_done_callback(_close_late)
    raise max(failures, key=lambda failure: _WEIGHT.get(failure.kind, 0))


async def _connect(address: str, port: int, *, limits: Limits, deadline_at: float) -> socket.socket:
    limit = min(limits.connect_seconds, deadline_at - time.monotonic())
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        connecting = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise _failure(error, address) from None
    try:
        connecting.setblocking(False)
        async with asyncio.timeout(limit):
            await asyncio.get_running_loop().sock_connect(connecting, (address, port))
    except TimeoutError:
        connecting.close()
        raise CheckFailed(OutcomeKind.CONNECT_TIMEOUT) from None
    except OSError as error:
        connecting.close()
        raise _failure(error, address) from None
    except BaseException:
        connecting.close()
        raise
    return connecting


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


def _close_late(task: asyncio.Task[socket.socket]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()
