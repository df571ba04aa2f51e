"""RabbitMQ's management API, as far as we ask it: get, put, and failures in words that never quote a password."""

import os
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

_TIMEOUT = aiohttp.ClientTimeout(total=15, sock_connect=5)


class ManagementFailed(Exception):
    """RabbitMQ's management API could not be asked; the text says why and never quotes the password."""


@dataclass(frozen=True, slots=True)
class Management:
    """One conversation with it, as one user."""

    session: aiohttp.ClientSession
    address: URL

    async def get(self, path: str) -> Any:
        """The answer's JSON, or None where there is no such thing."""
        async with self.session.get(self._url(path)) as answer:
            if answer.status == 404:
                return None
            await self._require_success(answer)
            return await answer.json()

    async def put(self, path: str, body: Mapping[str, Any]) -> None:
        """Make it, or replace what is there."""
        async with self.session.put(self._url(path), json=body) as answer:
            await self._require_success(answer)

    def _url(self, path: str) -> URL:
        return URL(f"{str(self.address).rstrip('/')}/api/{path}", encoded=True)

    async def _require_success(self, answer: aiohttp.ClientResponse) -> None:
        if answer.status == 401:
            raise ManagementFailed(f"RabbitMQ's management at {self.address} does not know this user or password")
        if answer.status >= 400:
            text = (await answer.content.read(500)).decode(errors="replace")
            raise ManagementFailed(f"RabbitMQ's management at {self.address} answered {answer.status}: {text}")


@asynccontextmanager
async def open_management(management_url: str) -> AsyncIterator[Management]:
    """At `http://user:password@host:15672`; raises ManagementFailed, also for what goes wrong inside the block."""
    url = URL(management_url)
    address = url.with_user(None).with_query(None)
    headers = {}
    if url.user is not None:
        credentials = f"{url.user}:{url.password or ''}".encode()
        headers["Authorization"] = f"Basic {b64encode(credentials).decode()}"
    try:
        async with aiohttp.ClientSession(headers=headers, timeout=_TIMEOUT) as session:
            yield Management(session, address)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise ManagementFailed(f"cannot reach RabbitMQ's management at {address}: {_reason(error)}") from error


def path_part(name: str) -> str:
    """A name as one part of a path: a vhost may have a slash in it."""
    return quote(name, safe="")


def _reason(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorError(os_error=OSError(errno=int(number))) if number > 0:
            return os.strerror(number)
        case TimeoutError():
            return "no answer in time"
    return str(error)
