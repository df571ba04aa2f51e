"""The cast's monitors, made through the public API as anybody would make them: once, however often the demo starts."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import aiohttp

from services.standalone.practice.cast import USER, Part
from shared.checks.vocabulary import MailProtocol

_PATH = "/api/imap-pop-monitors"
_CUSTOMER = "11111111-1111-4111-8111-111111111111"
_ANSWER_SECONDS = 30


class MonitorRefused(Exception):
    """mailprobe did not take a monitor of the demo; the text has its answer."""


async def see_to_monitors(address: str, token: str, ports: Mapping[Part, int]) -> None:
    """Make what is missing, and lead to its server what is there from the last time."""
    async with aiohttp.ClientSession(
        address,
        headers={"Authorization": f"Bearer {token}"},
        timeout=aiohttp.ClientTimeout(total=_ANSWER_SECONDS),
    ) as session:
        listed = await _ask(session, "GET", _PATH, params={"perPage": "200"})
        known = {monitor["hostname"]: monitor for monitor in listed["items"]}
        checked_by: set[MailProtocol] = set()
        for part, port in ports.items():
            monitor = known.get(part.hostname)
            if monitor is None:
                monitor = await _ask(session, "POST", _PATH, json=_description(part, port))
            elif monitor["port"] != port:
                moved = {"port": port, "imapPopConfig": _config(part)}
                await _ask(session, "PATCH", f"{_PATH}/{monitor['publicId']}", json=moved)
            if part.protocol not in checked_by:
                await _until_checked(session, monitor["publicId"])
                checked_by.add(part.protocol)


async def _until_checked(session: aiohttp.ClientSession, public_id: str) -> None:
    """Workers may start after the API, and what is described before there are any waits for its first slot."""
    async with asyncio.timeout(_ANSWER_SECONDS):
        while True:
            async with session.post(f"{_PATH}/{public_id}/trigger-check") as answer:
                if answer.status != HTTPStatus.SERVICE_UNAVAILABLE:
                    return
            await asyncio.sleep(0.1)


async def _ask(session: aiohttp.ClientSession, method: str, path: str, **request: Any) -> Any:
    async with session.request(method, path, **request) as answer:
        if answer.ok:
            return await answer.json()
        raise MonitorRefused(f"{method} {path} was answered {answer.status}: {(await answer.text())[:500]}")


def _description(part: Part, port: int) -> dict[str, Any]:
    return {
        "customerId": _CUSTOMER,
        "name": part.name,
        "hostname": part.hostname,
        "port": port,
        "checkInterval": 0.5,
        "timeoutSeconds": 20,
        "imapPopConfig": _config(part),
    }


def _config(part: Part) -> dict[str, Any]:
    return {
        "protocol": part.protocol,
        "security": part.security,
        "user": USER,
        "password": part.password,
        "ipFamily": "4",
        "warningMs": 2000,
        "tlsOptions": {"rejectUnauthorized": part.verified},
    }
