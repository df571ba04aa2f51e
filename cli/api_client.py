"""Calls of our HTTP API, and what it answers as values or as a sentence of what went wrong."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
from yarl import URL

from cli.failing import EXIT_USAGE, Failed
from cli.settings import ClientSettings
from cli.showing import tell

MONITORS = "/api/imap-pop-monitors"
CUSTOMERS = "/api/customers"
INCIDENTS = "/api/incidents"
AUDIT = "/api/audit"
WINDOWS = "/api/maintenance-windows"
CHANNELS = "/api/notification-channels"
COVERAGE = "/api/notification-coverage"
TAGS = "/api/tags"
LOCATIONS = "/api/locations"
DISCOVERY = "/api/discovery"
PAGE = 200
INCIDENTS_AT_ONCE = 500
_ANSWER_CAP_BYTES = 32 * 1024 * 1024
_PATIENCE = 5
_LONGEST_WAIT_SECONDS = 60.0
# Sending a test message may take 25 s.
_TIMEOUT = aiohttp.ClientTimeout(total=40, sock_connect=5)


class Refused(Failed):
    """The API answered, and did not do it; `retry_after_seconds` where it was merely asked too often."""

    def __init__(self, said: str, *, status: int, retry_after_seconds: float | None = None) -> None:
        super().__init__(said)
        self.status = status
        self.retry_after_seconds = retry_after_seconds


class ApiClient:
    """One installation's API, as one token sees it. Every method raises Failed."""

    def __init__(self, session: aiohttp.ClientSession, url: URL, *, patient: bool = False) -> None:
        self._session = session
        self._url = url
        self._patient = patient

    async def monitors(self, **wanted: str) -> list[dict[str, Any]]:
        """All monitors, every page of them."""
        found: list[dict[str, Any]] = []
        page = 1
        while True:
            query = {**wanted, "page": str(page), "perPage": str(PAGE)}
            answer = await self.request("GET", MONITORS, query=query)
            found += answer["items"]
            if len(found) >= answer["total"] or not answer["items"]:
                return found
            page += 1

    async def newest_monitors(self, most: int) -> list[dict[str, Any]]:
        """Those made last."""
        answer = await self.request("GET", MONITORS, query={"sort": "-id", "perPage": str(most)})
        items: list[dict[str, Any]] = answer["items"]
        return items

    async def monitor(self, public_id: UUID) -> dict[str, Any]:
        """One monitor."""
        answer: dict[str, Any] = await self.request("GET", f"{MONITORS}/{public_id}")
        return answer

    async def checks(self, public_id: str | UUID, *, limit: int) -> list[dict[str, Any]]:
        """Its newest checks, newest first."""
        answer = await self.request("GET", f"{MONITORS}/{public_id}/check-history", query={"limit": str(limit)})
        checks: list[dict[str, Any]] = answer["data"]
        return checks

    async def add_monitor(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create a monitor."""
        answer: dict[str, Any] = await self.request("POST", MONITORS, body=body)
        return answer

    async def change_monitor(self, public_id: UUID, body: Mapping[str, Any]) -> dict[str, Any]:
        """Change what is sent of a monitor."""
        answer: dict[str, Any] = await self.request("PATCH", f"{MONITORS}/{public_id}", body=body)
        return answer

    async def trigger_check(self, public_id: UUID) -> None:
        """Ask for a check now; one that cannot be had at once is Refused."""
        await self._call("POST", f"{MONITORS}/{public_id}/trigger-check")

    async def discover(self, address: str) -> dict[str, Any]:
        """Where a mailbox may be."""
        answer: dict[str, Any] = await self.request("POST", DISCOVERY, body={"address": address})
        return answer

    async def locations(self) -> list[dict[str, Any]]:
        """Where checks are made from."""
        answer: list[dict[str, Any]] = await self._call("GET", LOCATIONS)
        return answer

    async def remove_monitor(self, public_id: UUID) -> None:
        """Delete a monitor, its password with it."""
        await self._call("DELETE", f"{MONITORS}/{public_id}")

    async def customers(self) -> list[dict[str, Any]]:
        """The customers the token may see."""
        answer: list[dict[str, Any]] = await self._call("GET", CUSTOMERS)
        return answer

    async def incidents(self, *, limit: int, **wanted: str) -> list[dict[str, Any]]:
        """The newest incidents first."""
        found: list[dict[str, Any]] = []
        while len(found) < limit:
            asked = min(INCIDENTS_AT_ONCE, limit - len(found))
            query = {**wanted, "limit": str(asked), "offset": str(len(found))}
            answer: list[dict[str, Any]] = await self._call("GET", INCIDENTS, query=query)
            found += answer
            if len(answer) < asked:
                break
        return found

    async def incident(self, public_id: UUID) -> dict[str, Any]:
        """One incident with its timeline."""
        answer: dict[str, Any] = await self._call("GET", f"{INCIDENTS}/{public_id}")
        return answer

    async def acknowledge(self, public_id: UUID) -> dict[str, Any]:
        """Say that somebody takes care of it."""
        answer: dict[str, Any] = await self._call("POST", f"{INCIDENTS}/{public_id}/acknowledge")
        return answer

    async def note(self, public_id: UUID, text: str) -> None:
        """Leave a note with it."""
        await self._call("POST", f"{INCIDENTS}/{public_id}/notes", body={"text": text})

    async def audit(self, *, limit: int, **wanted: str) -> list[dict[str, Any]]:
        """What was done, the newest first."""
        found: list[dict[str, Any]] = []
        query = dict(wanted)
        while len(found) < limit:
            answer = await self._call("GET", AUDIT, query={**query, "limit": str(min(PAGE, limit - len(found)))})
            found += answer["items"]
            if answer["nextCursor"] is None:
                break
            query["cursor"] = answer["nextCursor"]
        return found

    async def windows(self) -> list[dict[str, Any]]:
        """All maintenance windows."""
        answer: list[dict[str, Any]] = await self._call("GET", WINDOWS)
        return answer

    async def add_window(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Plan a maintenance window."""
        answer: dict[str, Any] = await self._call("POST", WINDOWS, body=body)
        return answer

    async def window(self, name: str) -> dict[str, Any]:
        """One maintenance window, by number or public id."""
        answer: dict[str, Any] = await self._call("GET", f"{WINDOWS}/{name}")
        return answer

    async def remove_window(self, name: str) -> None:
        """Call it off; where it is open, it ends."""
        await self._call("DELETE", f"{WINDOWS}/{name}")

    async def tags(self) -> list[dict[str, Any]]:
        """All tags."""
        answer: list[dict[str, Any]] = await self._call("GET", TAGS)
        return answer

    async def channels(self) -> list[dict[str, Any]]:
        """All notification channels."""
        answer: list[dict[str, Any]] = await self._call("GET", CHANNELS)
        return answer

    async def add_channel(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create a notification channel."""
        answer: dict[str, Any] = await self._call("POST", CHANNELS, body=body)
        return answer

    async def remove_channel(self, name: str) -> dict[str, Any]:
        """Delete a channel, by number or public id; tells whether anybody is left to tell."""
        answer: dict[str, Any] = await self._call("DELETE", f"{CHANNELS}/{name}")
        return answer

    async def test_channel(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a message for real, and wait for what becomes of it."""
        answer: dict[str, Any] = await self._call("POST", f"{CHANNELS}/test", body=body)
        return answer

    async def coverage(self) -> dict[str, Any]:
        """Whether anybody would be told."""
        answer: dict[str, Any] = await self._call("GET", COVERAGE)
        return answer

    async def request(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
    ) -> Any:
        """Any other call; None where there is nothing to say."""
        return await self._call(method, path, query=query, body=body)

    async def _call(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
    ) -> Any:
        for _ in range(_PATIENCE if self._patient else 0):
            try:
                return await self._once(method, path, query=query, body=body)
            except Refused as error:
                if error.retry_after_seconds is None:
                    raise
                tell(f"asked too often; going on in {error.retry_after_seconds:g} s")
                await asyncio.sleep(min(error.retry_after_seconds, _LONGEST_WAIT_SECONDS))
        return await self._once(method, path, query=query, body=body)

    async def _once(
        self, method: str, path: str, *, query: Mapping[str, str] | None, body: Mapping[str, Any] | None
    ) -> Any:
        url = (self._url / path.removeprefix("/")).with_query(query)
        try:
            async with self._session.request(method, url, json=body, allow_redirects=False) as answer:
                content = await _whole(answer.content)
                status, headers = answer.status, answer.headers
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Failed(f"cannot reach mailprobe at {self._url}: {_reason(error)}; is it running there?") from None
        if 200 <= status < 300:
            return None if status == HTTPStatus.NO_CONTENT else _read(content, self._url)
        raise Refused(
            _sentence(status, content, self._url), status=status, retry_after_seconds=_retry_after(status, headers)
        )


@asynccontextmanager
async def api_client(*, url: str | None, token_file: Path | None, patient: bool = False) -> AsyncIterator[ApiClient]:
    """The API that options and environment name; a patient client waits where it asked too often.

    Raises:
        Failed, SettingsError
    """
    settings = ClientSettings.load(**({"url": url} if url else {}))
    address = URL(settings.url.rstrip("/").removesuffix("/api"))
    if address.scheme not in ("http", "https") or not address.host:
        raise Failed(f"{settings.url} is no address of a mailprobe, such as http://127.0.0.1:8080", code=EXIT_USAGE)
    token = await asyncio.to_thread(_token, settings, token_file)
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers, timeout=_TIMEOUT) as session:
        yield ApiClient(session, address, patient=patient)


def _token(settings: ClientSettings, token_file: Path | None) -> str:
    if token_file is None and settings.token is not None:
        return settings.token.get_secret_value().strip()
    path = token_file or settings.data / "first-token"
    try:
        token = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        if token_file is not None:
            raise Failed(f"the token file {path} cannot be read: {reason}") from None
        raise Failed(
            f"there is no token: {path} cannot be read ({reason}); "
            "set MAILPROBE_TOKEN, or name its file by --token-file"
        ) from None
    if not token.isascii() or not token.isprintable() or " " in token or not token:
        raise Failed(f"what {path} holds is no token")
    return token


def _retry_after(status: int, headers: Mapping[str, str]) -> float | None:
    told = headers.get("Retry-After", "")
    return float(told) if status == HTTPStatus.TOO_MANY_REQUESTS and told.isascii() and told.isdigit() else None


async def _whole(stream: aiohttp.StreamReader) -> bytes:
    content = bytearray()
    async for chunk in stream.iter_chunked(65_536):
        content += chunk
        if len(content) > _ANSWER_CAP_BYTES:
            raise Failed(f"the answer is longer than {_ANSWER_CAP_BYTES // 2**20} MiB")
    return bytes(content)


def _read(content: bytes, url: URL) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        raise Failed(f"what answers at {url} is no mailprobe: its answer is no JSON") from None


def _reason(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "its name cannot be resolved"
        case aiohttp.ClientConnectorError(os_error=OSError(errno=int(number))) if number > 0:
            return os.strerror(number)
        case TimeoutError():
            return "no answer in time"
    return str(error) or type(error).__name__


def _fault(pointer: str, detail: str) -> str:
    """A field's fault; most begin with the field's name anyway."""
    name = pointer.removeprefix("/").replace("/", ".")
    return detail if detail.startswith((name, name.rpartition(".")[2])) else f"{name}: {detail}"


def _sentence(status: int, content: bytes, url: URL) -> str:
    try:
        problem = json.loads(content)
        said = str(problem.get("detail") or problem["message"])
        faults = [_fault(str(fault["pointer"]), str(fault["detail"])) for fault in problem.get("errors", ())]
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"{url} answered {status}, and not as mailprobe does"
    if status == 401:
        return f"the token is not accepted at {url}: {said}"
    if len(faults) > 1:
        return "\n".join(faults)
    return said
