"""Small files from addresses that strangers choose: only where the address policy lets us connect, and never for long.

The policy judges the very address a socket is made for, so neither a name that resolves differently the second time
nor a redirect is a way around it. A redirect never leads from https to http.
"""

import socket
import ssl
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from services.api_gateway.discovery.autoconfig import MOST_BYTES
from services.api_gateway.discovery.lookups import Lookups
from shared.probing.address_policy import AddressPolicy

_MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file. in_clear: some of its way was http, so anybody between may have written it."""

    content: bytes
    in_clear: bool


class Fetcher:
    """Fetches within a deadline; enter it to use it.

    Args:
        tls: None: the system's authorities.
    """

    def __init__(
        self, policy: AddressPolicy, lookups: Lookups, *, seconds: float, tls: ssl.SSLContext | None = None
    ) -> None:
        self._policy = policy
        self._lookups = lookups
        self._seconds = seconds
        self._tls: ssl.SSLContext | bool = tls or True
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=_OurResolver(self._lookups),
                socket_factory=self._socket,
                ssl=self._tls,
                force_close=True,
                use_dns_cache=False,
                limit=8,
            ),
            timeout=aiohttp.ClientTimeout(total=self._seconds),
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

    async def fetch(self, url: URL) -> Fetched | None:
        """The file, or None where there is none to be had."""
        in_clear = False
        for _ in range(_MOST_REDIRECTS + 1):
            if url.scheme not in ("http", "https") or not url.host or url.user or url.password:
                return None
            in_clear = in_clear or url.scheme == "http"
            answer = await self._get(url)
            if answer is None or isinstance(answer, bytes):
                return None if answer is None else Fetched(answer, in_clear)
            if url.scheme == "https" and answer.scheme == "http":
                return None
            url = answer
        return None

    async def _get(self, url: URL) -> bytes | URL | None:
        assert self._session is not None  # noqa: S101 - a mistake in our own wiring
        headers = {"User-Agent": "mailprobe", "Accept": "text/xml, application/xml", "Accept-Encoding": "identity"}
        try:
            async with self._session.get(url, headers=headers, allow_redirects=False) as answer:
                if answer.status in _REDIRECTS:
                    return url.join(URL(answer.headers.get("Location", "")))
                if answer.status != 200:
                    return None
                return await _within_cap(answer.content)
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError):
            return None

    def _socket(self, address: Any) -> socket.socket:
        family, kind, protocol, _, place = address
        if (blocked := self._policy.judge(str(place[0]))) is not None:
            raise OSError(blocked.sentence)
        return socket.socket(family, kind, protocol)


class _OurResolver(AbstractResolver):
    """The same name servers as for everything else here."""

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in await self._lookups.addresses(host)
        ]
        if not found:
            raise OSError(f"{host} has no address")
        return found

    async def close(self) -> None:
        """The look-ups are others' to close."""


async def _within_cap(content: aiohttp.StreamReader) -> bytes | None:
    read = bytearray()
    async for chunk in content.iter_chunked(8192):
        read += chunk
        if len(read) > MOST_BYTES:
            return None
    return bytes(read)
