"""Changing and removing monitors: what is replaced, what is kept, and what becomes of the password."""

import asyncio
from typing import Any

MONITORS = "/api/imap-pop-monitors"
MASK = "********"


async def test_what_get_answers_can_be_sent_back_and_changes_nothing(world: Any) -> None:
    made = await world.api.created(imapPopConfig={"user": "u", "password": "secret", "tls": True, "x": {"y": 1}})
    shown = await world.api.shown(made)
    answer = await world.api.patch(made, shown)
    assert answer.status == 200
    assert answer.body == {key: value for key, value in shown.items() if key != "customer"}
    assert await world.revision(made) == 1
    assert await world.opened_password(made) == b"secret"
    listed = (await world.api.get(MONITORS)).body["items"][0]
    assert (await world.api.patch(made, listed)).status == 200


async def test_other_unknown_fields_are_refused(api: Any) -> None:
    made = await api.created()
    answer = await api.patch(made, {"colour": "red", "createdAt": "never"})
    assert (answer.status, answer.pointers) == (400, ["/colour"])


async def test_a_password_is_echoed_by_the_request_that_carried_it_and_masked_ever_after(api: Any) -> None:
    made = await api.created()
    assert made["config"]["password"] == made["imapPopConfig"]["password"] == "password"
    config = {"protocol": "imap", "user": "monitor@example.com", "tls": True}
    masked = {**config, "password": MASK, "passwordSet": True}
    shown = await api.shown(made)
    assert shown["config"] == shown["imapPopConfig"] == masked
    assert (await api.get(MONITORS)).body["items"][0]["config"] == masked
    assert (await api.patch(made, {"name": "x"})).body["config"] == masked
    changed = await api.patch(made, {"imapPopConfig": {**config, "password": "new"}})
    assert changed.body["config"] == {**config, "password": "new"}
    assert (await api.shown(made))["config"] == masked


async def test_the_mask_and_a_config_without_password_keep_the_stored_one(world: Any) -> None:
    made = await world.api.created()
    config = {"protocol": "imap", "user": "monitor@example.com", "tls": True}
    for kept in ({**config, "password": MASK, "passwordSet": True}, config):
        answer = await world.api.patch(made, {"imapPopConfig": kept})
        assert answer.body["imapPopConfig"]["password"] == MASK
        assert await world.opened_password(made) == b"password"
    assert await world.revision(made) == 1


async def test_null_removes_the_password(world: Any) -> None:
    made = await world.api.created()
    answer = await world.api.patch(
        made, {"imapPopConfig": {"user": "monitor@example.com", "tls": True, "password": None}}
    )
    assert answer.body["config"] == {"user": "monitor@example.com", "tls": True}
    assert await world.revision(made) == 2
    rows = await world.pipeline.fetch("SELECT sealed_password, credential_id FROM monitors")
    assert [tuple(row) for row in rows] == [(None, None)]
    answer = await world.api.patch(made, {"imapPopConfig": {"user": "u", "password": MASK}})
    assert (answer.status, answer.pointers) == (400, ["/imapPopConfig/password"])


async def test_whatever_the_password_is_bound_to_asks_for_it_again(world: Any) -> None:
    config = {"protocol": "imap", "user": "monitor@example.com", "tls": True}
    made = await world.api.created()
    for moved in (
        {"hostname": "evil.example.com"},
        {"port": 994},
        {"imapPopConfig": {**config, "protocol": "pop3"}},
        {"imapPopConfig": {**config, "user": "someone.else"}},
        {"imapPopConfig": {"protocol": "imap", "user": "monitor@example.com"}},
        {"imapPopConfig": {**config, "password": MASK, "user": "v"}},
        {"imapPopConfig": {**config, "tls": False, "security": "starttls"}},
        {"imapPopConfig": {**config, "tlsOptions": {"rejectUnauthorized": False}}},
        {"imapPopConfig": {**config, "tlsOptions": {"servername": "other.example.com"}}},
        {"config": {**config, "user": "v"}},
    ):
        answer = await world.api.patch(made, moved)
        assert answer.status == 400, moved
        assert answer.pointers == ["/config/password" if "config" in moved else "/imapPopConfig/password"], moved
    assert await world.opened_password(made) == b"password"
    moved = {"hostname": "new.example.com", "imapPopConfig": {**config, "password": "again"}}
    assert (await world.api.patch(made, moved)).status == 200
    assert await world.opened_password(made) == b"again"


async def test_what_the_password_is_not_bound_to_may_change_without_it(world: Any) -> None:
    made = await world.api.created(port=None)
    config = {
        "protocol": "imap",
        "user": "monitor@example.com",
        "security": "tls",
        "mailbox": "Archive",
        "warningMs": 500,
    }
    for same in ({"port": 993}, {"port": None}, {"hostname": "MAIL.example.com."}, {"imapPopConfig": config}):
        assert (await world.api.patch(made, same)).status == 200, same
    assert await world.opened_password(made) == b"password"


async def test_a_monitor_without_a_password_may_move_freely(api: Any) -> None:
    made = await api.created(imapPopConfig={})
    assert (await api.patch(made, {"hostname": "other.example.com", "port": None})).status == 200


async def test_a_sent_config_replaces_the_stored_one(api: Any) -> None:
    made = await api.created(imapPopConfig={"protocol": "imap", "tls": True, "a": 1, "b": {"c": 2}})
    answer = await api.patch(made, {"config": {"tls": True, "d": 3}})
    assert answer.body["config"] == answer.body["imapPopConfig"] == {"tls": True, "d": 3}


