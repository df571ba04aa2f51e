"""Configs of channels: faults by field, and secrets that open only where they were sealed for."""

from typing import Any
from uuid import uuid4

import pytest

from shared.notifications.channel_models import CONFIGS
from shared.notifications.channel_types import (
    ChannelType,
    ConfigInvalid,
    checked_config,
    join_secrets,
    mail_hosts,
    open_secrets,
    seal_secrets,
    sealed_names,
    secret_fields,
    secrets_to_send_again,
    split_secrets,
    watched_mail_host,
    without_secrets,
)
from shared.sealing import SealBroken, generate_key_rings

TEAMS = (
    "https://prod-01.westeurope.logic.azure.com:443/workflows/0123456789abcdef/triggers/manual/paths/invoke"
    "?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=hunter2hunter2"
)
SOUND: dict[ChannelType, dict[str, Any]] = {
    ChannelType.EMAIL: {"email": "ops@example.com", "to": "Ops", "recipients": ["b@example.org"]},
    ChannelType.WEBHOOK: {
        "url": "https://hooks.example.com/a?b=c",
        "secret": "hunter2",
        "headers": {"Authorization": "Bearer hunter2"},
    },
    ChannelType.ALERTMANAGER: {"url": "http://alertmanager:9093", "bearerToken": "hunter2", "labels": {"team": "mail"}},
    ChannelType.SLACK: {"secret": "https://hooks.slack.com/services/T0/B0/hunter2"},
    ChannelType.DISCORD: {"secret": "https://discord.com/api/webhooks/123456/hunter2"},
    ChannelType.TEAMS: {"secret": TEAMS},
    ChannelType.PAGERDUTY: {"routingKey": "hunter2", "region": "eu"},
    ChannelType.OPSGENIE: {"apiKey": "hunter2"},
    ChannelType.TELEGRAM: {"botToken": "123456:hunter2hunter2hunter2", "chatId": -100200},
    ChannelType.NTFY: {"topic": "mail", "token": "hunter2"},
    ChannelType.PUSHOVER: {"apiToken": "h" * 30, "userKey": "u" * 30},
    ChannelType.GOTIFY: {"url": "https://gotify.example.com", "appToken": "hunter2"},
    ChannelType.MATRIX: {"url": "https://matrix.example.com", "roomId": "!abc:example.com", "accessToken": "hunter2"},
}
ORGANIZATION = 7


def fields_of(error: ConfigInvalid) -> list[str]:
    return sorted(".".join(map(str, fault.path)) for fault in error.faults)


@pytest.mark.parametrize("channel_type", list(ChannelType))
def test_a_config_comes_back_whole_after_its_secrets_were_taken_out_sealed_and_opened(
    channel_type: ChannelType,
) -> None:
    public_keys, private_keys = generate_key_rings()
    whole = checked_config(channel_type, SOUND[channel_type])
    public, secrets = split_secrets(channel_type, whole)
    assert not secret_fields(channel_type) & set(public)
    assert "hunter2" not in str(public)
    bound: dict[str, Any] = {
        "organization_id": ORGANIZATION,
        "channel_public_id": uuid4(),
        "channel_type": channel_type,
        "config": public,
    }
    sealed = seal_secrets(public_keys, secrets, **bound)
    assert sealed_names(sealed) == set(secrets)
    assert join_secrets(channel_type, public, open_secrets(private_keys, sealed, **bound)) == whole


def test_there_is_a_model_for_every_type() -> None:
    assert set(CONFIGS) == set(ChannelType) == set(SOUND)


@pytest.mark.parametrize(
    "altered",
    [
        {"organization_id": 8},
        {"channel_public_id": uuid4()},
        {"channel_type": ChannelType.ALERTMANAGER},
        {"config": {"url": "https://elsewhere.example.com/"}},
        {"config": {"url": "http://hooks.example.com:443/"}},
    ],
)
def test_a_secret_does_not_open_for_anything_else(altered: dict[str, Any]) -> None:
    public_keys, private_keys = generate_key_rings()
    bound: dict[str, Any] = {
        "organization_id": ORGANIZATION,
        "channel_public_id": uuid4(),
        "channel_type": ChannelType.WEBHOOK,
        "config": {"url": "https://hooks.example.com/a"},
    }
    sealed = seal_secrets(public_keys, {"secret": "hunter2"}, **bound)
    assert open_secrets(private_keys, sealed, **{**bound, "config": {"url": "https://hooks.example.com/b"}})
    with pytest.raises(SealBroken):
        open_secrets(private_keys, sealed, **{**bound, **altered})


