"""The audit log: everything people do, with who and from where, without secrets; and nobody rewrites it."""

import json
from typing import Any

import asyncpg
import pytest

from services.api_gateway.audit.forgetting import forget_now
from shared.database.pool import GATEWAY_ROLE, NOTIFIER_ROLE, PIPELINE_ROLE, connect, organization_transaction
from tests.support.browsers import PASSWORD, browser, first_person, joined
from tests.support.kept_history import KeptHistory
from tests.support.waiting import until

AUDIT = "/api/audit"
MONITORS = "/api/imap-pop-monitors"
NOON = 1_772_107_200_000
SECRET = "Tr0ub4dor-and-3"


async def entries(api: Any, query: str = "") -> list[dict[str, Any]]:
    """The oldest first."""
    answer = await api.get(f"{AUDIT}?limit=200{query}")
    assert answer.status == 200, answer.text
    items: list[dict[str, Any]] = answer.body["items"]
    return items[::-1]


def told(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(each["action"], each["object"]["kind"]) for each in found]


async def test_a_change_is_kept_with_who_made_it_and_from_where(world: Any) -> None:
    monitor = await world.api.created(name="Before", checkInterval=30)
    answer = await world.api.call(
        "PATCH",
        f"{MONITORS}/{monitor['publicId']}",
        body={"name": "After", "checkInterval": 60},
        headers={"X-Request-Id": "the-request"},
    )
    assert answer.status == 200
    (created, changed) = await entries(world.api, f"&objectId={monitor['publicId']}")
    assert changed["changes"] == {
        "name": {"old": "Before", "new": "After"},
        "checkInterval": {"old": 30, "new": 60},
    }
    assert changed["actor"] == {"kind": "token", "id": changed["actor"]["id"], "name": "test"}
    assert (changed["address"], changed["requestId"]) == ("127.0.0.1", "the-request")
    assert changed["object"] == {"kind": "monitor", "id": monitor["publicId"], "name": "After"}
    assert (changed["action"], changed["customerId"]) == ("changed", 10)
    assert created["changes"]["hostname"] == {"old": None, "new": "mail.example.com"}
    assert created["changes"]["imapPopConfig.user"]["new"] == "monitor@example.com"


async def test_no_secret_is_kept_and_that_it_changed_is(world: Any) -> None:
    config = {"protocol": "imap", "user": "me", "password": SECRET, "tls": True, "apiKey": SECRET}
    monitor = await world.api.created(imapPopConfig={**config, "nested": {"authToken": SECRET, "kept": "shown"}})
    await world.api.patch(monitor, {"imapPopConfig": {**config, "password": f"{SECRET}-2"}})
    await world.api.post(
        "/api/notification-channels",
        {
            "name": "Hook",
            "type": "webhook",
            "config": {"url": "https://hooks.example.com/x", "secret": SECRET, "headers": {"X-Api-Key": SECRET}},
        },
    )
    found = await entries(world.api)
    assert SECRET not in json.dumps(found)
    (changed,) = [each for each in found if told([each]) == [("changed", "monitor")]]
    assert changed["changes"]["imapPopConfig.password"] == {"old": "********", "new": "********"}
    rows = await _all_rows(world)
    assert SECRET not in rows
    assert "mp_" not in rows.replace("mp_…", ""), "no token, and no hash of one"
    assert "shown" in rows


async def test_everything_people_do_is_there(world: Any) -> None:
    api = world.api
    location = await world.location("fra")
    customer = await world.customer("Another")
    await api.call("PATCH", f"/api/customers/{customer['publicId']}", body={"name": "Renamed"})
    monitor = await api.created()
    tag = (await api.post("/api/tags", {"name": "important"})).body
    await api.post("/api/monitor-tags", {"monitorType": "imap_pop", "monitorId": monitor["id"], "tagId": tag["id"]})
    await api.call("PATCH", "/api/package-configs/standard", body={"alertConsecutiveChecks": 5})
    window = await api.post(
        "/api/maintenance-windows",
        {
            "name": "Upgrade",
            "startTime": "2030-01-01T00:00:00Z",
            "endTime": "2030-01-01T01:00:00Z",
            "imapPopMonitorId": monitor["id"],
        },
    )
    assert window.status == 201, window.text
    await api.call("DELETE", f"/api/maintenance-windows/{window.body['id']}")
    channel = (
        await api.post("/api/notification-channels", {"name": "M", "type": "email", "config": {"email": "a@b.de"}})
    ).body
    await api.call("DELETE", f"/api/notification-channels/{channel['id']}")
    incident = await KeptHistory(world.pipeline).incident(monitor, NOON, opened_at=NOON)
    for action, body in (("acknowledge", None), ("notes", {"text": "Disk full."}), ("snooze", {"minutes": 5})):
        assert (await api.post(f"/api/incidents/{incident['public_id']}/{action}", body)).status == 200
    assert location is not None
    assert (await api.post(f"{MONITORS}/{monitor['publicId']}/trigger-check")).status == 200
    await api.call("DELETE", f"{MONITORS}/{monitor['publicId']}")
    found = await entries(api)
    by_tokens = [each for each in found if each["actor"]["kind"] == "token"]
    assert told(by_tokens) == [
        ("created", "customer"),
        ("changed", "customer"),
        ("created", "monitor"),
        ("created", "tag"),
        ("changed", "monitor"),
        ("changed", "package_config"),
        ("created", "maintenance_window"),
        ("changed", "maintenance_window"),
        ("deleted", "maintenance_window"),
        ("created", "notification_channel"),
        ("deleted", "notification_channel"),
        ("acknowledged", "incident"),
        ("annotated", "incident"),
        ("snoozed", "incident"),
        ("checked", "monitor"),
        ("deleted", "monitor"),
    ]
    assert by_tokens[4]["changes"] == {"tags": {"old": None, "new": ["important"]}}
    assert by_tokens[12]["changes"]["text"]["new"] == "Disk full."
    assert by_tokens[12]["object"]["id"] == str(incident["public_id"])
    assert ("created", "token") in told(found)


