"""Chat and alarm services through the fence: where they may connect, what they are sent, and how little is read."""

import json
from typing import Any
from uuid import uuid4

import pytest

from services.notifier.content import Content, Part
from services.notifier.persistence import NotSent, Sent
from services.notifier.senders import chat
from services.notifier.senders.chat import ChatSender
from services.notifier.senders.seam import Attempt
from services.notifier.vocabulary import Event
from shared.notifications.channel_models import ChannelType
from shared.notifications.channel_types import checked_config
from shared.probing.address_policy import LOOPBACK_NETWORKS, AddressPolicy
from tests.support.receivers import Receiver, http_receiver
from tests.unit.notifications.test_channel_types import SOUND

OUTAGE = uuid4()


def content(event: Event = Event.OPENED, *, text: str = "The server's words: @everyone <!channel> go away") -> Content:
    return Content(
        event=event,
        public_id=uuid4(),
        at=1_800_000_000_000,
        good_news=event is Event.RESOLVED,
        title="DOWN: mailbox (mx, login)",
        paragraphs=(text,),
        link="https://mailprobe.example.com/incidents/1",
        parts=(Part(event=event, key=str(OUTAGE), host="mx", layer="login", title="DOWN", started_at=0),),
    )


def attempt() -> Attempt:
    return Attempt(uuid4(), 1, 1_800_000_000_000)


def config_at(channel_type: ChannelType, receiver: Receiver) -> Any:
    url = f"http://127.0.0.1:{receiver.port}"
    return checked_config(channel_type, {**SOUND[channel_type], "url": url})


SELF_HOSTED = [ChannelType.NTFY, ChannelType.GOTIFY, ChannelType.MATRIX]


@pytest.mark.parametrize("channel_type", ChatSender.TYPES)
def test_every_type_has_a_plugin_made_of_fields(channel_type: ChannelType) -> None:
    config = checked_config(channel_type, SOUND[channel_type])
    for event in (Event.OPENED, Event.RESOLVED, Event.TEST):
        assert chat._PLUGINS[type(config)](config, content(event)) is not None


@pytest.mark.parametrize("channel_type", [ChannelType.NTFY, ChannelType.GOTIFY])
async def test_a_self_hosted_service_gets_title_and_words_that_call_nobody(channel_type: ChannelType) -> None:
    sender = ChatSender(AddressPolicy.create(LOOPBACK_NETWORKS), try_seconds=60)
    try:
        async with http_receiver() as receiver:
            outcome = await sender.send(config_at(channel_type, receiver), content(), attempt())
            assert outcome == Sent()
            (request,) = receiver.requests
            told = json.loads(request.body)
            assert "DOWN: mailbox" in told["title"]
            assert "@\u200beveryone" in told["message"]
    finally:
        sender.close()


@pytest.mark.parametrize("channel_type", SELF_HOSTED)
async def test_an_address_the_policy_forbids_is_never_connected_to(channel_type: ChannelType) -> None:
    sender = ChatSender(AddressPolicy.create(), try_seconds=60)
    try:
        async with http_receiver() as receiver:
            outcome = await sender.send(config_at(channel_type, receiver), content(), attempt())
            assert isinstance(outcome, NotSent)
            assert "127.0.0.1 is in 127.0.0.0/8" in outcome.reason
            assert receiver.tried == 0
    finally:
        sender.close()


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [("500", "it answered 500"), ("redirect", "it answered 302"), ("reset", "hung up"), ("hang", "did not answer")],
)
async def test_what_a_service_does_ends_in_words_without_secrets(behaviour: str, words: str) -> None:
    sender = ChatSender(AddressPolicy.create(LOOPBACK_NETWORKS), try_seconds=2 if behaviour == "hang" else 60)
    try:
        async with http_receiver() as receiver:
            receiver.behaviour = behaviour
            outcome = await sender.send(config_at(ChannelType.GOTIFY, receiver), content(), attempt())
            assert isinstance(outcome, NotSent)
            assert words in outcome.reason
            assert "hunter2" not in outcome.reason
            assert receiver.requests == []
    finally:
        sender.close()


async def test_of_an_endless_answer_little_is_read() -> None:
    sender = ChatSender(AddressPolicy.create(LOOPBACK_NETWORKS), try_seconds=60)
    try:
        async with http_receiver() as receiver:
            receiver.behaviour = "endless"
            outcome = await sender.send(config_at(ChannelType.GOTIFY, receiver), content(), attempt())
            assert isinstance(outcome, NotSent)
            assert outcome.reason == "it answered 500"
    finally:
        sender.close()
