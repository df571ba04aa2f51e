"""Trying a channel out, with the notifier's own sending at the other end and a receiver that keeps what it is told."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from services.notifier.senders.http import OutboundHttp
from services.notifier.senders.mail import MailSender
from services.notifier.senders.webhook import WebhookSender
from services.notifier.sending import Sending
from shared.database.pool import NOTIFIER_ROLE, open_pool
from shared.notifications.channel_types import ChannelType
from shared.probing.address_policy import LOOPBACK_NETWORKS, AddressPolicy
from tests.support.receivers import Receiver, http_receiver

CHANNELS = "/api/notification-channels"


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with http_receiver() as running:
        yield running


@pytest_asyncio.fixture(autouse=True)
async def notifier(world: Any) -> AsyncIterator[None]:
    stop = asyncio.Event()
    mail = MailSender(None, try_seconds=60.0)
    async with (
        open_pool(world.dsn, role=NOTIFIER_ROLE, application_name="notifier", max_size=3) as pool,
        OutboundHttp(AddressPolicy.create(LOOPBACK_NETWORKS), try_seconds=60.0) as http,
    ):
        sending = Sending(
            pool,
            senders={ChannelType.EMAIL: mail, ChannelType.WEBHOOK: WebhookSender(http)},
            mail=mail,
            keys=world.private_keys,
            public_url=None,
        )
        running = asyncio.create_task(sending.run(stop))
        yield
        stop.set()
        await running


def hook(receiver: Receiver, secret: str) -> dict[str, Any]:
    return {"type": "webhook", "name": "Hook", "config": {"url": receiver.url, "secret": secret}}


def assert_signed(request: Any, secret: str) -> None:
    expected = hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-webhook-signature"] == expected


async def test_what_is_only_described_is_told_signed_with_its_secret(world: Any, receiver: Receiver) -> None:
    answer = await world.api.post(f"{CHANNELS}/test", hook(receiver, "not-stored"))
    assert (answer.status, answer.body["success"], answer.body["error"]) == (200, True, None), answer.text
    (request,) = receiver.requests
    assert_signed(request, "not-stored")


async def test_a_stored_channel_is_told_after_its_secret_was_kept_and_changed(world: Any, receiver: Receiver) -> None:
    channel = (await world.api.post(CHANNELS, hook(receiver, "first"))).body
    item = f"{CHANNELS}/{channel['id']}"
    for change, secret in (
        ({}, "first"),
        ({"name": "Renamed", "config": {"url": receiver.url, "secret": None}}, "first"),
        ({"config": {"url": receiver.url, "secret": "second"}}, "second"),
    ):
        assert (await world.api.call("PATCH", item, body=change)).status == 200
        answer = await world.api.post(f"{CHANNELS}/test", {"channelId": channel["id"]})
        assert answer.body["success"], answer.text
        assert_signed(receiver.requests[-1], secret)


async def test_why_it_was_not_sent_is_said(world: Any, receiver: Receiver) -> None:
    nobody = {"type": "webhook", "config": {"url": "http://127.0.0.1:9/", "secret": "x"}}
    answer = await world.api.post(f"{CHANNELS}/test", nobody)
    assert (answer.status, answer.body["success"]) == (200, False)
    assert answer.body["error"]
    no_mail = await world.api.post(f"{CHANNELS}/test", {"type": "email", "config": {"email": "me@example.com"}})
    assert (no_mail.status, no_mail.body["success"]) == (200, False)
    assert "MAILPROBE_SMTP_URL" in no_mail.body["error"]