async def test_what_mailprobe_does_by_itself_is_no_entry(world: Any) -> None:
    monitor = await world.api.created()
    before = len(await entries(world.api))
    await world.as_pipeline(
        """INSERT INTO monitor_health (monitor_id, organization_id, health, since, last_checked_at)
           VALUES ($1, 1, 'up', 1, 1)""",
        monitor["id"],
    )
    await KeptHistory(world.pipeline).incident(monitor, NOON, opened_at=NOON)
    assert len(await entries(world.api)) == before


async def test_what_changes_nothing_and_what_is_refused_are_no_entries(world: Any) -> None:
    monitor = await world.api.created()
    before = await entries(world.api)
    await world.api.patch(monitor, {"name": monitor["name"]})
    await world.api.patch(monitor, {"name": ""})
    assert (await (await world.client("readonly", customer_id=10)).patch(monitor, {"name": "x"})).status == 403
    assert [each for each in await entries(world.api) if each["object"]["kind"] != "token"] == [
        each for each in before if each["object"]["kind"] != "token"
    ]


async def test_entries_are_found_by_actor_object_action_and_time_page_by_page(world: Any) -> None:
    monitor = await world.api.created(name="One")
    other = await world.client("user")
    for number in range(3):
        assert (await other.patch(monitor, {"name": f"Name {number}"})).status == 200
    changed = await entries(world.api, f"&objectKind=monitor&action=changed&objectId={monitor['publicId']}")
    assert [each["changes"]["name"]["new"] for each in changed] == ["Name 0", "Name 1", "Name 2"]
    actor = changed[0]["actor"]["id"]
    assert await entries(world.api, f"&actorKind=token&actorId={actor}") == changed
    assert await entries(world.api, f"&actorKind=user&actorId={actor}") == []
    assert await entries(world.api, "&since=2999-01-01T00:00:00Z") == []
    assert await entries(world.api, f"&until={changed[0]['at']}&action=changed") == []
    seen, cursor = [], ""
    for _ in range(20):
        page = (await world.api.get(f"{AUDIT}?limit=2{cursor}")).body
        seen += [each["id"] for each in page["items"]]
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert seen == [each["id"] for each in (await entries(world.api))[::-1]]
    for wrong in (
        "limit=0",
        "cursor=x",
        "since=yesterday",
        "until=2026-01-01T00:00:00",
        "actorKind=robot",
        "actorId=x",
    ):
        answer = await world.api.get(f"{AUDIT}?{wrong}")
        assert (answer.status, answer.pointers) == (400, [f"/{wrong.partition('=')[0]}"]), wrong


async def test_the_log_is_for_administrators_of_its_organization(world: Any) -> None:
    strangers = await world.another_organization()
    stranger = await world.client("admin", organization_id=strangers)
    monitor = await world.api.created()
    assert monitor["publicId"] not in json.dumps(await entries(stranger))
    for role in ("user", "readonly", "supporter"):
        assert (await (await world.client(role)).get(AUDIT)).status == 403, role
    assert (await (await world.client("admin", customer_id=10)).get(AUDIT)).status == 403
    assert (await world.api.by(None).get(AUDIT)).status == 401
    assert (await world.api.get(f"{AUDIT}?organizationId={strangers}")).status == 404


