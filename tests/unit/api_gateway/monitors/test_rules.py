"""What fields may be together, and what follows from changing them."""

from typing import Any
from uuid import UUID

import pytest

from services.api_gateway.monitors import rules
from services.api_gateway.monitors.config_model import ImapPopConfig
from services.api_gateway.monitors.description import Description
from services.api_gateway.monitors.handlers import read_new_monitor
from services.api_gateway.monitors.models import MonitorPatch, without_answer_fields
from services.api_gateway.problems import Problem
from services.api_gateway.reading import validated
from shared.checks.target import PasswordBinding, target_from_monitor
from shared.checks.vocabulary import MonitorStatus

FLOORS = rules.Floors(any_protocol=0.5, pop3=5.0)
BODY: dict[str, Any] = {"customerId": 10, "name": "n", "hostname": "mail.example.com"}


def pointers(**fields: Any) -> list[str]:
    with pytest.raises(Problem) as refused:
        read_new_monitor({**BODY, **fields}, floors=FLOORS)
    assert refused.value.status == 400
    return [fault.pointer for fault in refused.value.faults]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("name", [None, 1, "", " ", "x" * 256, "a\nb", ["n"]]),
        ("hostname", [None, 1, "", "http://x", "x/y", "x:1", "u@x", "127.1"]),
        ("port", ["993", 0, 65536, 1.5, True, [], {}]),
        ("status", ["off", None, 1, "ACTIVE", []]),
        ("checkInterval", ["30", True, None, 0, -1, 0.25, 30.1, 1440.5, []]),
        ("timeoutSeconds", ["30", True, None, 0, 61, 1.5]),
        ("allowedCheckCountryCodes", ["DE", 5, {}, ["DE"] * 251]),
        ("notificationEmail", ["", "x", 5, "a b@c", "a@b@c", "x" * 250 + "@b.example"]),
        ("notificationPhoneNumber", ["", 49, "x" * 51, "1\n2"]),
        ("imapPopConfig", [None, "imap", [], 5]),
    ],
)
def test_a_wrong_value_is_named_by_its_field(field: str, values: list[Any]) -> None:
    for value in values:
        assert pointers(**{field: value}) == [f"/{field}"], value


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("protocol", ["smtp", 5, True, "IMAP"]),
        ("user", ["", 5, "a\rb", "a\nb", "a\x00b", "x" * 1025]),
        ("password", ["", 5, "a\rb", "a\nb", "a\x00b", "x" * 4097]),
        ("mailbox", ["", "a\nb", 5]),
        ("authorizationId", ["a\rb", 5]),
        ("tls", ["true", 1, 0]),
        ("security", ["ssl", 5, True]),
        ("auth", ["ntlm", 5]),
        ("ipFamily", [4, 6, "5"]),
        ("certificateWarningDays", ["21", -1, True, 1.5]),
        ("warningMs", ["500", 0, True]),
        ("tlsOptions", ["x", [], True]),
    ],
)
def test_a_wrong_config_value_is_named_by_its_key(key: str, values: list[Any]) -> None:
    for value in values:
        assert pointers(imapPopConfig={key: value}) == [f"/imapPopConfig/{key}"], value


def test_wrong_tls_options_are_named_by_their_key() -> None:
    for value in ("yes", 1):
        assert pointers(imapPopConfig={"tlsOptions": {"rejectUnauthorized": value}}) == [
            "/imapPopConfig/tlsOptions/rejectUnauthorized"
        ]
    for name in ("a b", "127.1", "http://x"):
        assert pointers(imapPopConfig={"tlsOptions": {"servername": name}}) == ["/imapPopConfig/tlsOptions/servername"]


@pytest.mark.parametrize(
    ("tls", "security", "agree"),
    [
        (True, "tls", True),
        (True, "starttls", False),
        (True, "none", False),
        (False, "tls", False),
        (False, "starttls", True),
        (False, "none", True),
        (None, "starttls", True),
    ],
)
def test_tls_and_security_must_not_contradict(tls: bool | None, security: str, agree: bool) -> None:
    config = {"tls": tls, "security": security}
    if agree:
        read_new_monitor({**BODY, "imapPopConfig": config}, floors=FLOORS)
    else:
        assert pointers(imapPopConfig=config) == ["/imapPopConfig/security"]


def test_rules_over_several_fields_are_told_with_faults_of_others() -> None:
    found = pointers(
        name=1, checkInterval=1, timeoutSeconds=60, imapPopConfig={"protocol": "pop3", "password": "********"}
    )
    assert sorted(found) == ["/checkInterval", "/imapPopConfig/password", "/name"]
    found = pointers(
        hostname="a b", checkInterval=0.5, timeoutSeconds=60, imapPopConfig={"tls": True, "security": "none"}
    )
    assert sorted(found) == ["/hostname", "/imapPopConfig/security", "/timeoutSeconds"]


