"""What becomes of a channel's config and its secrets when it is changed."""

from typing import Any

import pytest

from services.api_gateway.channels.models import ChannelCreate, ChannelPatch, without_answer_fields
from services.api_gateway.channels.rules import Before, configured, shown_config
from services.api_gateway.reading import validated
from shared.notifications.channel_types import ChannelType

HOOK = {"url": "https://example.com/hook", "method": "POST"}
STORED = Before(ChannelType.WEBHOOK, HOOK, frozenset({"secret", "headers"}))
SLACK = "https://hooks.slack.com/services/T0/B0/abc"


def pointers(body: dict[str, Any]) -> list[str]:
    whole = {"type": "email", "name": "Ops", "config": {"email": "ops@example.com"}, **body}
    sent, faults = validated(ChannelCreate, without_answer_fields(whole))
    if sent is not None:
        faults = configured(sent.type, sent.config, before=None)[1]
    return sorted(fault.pointer for fault in faults)


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, []),
        ({"type": "pigeon"}, ["/type"]),
        ({"name": ""}, ["/name"]),
        ({"config": {}}, ["/config"]),
        ({"config": None}, ["/config"]),
        ({"config": []}, ["/config"]),
        ({"config": "{"}, ["/config"]),
        ({"config": '{"email": "ops@example.com"}'}, []),
        ({"config": '{"email": "ops@example.com", "email": "x@example.com"}'}, ["/config"]),
        ({"config": {"email": "nobody"}}, ["/config/email"]),
        ({"config": {"email": "a@b.c", "colour": 1}}, ["/config/colour"]),
        ({"config": {"email": "a@b.c\r\nBcc: x@y.z"}}, ["/config/email"]),
        ({"type": "webhook", "config": {"url": "ftp://example.com"}}, ["/config/url"]),
        ({"type": "webhook", "config": {"url": "https://u:p@example.com"}}, ["/config/url"]),
        ({"type": "slack", "config": {}}, ["/config/secret"]),
        ({"type": "slack", "config": {"secret": None}}, ["/config/secret"]),
        ({"type": "slack", "config": {"secret": "https://example.com"}}, ["/config/secret"]),
        ({"priority": -1, "delaySeconds": 86_401}, ["/delaySeconds", "/priority"]),
        ({"conditions": {"minIncidentDuration": "5"}}, ["/conditions/minIncidentDuration"]),
        ({"conditions": {"minIncidentDuration": 300, "onlyFullService": True}}, []),
        ({"conditions": '{"minIncidentDuration": 300}'}, []),
        ({"conditions": None, "websiteId": None, "allowedPackageTypes": None}, []),
        ({"conditions": {"moon": "full"}}, ["/conditions/moon"]),
        ({"websiteId": 3}, ["/websiteId"]),
        ({"isActive": 1}, ["/isActive"]),
        ({"fallbackChannelId": "x"}, ["/fallbackChannelId"]),
    ],
)
def test_every_wrong_field_is_named(body: dict[str, Any], wrong: list[str]) -> None:
    assert pointers(body) == wrong


def test_no_secret_is_in_what_is_said_of_it() -> None:
    marker = "marker-71c0"
    _, faults = configured(ChannelType.SLACK, {"secret": f"https://example.com/{marker}"}, before=None)
    assert faults
    assert marker not in str(faults)


@pytest.mark.parametrize("secrets", [{}, {"secret": None}, {"secret": None, "headers": None}, {"hasSecret": True}])
def test_secrets_that_are_not_sent_stay(secrets: dict[str, Any]) -> None:
    after, faults = configured(ChannelType.WEBHOOK, {**HOOK, **secrets}, before=STORED)
    assert after is not None, faults
    assert (after.secrets, after.kept_names) == ({}, {"secret", "headers"})


def test_a_secret_that_is_sent_takes_the_place_of_the_stored_one() -> None:
    after, _ = configured(ChannelType.WEBHOOK, {**HOOK, "secret": "new"}, before=STORED)
    assert after is not None
    assert (after.secrets, after.kept_names, after.secret_names) == (
        {"secret": "new"},
        {"headers"},
        {"secret", "headers"},
    )


def test_an_empty_one_is_removed() -> None:
    after, _ = configured(ChannelType.WEBHOOK, {**HOOK, "secret": "", "headers": {}}, before=STORED)
    assert after is not None
    assert after.secret_names == frozenset()


def test_one_that_is_needed_cannot_be_removed() -> None:
    before = Before(ChannelType.SLACK, {}, frozenset({"secret"}))
    assert configured(ChannelType.SLACK, {}, before=before)[1] == []
    assert [fault.pointer for fault in configured(ChannelType.SLACK, {"secret": ""}, before=before)[1]] == [
        "/config/secret"
    ]


@pytest.mark.parametrize(
    "url", ["https://other.example.com/hook", "http://example.com/hook", "https://example.com:8443/hook"]
)
def test_a_stored_secret_goes_nowhere_else(url: str) -> None:
    after, faults = configured(ChannelType.WEBHOOK, {"url": url}, before=STORED)
    assert after is None
    assert sorted(fault.pointer for fault in faults) == ["/config/headers", "/config/secret"]
    after, faults = configured(ChannelType.WEBHOOK, {"url": url, "secret": "x"}, before=STORED)
    assert [fault.pointer for fault in faults] == ["/config/headers"]
    after, faults = configured(ChannelType.WEBHOOK, {"url": url, "secret": "x", "headers": {}}, before=STORED)
    assert after is not None
    assert after.secret_names == {"secret"}


def test_another_path_of_the_same_host_is_the_same_place() -> None:
    after, _ = configured(ChannelType.WEBHOOK, {"url": "https://EXAMPLE.com:443/other"}, before=STORED)
    assert after is not None
    assert after.kept_names == {"secret", "headers"}


def test_another_type_takes_no_secret_along() -> None:
    after, faults = configured(ChannelType.SLACK, {}, before=STORED)
    assert (after, [fault.pointer for fault in faults]) == (None, ["/config/secret"])
    after, _ = configured(ChannelType.SLACK, {"secret": SLACK}, before=STORED)
    assert after is not None
    assert after.secret_names == {"secret"}


def test_what_is_shown_has_null_for_secrets() -> None:
    shown = shown_config(ChannelType.WEBHOOK, HOOK, frozenset({"secret"}))
    assert shown == {**HOOK, "secret": None, "hasSecret": True}
    assert shown_config(ChannelType.WEBHOOK, HOOK, frozenset()) == {**HOOK, "hasSecret": False}
    assert shown_config(ChannelType.EMAIL, {"email": "a@b.c"}, frozenset()) == {"email": "a@b.c"}


def test_a_change_may_repeat_the_answer() -> None:
    body = {"id": 3, "type": "slack", "config": {"secret": None, "hasSecret": True}, "health": {}, "warnings": []}
    sent, faults = validated(ChannelPatch, without_answer_fields(body))
    assert sent is not None, faults
    assert sent.model_fields_set == {"type", "config"}