async def test_the_revision_rises_only_with_what_is_checked(world: Any) -> None:
    made = await world.api.created()
    other = await world.customer()
    for unchecked in (
        {"name": "x"},
        {"notificationEmail": "a@b.example"},
        {"notificationPhoneNumber": "+49 1"},
        {"customerId": other["id"]},
    ):
        assert (await world.api.patch(made, unchecked)).status == 200
    assert await world.revision(made) == 1
    for expected, checked in enumerate(
        ({"checkInterval": 5}, {"timeoutSeconds": 10}, {"status": "maintenance"}, {"allowedCheckCountryCodes": ["DE"]}),
        2,
    ):
        assert (await world.api.patch(made, checked)).status == 200
        assert await world.revision(made) == expected
    assert (await world.api.patch(made, {"status": "maintenance"})).status == 200
    assert await world.revision(made) == 5


async def test_the_scheduler_is_told_of_what_concerns_it(world: Any) -> None:
    heard: list[str] = []
    async with world.pipeline.acquire() as connection:
        await connection.add_listener("mailprobe_monitors", lambda *said: heard.append(said[3]))
        made = await world.api.created()
        await world.api.patch(made, {"name": "x"})
        await world.api.patch(made, {"checkInterval": 5})
        await world.api.call("DELETE", f"{MONITORS}/{made['publicId']}")

        async def heard_all() -> bool:
            return len(heard) >= 3

        await world.until(heard_all)
        assert heard == [str(made["id"])] * 3
        await connection.reset()


async def test_a_resumed_or_moved_monitor_is_checked_at_once_and_a_renamed_one_is_not(world: Any) -> None:
    await world.location("fra")
    made = await world.api.created(status="disabled")
    await world.api.patch(made, {"name": "renamed"})
    assert await world.requests() == []
    await world.api.patch(made, {"status": "active"})
    assert [row["kind"] for row in await world.requests()] == ["first"]
    await world.pipeline.execute("UPDATE check_requests SET state = 'finished'")
    await world.api.patch(made, {"checkInterval": 5})
    await world.api.patch(made, {"status": "maintenance"})
    assert len(await world.requests()) == 1
    await world.api.patch(
        made, {"hostname": "b.example.com", "imapPopConfig": {"user": "u", "password": "p", "tls": True}}
    )
    assert len(await world.requests()) == 2
    await world.api.patch(made, {"imapPopConfig": {"user": "u", "password": "q", "tls": True}})
    assert len(await world.requests()) == 2  # asked twice while it still waits is asked once


async def test_times_are_judged_with_what_is_stored(api: Any) -> None:
    made = await api.created(checkInterval=1, timeoutSeconds=60)
    assert (await api.patch(made, {"checkInterval": 0.5})).pointers == ["/timeoutSeconds"]
    assert (await api.patch(made, {"checkInterval": 0.5, "timeoutSeconds": 20})).status == 200
    config = {"protocol": "pop3", "user": "u", "password": "p", "tls": True}
    assert (await api.patch(made, {"imapPopConfig": config})).pointers == ["/checkInterval"]
    assert (await api.patch(made, {"imapPopConfig": config, "checkInterval": 5})).status == 200
    wrong = await api.patch(made, {"timeoutSeconds": 61, "checkInterval": 0.5, "name": 1})
    assert sorted(wrong.pointers) == ["/checkInterval", "/name", "/timeoutSeconds"]


async def test_a_raised_floor_does_not_stand_in_the_way_of_a_new_name(world: Any) -> None:
    made = await world.api.created(checkInterval=1)
    raised = await world.another_gateway(check_interval_floor_minutes=10.0)
    assert (await raised.patch(made, {"name": "x"})).status == 200
    assert (await raised.patch(made, {"checkInterval": 2})).status == 400


async def test_changes_at_once_are_all_kept(world: Any) -> None:
    made = await world.api.created()
    fields = ({"name": "x"}, {"timeoutSeconds": 11}, {"checkInterval": 7}, {"notificationEmail": "a@b.example"})
    answers = await asyncio.gather(*(world.api.patch(made, change) for change in fields))
    assert {answer.status for answer in answers} == {200}
    shown = await world.api.shown(made)
    assert {key: shown[key] for change in fields for key in change} == {
        k: v for change in fields for k, v in change.items()
    }
    assert await world.revision(made) == 3


async def test_a_refused_change_changes_nothing(api: Any) -> None:
    made = await api.created()
    before = await api.shown(made)
    await api.patch(made, {"name": "x", "port": 0})
    await api.patch(made, {"name": "x", "customerId": 4711})
    assert await api.shown(made) == before


async def test_a_deleted_monitor_is_gone_with_its_password(world: Any) -> None:
    made = await world.api.created()
    answer = await world.api.call("DELETE", f"{MONITORS}/{made['publicId']}")
    assert (answer.status, answer.body) == (200, {"success": True})
    assert (await world.api.get(f"{MONITORS}/{made['publicId']}")).status == 404
    assert await world.pipeline.fetchval("SELECT count(*) FROM monitors") == 0


async def test_a_monitor_with_health_can_be_deleted(world: Any) -> None:
    made = await world.api.created()
    await world.pipeline.execute(
        "INSERT INTO monitor_health (monitor_id, organization_id, health, since, last_checked_at)"
        " VALUES ($1, 1, 'up', 1, 1)",
        made["id"],
    )
    assert (await world.api.call("DELETE", f"{MONITORS}/{made['publicId']}")).status == 200
    assert await world.pipeline.fetchval("SELECT count(*) FROM monitor_health") == 0