def test_known_keys_that_are_null_count_as_left_out_and_secrets_are_not_stored() -> None:
    config = {
        "user": None,
        "mailbox": None,
        "x": None,
        "password": "p",
        "passwordSet": True,
        "tlsOptions": {"servername": None},
    }
    sent = read_new_monitor({**BODY, "imapPopConfig": config}, floors=FLOORS)
    stored = sent.imap_pop_config.stored()
    assert stored == {"x": None, "tlsOptions": {}}
    target_from_monitor(hostname="h", port=None, timeout_seconds=30, config=stored, sealed_password=None)


def test_a_password_is_in_no_repr() -> None:
    sent = read_new_monitor({**BODY, "imapPopConfig": {"password": "M4rker"}}, floors=FLOORS)
    assert "M4rker" not in repr(sent) + str(sent)
    assert rules.sent_password(sent.imap_pop_config) == "M4rker"


def described(**changes: Any) -> Description:
    values: dict[str, Any] = {
        "customer_id": 10,
        "name": "n",
        "hostname": "mail.example.com",
        "port": None,
        "status": MonitorStatus.ACTIVE,
        "interval_ms": 1_800_000,
        "timeout_seconds": 30,
        "allowed_check_country_codes": None,
        "notification_email": None,
        "notification_phone_number": None,
        "config": {"user": "u", "tls": True},
        "sealed_password": "mp1.k.x",
        "credential_id": UUID(int=1),
        **changes,
    }
    return Description(**values)


def test_every_field_of_the_binding_asks_for_the_password_again() -> None:
    # Were a field added to the binding, its change would be noticed here without a word of ours.
    before = described().binding(1, UUID(int=7))
    for field in PasswordBinding._fields:
        after = before._replace(**{field: "other"})
        (fault,) = rules.moved_password_faults(before, after)
        assert fault.pointer == "/imapPopConfig/password"
    assert rules.moved_password_faults(before, before) == []


@pytest.mark.parametrize(
    ("change", "checked", "first"),
    [
        ({"name": "x"}, False, False),
        ({"notification_email": "a@b.example"}, False, False),
        ({"customer_id": 11}, False, False),
        ({"config": {"user": "u", "tls": True, "note": "x"}}, False, False),
        ({"config": {"user": "u", "security": "tls"}}, False, False),
        ({"port": 993}, False, False),
        ({"timeout_seconds": 10}, True, False),
        ({"interval_ms": 60_000}, True, False),
        ({"allowed_check_country_codes": ("DE",)}, True, False),
        ({"status": MonitorStatus.MAINTENANCE}, True, False),
        ({"status": MonitorStatus.DISABLED}, True, False),
        ({"hostname": "b.example.com"}, True, True),
        ({"sealed_password": "mp1.k.y"}, True, True),
        ({"sealed_password": None, "credential_id": None}, True, True),
        ({"config": {"user": "u", "tls": True, "mailbox": "Archive"}}, True, True),
    ],
)
def test_what_changes_the_check_and_what_cannot_wait(change: dict[str, Any], checked: bool, first: bool) -> None:
    before, after = described(), described(**change)
    assert rules.changes_check(before, after) is checked
    assert rules.wants_first_check(before, after) is first


def test_a_resumed_monitor_cannot_wait() -> None:
    assert rules.wants_first_check(described(status=MonitorStatus.DISABLED), described())
    assert rules.wants_first_check(None, described())
    assert not rules.wants_first_check(None, described(status=MonitorStatus.DISABLED))


def test_answer_fields_are_ignored_and_config_is_another_name() -> None:
    body = {"id": 5, "health": {"x": 1}, "warnings": [], "config": {"tls": True}, "name": "n"}
    assert without_answer_fields(body) == {"name": "n", "imapPopConfig": {"tls": True}}


def test_only_what_was_sent_is_changed() -> None:
    sent, faults = validated(MonitorPatch, {"name": "x"})
    assert faults == []
    assert sent is not None
    before = described(config={"user": "u"}, port=1143)
    after = rules.changed(before, sent, customer_id=10)
    assert (after.name, after.config, after.port, after.sealed_password) == ("x", {"user": "u"}, 1143, "mp1.k.x")


def test_the_mask_keeps_and_null_removes() -> None:
    keep, _ = validated(ImapPopConfig, {"password": "********"})
    remove, _ = validated(ImapPopConfig, {"password": None})
    absent, _ = validated(ImapPopConfig, {})
    assert [rules.sent_password(config) for config in (keep, remove, absent, None)] == [None] * 4
    assert [rules.removes_password(config) for config in (keep, remove, absent, None)] == [False, True, False, False]
