"""A mailbox breaks, people are told once, it is repaired, they are told once: at the shipped defaults, one location.

Six processes, RabbitMQ, Postgres, Dovecot, a mail server and a webhook receiver. It takes as long as confirming takes.
"""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from services.api_gateway.token_store import issue_token
from shared.broker import policies
from shared.database.pool import GATEWAY_ROLE, open_pool
from tests.end_to_end.test_life_of_a_check import documented_body
from tests.support.fleet import Api, Fleet
from tests.support.receivers import Mailbox, Receiver, http_receiver, mail_server
from tests.support.servers.dovecot import DovecotServer
from tests.support.servers.rabbitmq import GivenRabbit
from tests.support.waiting import until

_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

# Three failures half a minute apart, one of them first sought by the slot; a machine under load besides.
_CONFIRMED_SECONDS = 240


@dataclass(frozen=True, slots=True)
class Watched:
    """The running system, and those who are told."""

    api: Api
    fleet: Fleet
    dovecot: DovecotServer
    mailbox: Mailbox
    receiver: Receiver


@pytest.fixture
async def watched(
    tmp_path: Path, database_dsn: str, rabbitmq: GivenRabbit, amqp_vhost: str, amqp_url: str, dovecot: DovecotServer
) -> AsyncIterator[Watched]:
    await policies.apply(rabbitmq.management_url, vhost=amqp_vhost)
    async with open_pool(database_dsn, role=GATEWAY_ROLE, application_name="test", max_size=1) as pool:
        token = await issue_token(pool, organization_id=1, name="end to end", role="admin")
    async with AsyncExitStack() as opened:
        mailbox = await opened.enter_async_context(mail_server())
        receiver = await opened.enter_async_context(http_receiver())
        settings = {
            "MAILPROBE_CA_FILE": str(dovecot.ca_file),
            "MAILPROBE_SMTP_URL": mailbox.url,
            "MAILPROBE_MAIL_FROM": "mailprobe@example.org",
        }
        fleet = await opened.enter_async_context(
            Fleet(tmp_path, database_dsn=database_dsn, amqp_url=amqp_url, settings=settings)
        )
        api = await opened.enter_async_context(Api(fleet.address, token))
        yield Watched(api, fleet, dovecot, mailbox, receiver)


async def _answer(watched: Watched, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
    got, answer = await watched.api.call(method, path, body)
    assert got == status, answer
    return answer


async def _tell(watched: Watched) -> None:
    """Two channels of the organization's: a mailbox and a webhook."""
    mail = {"type": "email", "name": "Team", "config": {"recipients": ["team@example.net"]}}
    hook = {"type": "webhook", "name": "Hook", "config": {"url": watched.receiver.url, "secret": _SECRET}}
    for channel in (mail, hook):
        made = await _answer(watched, "POST", "/api/notification-channels", channel, status=201)
        assert _SECRET not in json.dumps(made)


def _told(watched: Watched) -> list[dict[str, Any]]:
    """What the receiver was told, each message checked by the independent library."""
    verifier = Webhook(_SECRET)
    return [verifier.verify(request.body, request.headers) for request in watched.receiver.requests]


async def _incidents(watched: Watched, public_id: str) -> list[dict[str, Any]]:
    answer = await _answer(watched, "GET", f"/api/imap-pop-monitors/{public_id}/incident-history")
    return list(answer["incidents"])


@pytest.mark.timeout(900)
async def test_an_outage_is_told_once_with_its_reason_and_its_end_once(watched: Watched) -> None:
    await _tell(watched)
    body = {**documented_body(watched.dovecot.imaps_port), "checkInterval": 0.5}
    public_id = (await _answer(watched, "POST", "/api/imap-pop-monitors", body, status=201))["publicId"]

    async def history(at_least: int) -> list[dict[str, Any]]:
        checks = await watched.api.history(public_id)
        return checks if len(checks) >= at_least else []

    first = await until("the first check", lambda: history(1))
    assert first[0]["status"] == "success", first[0]
    assert await _incidents(watched, public_id) == []

    await watched.dovecot.stop()

    async def opened() -> list[dict[str, Any]]:
        return await _incidents(watched, public_id)

    incident = (await until("an incident", opened, timeout_seconds=_CONFIRMED_SECONDS))[0]
    assert incident["status"] == "active"
    failed = [check for check in await watched.api.history(public_id) if check["status"] == "failure"]
    assert len(failed) >= 3, "opened before it was confirmed"

    async def told(count: int) -> bool:
        return len(watched.mailbox.mails) >= count and len(watched.receiver.requests) >= count

    await until("a mail and a webhook", lambda: told(1))
    mail, message = watched.mailbox.mails[0], _told(watched)[0]
    for text in (mail.get_body(("plain",)).get_content(), json.dumps(message)):  # type: ignore[union-attr]
        assert "localhost" in text
        assert "connect" in text.lower()
        assert "refused" in text.lower()
    assert watched.receiver.requests[0].headers["x-webhook-event"] == "alert"

    await watched.dovecot.start()

    async def resolved() -> bool:
        newest = (await _incidents(watched, public_id))[0]
        return bool(newest["status"] == "resolved")

    await until("the incident's end", resolved, timeout_seconds=_CONFIRMED_SECONDS)
    await until("a mail and a webhook of the end", lambda: told(2))
    assert len(await _incidents(watched, public_id)) == 1
    assert len(watched.mailbox.mails) == 2
    assert [request.headers["x-webhook-event"] for request in watched.receiver.requests] == ["alert", "recovery"]
    assert len(_told(watched)) == 2
    alerts = await _answer(watched, "GET", f"/api/imap-pop-monitors/{public_id}/alert-history")
    assert sorted((alert["type"], alert["status"]) for alert in alerts["alerts"]) == [
        ("email", "sent"),
        ("email", "sent"),
        ("webhook", "sent"),
        ("webhook", "sent"),
    ]
    listed = await _answer(watched, "GET", "/api/incidents")
    shown = await _answer(watched, "GET", f"/api/incidents/{listed[0]['public_id']}")
    timeline = shown["timeline"]
    assert timeline["outageStartedCheck"]["id"] == failed[-1]["id"]
    assert timeline["failedChecksTotal"] >= 3
    assert timeline["recoveryChecksTotal"] >= 2
    assert len(timeline["alertEvents"]) == 4
    assert "right password" not in watched.fleet.logs()
