"""Requests to addresses that customers choose: only where the address policy lets us connect, and never for long.

The policy judges the very address a socket is made for, so a name that resolves differently the second time, or a
redirect, is no way around it. Redirects are not followed, answers are not decompressed, and little of them is read.
"""

import asyncio
import contextvars
import io
import os
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import aiohttp

from services.notifier.persistence import NotSent, SendOutcome, Sent
from services.notifier.senders.seam import TRY_SECONDS, redacted
from shared.probing.address_policy import AddressPolicy

ANSWER_CAP_BYTES = 64 * 1024
_CONNECT_SECONDS = 10.0
# What no repetition of the same message mends: it is malformed, too large, or the receiver is gone for good.
_FOR_GOOD = frozenset({400, 410, 413, 422})

_blocked: contextvars.ContextVar[list[str]] = contextvars.ContextVar("blocked")


class _Blocked(OSError):
    """The address policy does not let us connect there."""


class OutboundHttp:
    """A client for webhooks and their like; enter it to use it."""

    def __init__(self, policy: AddressPolicy, *, try_seconds: float = TRY_SECONDS) -> None:
        self._policy = policy
        self._try_seconds = try_seconds
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(socket_factory=self._socket, force_close=True, limit=0),
            timeout=aiohttp.ClientTimeout(total=self._try_seconds, sock_connect=_CONNECT_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        expected: frozenset[int] | None = None,
        secrets: list[str] | None = None,
    ) -> SendOutcome:
        """One request; sent where the answer's status is one of `expected` (any of 2xx unless given).

        Args:
            secrets: what must not be repeated in a reason, wherever it comes from.
        """
        assert self._session is not None  # noqa: S101 - a mistake in our own wiring
        blocked: list[str] = []
        _blocked.set(blocked)
        # Receivers that know nothing of a path, which may be all there is to guess, like to repeat it.
        _, _, path = url.partition("://")[2].partition("/")
        hidden = [url, path, *(secrets or [])]
        try:
            async with (
                asyncio.timeout(self._try_seconds),
                self._session.request(
                    method,
                    url,
                    data=_payload(body),
                    headers={"User-Agent": "mailprobe", "Accept-Encoding": "identity", **headers},
                    allow_redirects=False,
                ) as answer,
            ):
                if answer.status in expected if expected else 200 <= answer.status < 300:
                    return Sent()
                return await _refusal(answer, hidden)
        except TimeoutError:
            return NotSent(f"it did not answer within {self._try_seconds:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # `ValueError`: a header or address that only turns out to be none when it is used.
            if blocked:
                return NotSent(blocked[0])
            return NotSent(redacted(_reason(error), hidden) or type(error).__name__)

    def _socket(self, address: Any) -> socket.socket:
        family, kind, protocol, _, place = address
        found = self._policy.judge(str(place[0]))
        if found is not None:
            if (list_of_this_request := _blocked.get(None)) is not None:
                list_of_this_request.append(found.said_of_messages)
            raise _Blocked(found.said_of_messages)
        return socket.socket(family, kind, protocol)


def _reason(error: Exception) -> str:
    match error:
        case aiohttp.ClientSSLError():
            pass  # what it says of a certificate is better than its number
        case aiohttp.ClientConnectorDNSError():
            return f"the name {error.host} cannot be resolved"
        case aiohttp.ClientConnectorError(os_error=OSError(errno=int(number))) if number > 0:
            return f"no connection to {error.host}:{error.port}: {os.strerror(number)}"
        case aiohttp.ServerDisconnectedError():
            return "it hung up without an answer"
        case aiohttp.ClientResponseError():
            # Its status is aiohttp's invention; what follows a name of the fault quotes the receiver, unredacted.
            fault = error.message.partition("\n")[0].partition(": b")[0].rstrip(":")
            return f"what it answered is not HTTP: {fault}"
        case OSError(errno=int(number)) if number > 0:
            return os.strerror(number)
    return str(error)


def _payload(body: bytes | None) -> io.BytesIO | None:
    # A large body as plain bytes would be one long write; aiohttp warns of it.
    return None if body is None else io.BytesIO(body)


async def _refusal(answer: aiohttp.ClientResponse, hidden: list[str]) -> NotSent:
    words = ""
    try:
        async with asyncio.timeout(2):
            words = redacted((await _first_bytes(answer)).decode("utf-8", "replace"), hidden)
    except (TimeoutError, aiohttp.ClientError):
        pass
    if 300 <= answer.status < 400:
        return NotSent(f"it answered {answer.status}, a redirect, which is not followed; give the address itself")
    reason = f"it answered {answer.status}"
    return NotSent(
        f"{reason}: {words}" if words else reason,
        for_good=answer.status in _FOR_GOOD,
        retry_after_ms=_retry_after_ms(answer.headers.get("Retry-After")),
    )


async def _first_bytes(answer: aiohttp.ClientResponse) -> bytes:
    read = b""
    while len(read) < ANSWER_CAP_BYTES:
        more = await answer.content.read(ANSWER_CAP_BYTES - len(read))
        if not more:
            break
        read += more
    return read


def _retry_after_ms(value: str | None) -> int | None:
    """RFC 9110 §10.2.3: seconds, or a date."""
    if value is None:
        return None
    if value.isdecimal():
        return int(value[:8]) * 1000
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0, int((at - datetime.now(UTC)).total_seconds() * 1000))
