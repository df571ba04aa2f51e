"""Creating monitors: the documented request and answer, and what is kept of it."""

import base64
import json
import re
from typing import Any
from urllib.parse import quote

import pytest

CURL_BODY = """{
    "customerId": "11111111-1111-4111-8111-111111111111",
    "name": "Mailbox Access",
    "hostname": "mail.example.com",
    "port": 993,
    "status": "active",
    "checkInterval": 30,
    "timeoutSeconds": 30,
    "imapPopConfig": { "protocol": "imap", "user": "monitor@example.com", "password": "password", "tls": true }
  }"""

DOCUMENTED_ANSWER = {
    "organizationId": 1,
    "customerId": 10,
    "name": "Mailbox Access",
    "hostname": "mail.example.com",
    "port": 993,
    "checkInterval": 30,
    "timeoutSeconds": 30,
    "status": "active",
    "notificationPhoneNumber": None,
    "notificationEmail": None,
    "lastCheckedAt": None,
    "config": {"protocol": "imap", "user": "monitor@example.com", "password": "password", "tls": True},
    "imapPopConfig": {"protocol": "imap", "user": "monitor@example.com", "password": "password", "tls": True},
}


async def test_the_documented_curl_makes_the_documented_answer(api: Any) -> None:
    answer = await api.call("POST", "/api/imap-pop-monitors", raw=CURL_BODY.encode())
    assert answer.status == 201
    body = answer.body
    assert {key: body[key] for key in DOCUMENTED_ANSWER} == DOCUMENTED_ANSWER
    assert isinstance(body["id"], int)
    for moment in ("createdAt", "updatedAt"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body[moment])
    assert answer.headers["Location"] == f"/api/imap-pop-monitors/{body['publicId']}"
    assert '"checkInterval":30,' in answer.text
    assert body["health"] == "unknown"
    assert body["healthSince"] is None
    assert body["warnings"] == []


async def test_the_location_of_a_new_monitor_leads_to_it(api: Any) -> None:
    made = await api.post("/api/imap-pop-monitors", json.loads(CURL_BODY))
    shown = await api.get(made.headers["Location"])
    assert shown.body["publicId"] == made.body["publicId"]


async def test_a_customer_may_be_named_by_number(api: Any) -> None:
    assert (await api.created(customerId=10))["customerId"] == 10


@pytest.mark.parametrize(
    "identifier", ["abc", "10", "", -1, 0, 1.5, True, [], {}, None, "{11111111-1111-4111-8111-111111111111}"]
)
async def test_a_malformed_customer_is_refused_with_the_documented_text(api: Any, identifier: Any) -> None:
    from_body = json.loads(CURL_BODY)
    answer = await api.post("/api/imap-pop-monitors", {**from_body, "customerId": identifier})
    assert (answer.status, answer.body["message"]) == (400, "Invalid Customer identifier")
    assert answer.pointers == ["/customerId"]


async def test_an_unknown_customer_is_not_found(api: Any) -> None:
    for unknown in (4711, "22222222-2222-4222-8222-222222222222"):
        answer = await api.post("/api/imap-pop-monitors", {**json.loads(CURL_BODY), "customerId": unknown})
        assert (answer.status, answer.body["message"]) == (404, "Customer not found")


async def test_another_organizations_customer_is_not_found(world: Any) -> None:
    other = await world.customer(organization_id=await world.another_organization())
    for identifier in (other["id"], other["publicId"]):
        answer = await world.api.post("/api/imap-pop-monitors", {**json.loads(CURL_BODY), "customerId": identifier})
        assert (answer.status, answer.body["message"]) == (404, "Customer not found")


async def test_only_the_required_fields_are_needed(api: Any) -> None:
    made = await api.post("/api/imap-pop-monitors", {"customerId": 10, "name": "n", "hostname": "mail.example.com"})
    assert made.status == 201
    assert (made.body["port"], made.body["checkInterval"], made.body["timeoutSeconds"]) == (None, 30, 30)
    assert (made.body["status"], made.body["config"]) == ("active", {})


@pytest.mark.parametrize(
    ("sent", "kept"), [("paused", "disabled"), ("inactive", "disabled"), ("maintenance", "maintenance")]
)
async def test_statuses_are_normalised(api: Any, sent: str, kept: str) -> None:
    assert (await api.created(status=sent))["status"] == kept


async def test_half_minutes_are_kept_and_whole_ones_stay_whole(api: Any) -> None:
    assert (await api.created(checkInterval=0.5, timeoutSeconds=30))["checkInterval"] == 0.5
    answer = await api.post("/api/imap-pop-monitors", {**json.loads(CURL_BODY), "checkInterval": 5.0})
    assert '"checkInterval":5,' in answer.text


