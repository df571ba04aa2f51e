"""Settings: what the environment says, and what people are told when it is wrong."""

import json
from ipaddress import ip_network
from pathlib import Path

import pytest

from shared.runtime.settings import (
    PREFIX,
    ApiSettings,
    GatewaySettings,
    NotifierSettings,
    PaceSettings,
    ProbingSettings,
    RecorderSettings,
    SchedulerSettings,
    Settings,
    SettingsError,
    StandaloneSettings,
    WorkerSettings,
)
from shared.runtime.settings_errors import variable_name

DATABASE = "postgresql://u:hunter2@db/mailprobe"
AMQP = "amqp://u:hunter2@rabbit/mailprobe"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("MAILPROBE_") or name in {"DATABASE_URL", "AMQP_URL"}:
            monkeypatch.delenv(name)


def faults(settings: type, **given: object) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        settings.load(**given)  # type: ignore[attr-defined]
    return caught.value.faults


def test_reads_each_variable_by_its_documented_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AMQP_URL": AMQP,
        "PRIVATE_KEYS": "{}",
        "LOCATION_CODE": "eu-fra1",
        "LOCATION_NAME": "Frankfurt",
        "COUNTRY_CODE": "de",
        "WORKER_CAPACITY": "17",
        "MAX_HANDSHAKES": "3",
        "ALLOWED_PRIVATE_NETWORKS": "10.0.0.0/8, fd00::/8",
        "DNS_SERVERS": "9.9.9.9, [2620:fe::fe]:5353",
        "CANARY_TARGETS": "mail.example.org:993, 9.9.9.9:53, [2620:fe::fe]:53",
        "PRESENCE_SECONDS": "2.5",
        "ADMIN_PORT": "9100",
        "LOG_LEVEL": "DEBUG",
    }.items():
        monkeypatch.setenv(f"MAILPROBE_{name}", value)
    settings = WorkerSettings.load()
    assert settings.amqp_url.get_secret_value() == AMQP
    assert settings.location_code == "eu-fra1"
    assert settings.shown_location == "Frankfurt"
    assert settings.country_code == "DE"
    assert settings.worker_capacity == 17
    assert settings.max_handshakes == 3
    assert settings.allowed_private_networks == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert settings.dns_servers == ("9.9.9.9", "[2620:fe::fe]:5353")
    assert settings.canary_targets == ("mail.example.org:993", "9.9.9.9:53", "[2620:fe::fe]:53")
    assert settings.presence_seconds == 2.5
    assert settings.admin_port == 9100
    assert settings.log_level == "debug"


def test_defaults_are_the_documented_ones() -> None:
    settings = GatewaySettings.load(database_url=DATABASE, amqp_url=AMQP, public_keys="{}", channel_public_keys="{}")
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert (settings.rate_limit_anonymous, settings.rate_limit_token) == (100, 600)
    assert (settings.check_interval_floor_minutes, settings.pop3_interval_floor_minutes) == (0.5, 5)
    pace = SchedulerSettings.load(database_url=DATABASE, amqp_url=AMQP)
    assert (pace.host_logins_per_second, pace.host_in_flight) == (5, 10)
    place = ProbingSettings.load()
    assert (place.location_code, place.shown_location, place.worker_capacity) == ("default", "default", 200)


def test_accepts_the_customary_names_of_the_two_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", DATABASE)
    monkeypatch.setenv("AMQP_URL", AMQP)
    settings = RecorderSettings.load()
    assert settings.database_url.get_secret_value() == DATABASE
    assert settings.amqp_url.get_secret_value() == AMQP


def test_every_missing_variable_is_named_in_a_sentence_of_its_own() -> None:
    told = faults(GatewaySettings)
    assert len(told) == 4
    for name in (
        "MAILPROBE_DATABASE_URL",
        "MAILPROBE_AMQP_URL",
        "MAILPROBE_PUBLIC_KEYS",
        "MAILPROBE_CHANNEL_PUBLIC_KEYS",
    ):
        assert sum(sentence.startswith(f"{name} is not set") for sentence in told) == 1


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("PORT", "abc", "integer"),
        ("PORT", "70000", "65535"),
        ("LOCATION_CODE", "Frankfurt/M", "small letters"),
        ("LOCATION_CODE", "ends-with-newline\n", "small letters"),
        ("COUNTRY_CODE", "GER", "two letters"),
        ("ALLOWED_PRIVATE_NETWORKS", "127.0.0.1/8", "host bits"),
        ("DNS_SERVERS", "resolver.example", "address"),
        ("CHECK_INTERVAL_FLOOR_MINUTES", "0.7", "multiple"),
        ("CA_FILE", "/no/such/file.pem", "no file"),
        ("CA_FILE", __file__, "holds no certificate in PEM form"),
        ("LOG_FORMAT", "xml", "json"),
        ("RATE_LIMIT_TOKEN", "0", "greater"),
    ],
)
def test_a_wrong_value_is_told_once_by_the_variable_s_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, word: str
) -> None:
    monkeypatch.setenv(f"MAILPROBE_{name}", value)
    (sentence,) = faults(StandaloneSettings)
    assert sentence.startswith(f"MAILPROBE_{name} is wrong: ")
    assert word in sentence