def test_a_new_secret_takes_the_old_one_s_place_and_leaves_the_others() -> None:
    public_keys, private_keys = generate_key_rings()
    bound: dict[str, Any] = {
        "organization_id": 1,
        "channel_public_id": uuid4(),
        "channel_type": ChannelType.WEBHOOK,
        "config": {"url": "https://hooks.example.com/a"},
    }
    first = seal_secrets(public_keys, {"secret": "old", "headers": {"A": "b"}}, **bound)
    second = seal_secrets(public_keys, {"secret": "new", "previousSecret": "old"}, kept=first, **bound)
    assert open_secrets(private_keys, second, **bound) == {
        "secret": "new",
        "previousSecret": "old",
        "headers": {"A": "b"},
    }
    assert sealed_names(without_secrets(second, ["previousSecret"])) == {"secret", "headers"}
    assert without_secrets(first, ["secret", "headers"]) is None


@pytest.mark.parametrize(
    ("channel_type", "config", "fields"),
    [
        ("email", {}, [""]),
        ("email", {"recipients": []}, [""]),
        ("email", {"email": "a@b", "to": "x\r\ny"}, ["to"]),
        ("email", {"recipients": ["a@b", "x\r\nBcc: y@z"]}, ["recipients.1"]),
        ("email", {"recipients": [f"a{n}@example.com" for n in range(21)]}, ["recipients"]),
        ("webhook", {"url": "ftp://x/"}, ["url"]),
        ("webhook", {"url": "https://u:p@x/"}, ["url"]),
        ("webhook", {"url": "https://x/ y"}, ["url"]),
        ("webhook", {"url": "https://x:99999/"}, ["url"]),
        ("webhook", {"url": "https://x/", "headers": {"Host": "y"}}, ["headers"]),
        ("webhook", {"url": "https://x/", "headers": {"A": "b\r\nC: d"}}, ["headers"]),
        ("webhook", {"url": "https://x/", "secret": 5, "colour": "red"}, ["colour", "secret"]),
        ("webhook", {"url": "https://x/", "bodyTemplate": "{{x}}"}, ["bodyTemplate"]),
        ("slack", {}, ["secret"]),
        ("slack", {"secret": "https://hooks.slack.com.evil.example/services/T0/B0/x"}, ["secret"]),
        ("teams", {"secret": "https://169.254.169.254/workflows/1/triggers/x?sig=1"}, ["secret"]),
        ("pagerduty", {"region": "mars"}, ["region", "routingKey"]),
        ("telegram", {"botToken": "x", "chatId": True}, ["botToken", "chatId"]),
        ("ntfy", {"topic": "a/b"}, ["topic"]),
        ("pushover", {"apiToken": None, "userKey": None}, ["apiToken", "userKey"]),
        ("matrix", {"url": "https://m", "roomId": "no", "accessToken": "x"}, ["roomId"]),
    ],
)
def test_every_wrong_field_is_named_and_no_value_is_repeated(
    channel_type: str, config: dict[str, Any], fields: list[str]
) -> None:
    with pytest.raises(ConfigInvalid) as raised:
        checked_config(ChannelType(channel_type), config)
    assert fields_of(raised.value) == fields
    assert all(fault.detail for fault in raised.value.faults)


def test_who_writes_a_field_that_is_none_is_told_those_there_are() -> None:
    with pytest.raises(ConfigInvalid) as raised:
        checked_config(ChannelType.WEBHOOK, {"url": "https://x/", "colour": "red"})
    (fault,) = raised.value.faults
    assert "webhook has url, secret, previousSecret, headers, method, expectedStatusCodes" in fault.detail
    assert "retryDelay" not in fault.detail


def test_a_secret_that_is_stored_need_not_be_sent_again() -> None:
    config = checked_config(ChannelType.GOTIFY, {"url": "https://g"}, kept_secrets=["appToken"])
    assert split_secrets(ChannelType.GOTIFY, config) == ({"url": "https://g"}, {})


def test_secrets_follow_to_another_path_but_to_no_other_host() -> None:
    before, path, host = {"url": "https://a/x"}, {"url": "https://A:443/y"}, {"url": "https://b/x"}
    stored = ["secret"]
    assert secrets_to_send_again(ChannelType.WEBHOOK, before, path, stored=stored) == frozenset()
    assert secrets_to_send_again(ChannelType.WEBHOOK, before, host, stored=stored) == {"secret"}
    assert secrets_to_send_again(ChannelType.NTFY, {}, {"url": "https://ntfy.sh"}, stored=stored) == frozenset()


def test_mail_that_goes_through_what_is_watched_is_noticed() -> None:
    domains = mail_hosts(ChannelType.EMAIL, {"recipients": ["ops@Example.com", "b@example.org"]})
    assert domains == {"example.com", "example.org"}
    assert watched_mail_host(domains, ["mx.other.net", "IMAP.example.com."]) == "imap.example.com"
    assert watched_mail_host(domains, ["notexample.com", "com"]) is None
    assert mail_hosts(ChannelType.WEBHOOK, {"url": "https://x"}) == frozenset()