async def test_an_international_name_is_kept_as_a_label(api: Any) -> None:
    assert (await api.created(hostname="Bücher.example"))["hostname"] == "xn--bcher-kva.example"


async def test_country_codes_are_normalised(api: Any) -> None:
    assert (await api.created(allowedCheckCountryCodes=["de", "DE", "fr"]))["allowedCheckCountryCodes"] == ["DE", "FR"]
    assert (await api.created(allowedCheckCountryCodes=[]))["allowedCheckCountryCodes"] is None


async def test_unknown_config_keys_are_kept(api: Any) -> None:
    config = {
        "protocol": "imap",
        "tls": True,
        "colour": {"deep": [1, None, "ü"]},
        "tlsOptions": {"minVersion": "TLSv1.2"},
    }
    made = await api.created(imapPopConfig=config)
    assert made["imapPopConfig"] == config
    assert (await api.shown(made))["config"] == config


async def test_the_mask_is_no_password_for_a_new_monitor(api: Any) -> None:
    body = {**json.loads(CURL_BODY), "imapPopConfig": {"password": "********"}}
    answer = await api.post("/api/imap-pop-monitors", body)
    assert (answer.status, answer.pointers) == (400, ["/imapPopConfig/password"])


async def test_a_password_sent_in_clear_is_accepted_with_a_warning(api: Any) -> None:
    made = await api.created(port=None, imapPopConfig={"user": "u", "password": "p", "security": "none"})
    assert [warning["code"] for warning in made["warnings"]] == ["plaintext_password"]


async def test_a_blocked_target_is_accepted_with_a_warning_naming_setting_and_network(world: Any) -> None:
    made = await world.api.created(hostname="127.0.0.1")
    (warning,) = made["warnings"]
    assert "MAILPROBE_ALLOWED_PRIVATE_NETWORKS" in warning["text"]
    assert "127.0.0.1/32" in warning["text"]


async def test_first_checks_are_asked_of_every_eligible_location(world: Any) -> None:
    fra, ams = await world.location("fra", country="DE"), await world.location("ams", country="NL")
    await world.location("pop", protocol="pop3")
    await world.location("gone", age_ms=600_000)
    made = await world.api.created()
    asked = await world.requests()
    assert [(row["kind"], row["location_id"], row["state"]) for row in asked] == [
        ("first", fra, "waiting"),
        ("first", ams, "waiting"),
    ]
    assert {row["monitor_id"] for row in asked} == {made["id"]}
    assert {row["give_up_at"] - row["start_at"] for row in asked} == {300_000}
    await world.api.created(allowedCheckCountryCodes=["NL"])
    assert [row["location_id"] for row in (await world.requests())] == [fra, ams, ams]


async def test_a_disabled_monitor_is_not_checked_at_first(world: Any) -> None:
    await world.location("fra")
    await world.api.created(status="disabled")
    assert await world.requests() == []


async def test_the_password_is_sealed_to_its_target(world: Any) -> None:
    secret = 'p"\\{3} %ü€'
    made = await world.api.created(imapPopConfig={"user": "u", "password": secret, "tls": True})
    assert made["imapPopConfig"]["password"] == secret
    assert await world.opened_password(made) == secret.encode()


async def test_a_marker_password_is_nowhere_in_the_database_in_clear(world: Any) -> None:
    marker = "M4rker/ünd+pass word"
    await world.location("fra")
    made = await world.api.created(imapPopConfig={"user": "u", "password": marker, "tls": True})
    await world.api.patch(made, {"hostname": "other.example.com", "config": {"user": "v", "password": marker}})
    forms = {marker, json.dumps(marker)[1:-1], quote(marker), quote(marker, safe="")}
    forms |= {base64.b64encode(marker.encode()).decode(), base64.b64encode(b"\x00u\x00" + marker.encode()).decode()}
    tables = await world.as_owner("SELECT tablename FROM pg_tables WHERE schemaname = 'mailprobe'")
    # The owner sees no tenant's rows (row-level security is forced on it): look as the pipeline and as the gateway.
    looked_at = set()
    for pool, act_for in ((world.pipeline, False), (world.gateway_pool, True)):
        for (table,) in tables:
            async with pool.acquire() as connection, connection.transaction():
                if act_for:
                    await connection.execute("SELECT set_config('mailprobe.organization', '1', true)")
                allowed = await connection.fetchval("SELECT has_table_privilege($1, 'SELECT')", f"mailprobe.{table}")
                if not allowed:
                    continue
                rows = await connection.fetch(f'SELECT t::text AS row FROM "{table}" t')
                looked_at |= {table} if rows else set()
                for row in rows:
                    assert not [form for form in forms if form in row["row"]], table
    assert {"monitors", "check_requests", "tokens"} <= looked_at