async def test_people_are_seen_to_come_and_go_and_to_be_refused(cheap_passwords: None, world: Any) -> None:
    gateway = await world.another_gateway(rate_limit_token=600, rate_limit_anonymous=600)
    owner = await first_person(world, gateway)
    guest = await joined(owner, "guest@example.com", role="user")
    assert (await guest.sign_in("guest@example.com", "not the password")).status == 401
    assert (await browser(gateway).sign_in("nobody@example.com", "not the password")).status == 401
    changed = {"currentPassword": PASSWORD, "newPassword": f"{PASSWORD} {SECRET}"}
    assert (await guest.patch("/api/session", changed)).status == 200
    assert (await guest.delete("/api/session")).status == 200

    async def refusal() -> list[dict[str, Any]]:
        answer = await owner.get(f"{AUDIT}?action=refused_sign_in")
        return list(answer.body["items"])

    refused = await until("the refusal is in the log", refusal)
    assert [(each["actor"]["kind"], each["object"]["name"], each["address"]) for each in refused] == [
        ("anybody", "guest@example.com", "127.0.0.1")
    ]
    found = (await owner.get(f"{AUDIT}?objectKind=user&limit=200")).body["items"][::-1]
    by_guest = [each["action"] for each in found if each["object"]["name"] == "guest@example.com"]
    assert by_guest[:2] == ["created", "invited"]
    assert {"changed", "signed_in", "signed_out", "refused_sign_in"} <= set(by_guest)
    (invited,) = [each for each in found if each["action"] == "invited"]
    assert (invited["actor"]["kind"], invited["actor"]["name"]) == ("user", "Olga Owner")
    signed_in = [each for each in found if each["action"] == "signed_in"]
    assert [each["actor"]["name"] for each in signed_in] == ["Olga Owner", "guest@example.com"]
    assert [each["address"] for each in signed_in] == ["127.0.0.1"] * 2
    rows = await _all_rows(world)
    assert SECRET not in rows
    assert "argon2" not in rows


async def test_a_guesser_fills_no_log(world: Any) -> None:
    async with organization_transaction(world.gateway_pool, 1) as connection:
        number = await connection.fetchval(
            "INSERT INTO users (organization_id, email, name, role) VALUES (1, 'a@b.de', 'A', 'admin') RETURNING id"
        )
        for _ in range(200):
            await connection.execute("SELECT audit_refused_sign_in($1, '192.0.2.1', 'r')", number)
        await connection.execute("SELECT audit_refused_sign_in(999, '192.0.2.1', 'r')")
    assert len(await entries(world.api, "&action=refused_sign_in")) == 30


REWRITES = (
    "UPDATE audit_log SET action = 'nothing'",
    "DELETE FROM audit_log",
    "TRUNCATE audit_log",
)
ADDITION = "INSERT INTO audit_log (organization_id, actor_kind, action, object_kind) VALUES (1, 'token', 'x', 'x')"


async def test_no_service_rewrites_it_or_adds_to_it(world: Any) -> None:
    await world.api.created()
    before = await _all_rows(world)
    for role in (GATEWAY_ROLE, PIPELINE_ROLE, NOTIFIER_ROLE):
        connection = await connect(world.dsn, role=role, application_name="test")
        try:
            await connection.execute("SELECT set_config('mailprobe.organization', '1', false)")
            for statement in (*REWRITES, ADDITION, "SELECT audit(1, 'x', 'x', 'x', 'x', 1, '{}')"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
        finally:
            await connection.close()
    assert await _all_rows(world) == before


async def test_the_owner_does_not_rewrite_it_either(world: Any) -> None:
    await world.api.created()
    before = await _all_rows(world)
    owner = await connect(world.dsn, role=None, application_name="test")
    try:
        for statement in REWRITES[:2]:
            await owner.execute(statement)  # of its own it sees nothing to change
            assert await _all_rows(world) == before
        # With that wall taken down, each row defends itself.
        await owner.execute("ALTER TABLE audit_log NO FORCE ROW LEVEL SECURITY")
        for statement in REWRITES:
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="thirty days"):
                await owner.execute(statement)
    finally:
        await owner.close()
    assert await _all_rows(world) == before


async def test_what_is_old_is_forgotten_and_nothing_younger_whatever_is_asked(world: Any) -> None:
    await world.api.created()
    found = await entries(world.api)
    assert await forget_now(world.gateway_pool, kept_days=0) == 0
    owner = await connect(world.dsn, role=None, application_name="test")
    try:
        await owner.execute("ALTER TABLE audit_log DISABLE TRIGGER audit_log_stays")
        await owner.execute("ALTER TABLE audit_log NO FORCE ROW LEVEL SECURITY")
        await owner.execute(
            "UPDATE audit_log SET at = now() - make_interval(days => CASE WHEN id = $1 THEN 40 ELSE 20 END)",
            found[0]["id"],
        )
        await owner.execute("ALTER TABLE audit_log ENABLE TRIGGER audit_log_stays")
        await owner.execute("ALTER TABLE audit_log FORCE ROW LEVEL SECURITY")
    finally:
        await owner.close()
    assert await forget_now(world.gateway_pool, kept_days=60) == 0
    assert await forget_now(world.gateway_pool, kept_days=31) == 1
    assert await forget_now(world.gateway_pool, kept_days=0) == 0
    assert len(await entries(world.api)) == len(found) - 1


async def _all_rows(world: Any) -> str:
    connection = await connect(world.dsn, role=None, application_name="test")
    try:
        await connection.execute("SET ROLE mailprobe_backup")
        rows = await connection.fetch("SELECT a::text AS row FROM audit_log a ORDER BY id")
        return "\n".join(row["row"] for row in rows)
    finally:
        await connection.close()