def test_a_wrong_secret_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILPROBE_DATABASE_URL", "mysql://u:hunter2@db/x")
    monkeypatch.setenv("MAILPROBE_AMQP_URL", "hunter2")
    told = faults(RecorderSettings)
    assert len(told) == 2
    assert "hunter2" not in " ".join(told)


def test_settings_do_not_print_their_secrets() -> None:
    settings = RecorderSettings.load(database_url=DATABASE, amqp_url=AMQP)
    assert "hunter2" not in repr(settings) + str(settings) + settings.model_dump_json()


def test_a_secret_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ring = {"keys": [1]}
    (tmp_path / "ring").write_text(json.dumps(ring) + "\n")
    (tmp_path / "amqp").write_text(AMQP + "\n")
    monkeypatch.setenv("MAILPROBE_PRIVATE_KEYS_FILE", str(tmp_path / "ring"))
    monkeypatch.setenv("AMQP_URL_FILE", str(tmp_path / "amqp"))
    settings = WorkerSettings.load()
    assert json.loads(settings.private_keys.get_secret_value()) == ring
    assert settings.amqp_url.get_secret_value() == AMQP


def test_a_secret_s_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MAILPROBE_AMQP_URL_FILE", str(tmp_path / "missing"))
    (sentence,) = faults(RecorderSettings, database_url=DATABASE)
    assert "MAILPROBE_AMQP_URL_FILE" in sentence
    assert "No such file" in sentence


def test_a_secret_given_both_ways_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "amqp").write_text(AMQP)
    monkeypatch.setenv("MAILPROBE_AMQP_URL", AMQP)
    monkeypatch.setenv("MAILPROBE_AMQP_URL_FILE", str(tmp_path / "amqp"))
    (sentence,) = faults(RecorderSettings, database_url=DATABASE)
    assert "both set" in sentence


def test_policies_can_be_required_only_where_they_can_be_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILPROBE_POLICIES_REQUIRED", "true")
    (sentence,) = faults(RecorderSettings, database_url=DATABASE, amqp_url=AMQP)
    assert sentence.startswith("MAILPROBE_POLICIES_REQUIRED needs MAILPROBE_MANAGEMENT_URL")
    monkeypatch.setenv("MAILPROBE_MANAGEMENT_URL", "http://u:hunter2@rabbit:15672")
    assert RecorderSettings.load(database_url=DATABASE, amqp_url=AMQP).policies_required


def test_a_service_within_standalone_gets_the_part_of_its_settings_that_is_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MAILPROBE_PORT", "8123")
    monkeypatch.setenv("MAILPROBE_HOST_IN_FLIGHT", "4")
    standalone = StandaloneSettings.load()
    parts: tuple[ApiSettings, PaceSettings, ProbingSettings] = (standalone, standalone, standalone)
    assert (parts[0].port, parts[1].host_in_flight, parts[2].worker_capacity) == (8123, 4, 200)
    with pytest.raises(ValueError, match="frozen"):
        standalone.port = 1


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"smtp_url": "http://x", "mail_from": "a@b.example"}, "MAILPROBE_SMTP_URL"),
        ({"smtp_url": "smtp://", "mail_from": "a@b.example"}, "MAILPROBE_SMTP_URL"),
        ({"smtp_url": "smtps://u:hunter2@h:465"}, "MAILPROBE_MAIL_FROM"),
        ({"smtp_url": "smtp://h", "mail_from": "a@b\r\nBcc: c@d"}, "MAILPROBE_MAIL_FROM"),
        ({"operators_channel": "hunter2"}, "MAILPROBE_OPERATORS_CHANNEL"),
        ({"operators_channel": "mailto:a@b.example"}, "MAILPROBE_SMTP_URL"),
        ({"dead_mans_url": "hc-ping.com/hunter2"}, "MAILPROBE_DEAD_MANS_URL"),
        ({"public_url": "mailprobe.example.com"}, "MAILPROBE_PUBLIC_URL"),
    ],
)
def test_ways_to_tell_that_cannot_work_are_said_by_name_and_not_repeated(given: dict[str, str], word: str) -> None:
    told = " ".join(faults(NotifierSettings, database_url=DATABASE, channel_private_keys="{}", **given))
    assert word in told
    assert "hunter2" not in told


def test_workers_know_no_database_address() -> None:
    assert "database_url" not in WorkerSettings.model_fields


@pytest.mark.parametrize("target", ["mail.example.org", ":53", "http://x:80", "a b:1", "h:0", "h:65536", "::1:53"])
def test_a_canary_is_a_host_and_a_port(target: str) -> None:
    assert "MAILPROBE_CANARY_TARGETS" in " ".join(faults(ProbingSettings, canary_targets=(target,)))


@pytest.mark.parametrize(
    "service",
    [GatewaySettings, SchedulerSettings, WorkerSettings, RecorderSettings, NotifierSettings, StandaloneSettings],
)
def test_every_setting_is_in_the_architecture_document(service: type[Settings]) -> None:
    document = (Path(__file__).parents[3] / "ARCHITECTURE.md").read_text()
    section = document.partition("## Settings")[2].partition("\n## ")[0]
    names = (variable_name(name, field, PREFIX).removeprefix(PREFIX) for name, field in service.model_fields.items())
    assert [name for name in names if f"`{name}`" not in section] == []
