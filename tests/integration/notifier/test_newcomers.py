"""Monitors that fail and have never passed: one message to whoever made them, and nobody is woken."""

import json
from typing import Any

import pytest

from services.notifier import newcomer_store
from shared.database.pool import Connection
from shared.notifications.channel_models import ChannelType
from shared.runtime import metrics
from tests.support.notifier_desk import MINUTE, NotifierDesk
from tests.support.receivers import Mailbox, Receiver

ACTOR = {"kind": "user", "id": 7, "name": "Ada", "address": "127.0.0.1", "requestId": None}


async def make_person(desk: NotifierDesk, *, disabled: bool = False) -> None:
    await desk.as_gateway(
        "INSERT INTO users (id, organization_id, email, name, role, disabled) VALUES (7, 1, 'ada@example.org', 'Ada',"
        " 'admin', $1)",
        disabled,
    )


async def make(desk: NotifierDesk, first: int, last: int, *, actor: dict[str, Any] | None) -> None:
    """Monitors made by somebody, each checked once and down."""
    await desk.add_monitors(first, last)
    if actor is not None:
        await desk.as_gateway(
            "UPDATE monitors SET made_by_user = CASE WHEN $3 = 'user' THEN $4::bigint END,"
            " made_by_token = CASE WHEN $3 = 'token' THEN $4::bigint END WHERE id BETWEEN $1 AND $2",
            first,
            last,
            actor["kind"],
            actor["id"],
        )
    await desk.as_pipeline(
        "INSERT INTO monitor_health (monitor_id, organization_id, health, since, last_checked_at, message)"
        " SELECT id, 1, 'down', 0, 0, 'The server refused the login.' FROM monitors WHERE id BETWEEN $1 AND $2",
        first,
        last,
    )
    for number in range(first, last + 1):
        await desk.tell("never_passed", monitor_id=number)


async def test_who_made_them_gets_one_message_of_all(desk: NotifierDesk, box: Mailbox, receiver: Receiver) -> None:
    await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url})
    await make_person(desk)
    planning, sending = desk.sending(box=box)
    await make(desk, 1, 25, actor=ACTOR)
    await desk.run(planning, sending, for_ms=5 * MINUTE, step_ms=MINUTE)
    await make(desk, 26, 30, actor=ACTOR)
    await desk.run(planning, sending, for_ms=10 * MINUTE, step_ms=MINUTE)
    assert [mail["To"] for mail in box.mails] == ["ada@example.org"]
    assert "NEVER PASSED YET: 30 monitors" in box.mails[0]["Subject"]
    body = box.mails[0].get_body(("plain",))
    assert body is not None
    assert "The server refused the login." in body.get_content()
    assert receiver.requests == []


async def test_what_passed_or_was_paused_meanwhile_is_left_out(desk: NotifierDesk, box: Mailbox) -> None:
    await make_person(desk)
    planning, sending = desk.sending(box=box)
    await make(desk, 1, 3, actor=ACTOR)
    await desk.as_pipeline("UPDATE monitor_health SET first_passed_at = 1 WHERE monitor_id = 1")
    await desk.as_gateway("UPDATE monitors SET status = 'disabled' WHERE id = 2")
    await desk.run(planning, sending, for_ms=11 * MINUTE, step_ms=MINUTE)
    assert ["mailbox 3" in mail["Subject"] for mail in box.mails] == [True]
    await make(desk, 4, 5, actor=ACTOR)
    await desk.as_pipeline("UPDATE monitor_health SET first_passed_at = 1")
    await desk.run(planning, sending, for_ms=11 * MINUTE, step_ms=MINUTE)
    assert len(box.mails) == 1
    assert [row["state"] for row in await desk.deliveries(event="never_passed")] == ["sent", "withdrawn"]


async def test_the_last_that_passes_while_the_message_is_put_into_words_leaves_nothing_to_say(
    desk: NotifierDesk, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_person(desk)
    planning, sending = desk.sending(box=box)
    await make(desk, 1, 2, actor=ACTOR)
    withdraw, passed_too_late = newcomer_store.withdraw_settled, False

    async def and_then_they_pass(connection: Connection, *, now_ms: int) -> None:
        nonlocal passed_too_late
        await withdraw(connection, now_ms=now_ms)
        if await desk.value("SELECT count(*) FROM deliveries WHERE state = 'pending' AND due_at <= $1", now_ms):
            passed_too_late = True
            await desk.as_pipeline("UPDATE monitor_health SET first_passed_at = 1")

    monkeypatch.setattr(newcomer_store, "withdraw_settled", and_then_they_pass)
    faults = metrics.REGISTRY.get_sample_value("mailprobe_notifier_faults_total")
    await desk.run(planning, sending, for_ms=12 * MINUTE, step_ms=MINUTE)
    assert passed_too_late
    assert [row["state"] for row in await desk.deliveries(event="never_passed")] == ["withdrawn"]
    assert (box.mails, metrics.REGISTRY.get_sample_value("mailprobe_notifier_faults_total")) == ([], faults)


async def test_of_a_token_the_person_who_made_it_is_told(desk: NotifierDesk, box: Mailbox) -> None:
    await make_person(desk)
    await desk.as_gateway(
        "INSERT INTO tokens (id, organization_id, name, role, token_hash, token_hint, made_by_user)"
        " VALUES (3, 1, 'import', 'admin', 'x', 'x', 7)"
    )
    planning, sending = desk.sending(box=box)
    await make(desk, 1, 1, actor={**ACTOR, "kind": "token", "id": 3})
    await desk.run(planning, sending, for_ms=11 * MINUTE, step_ms=MINUTE)
    assert [mail["To"] for mail in box.mails] == ["ada@example.org"]


async def test_where_nobody_is_known_the_default_channel_is_told_and_none_that_wakes(
    desk: NotifierDesk, box: Mailbox, receiver: Receiver
) -> None:
    await desk.add_channel(ChannelType.PAGERDUTY, {"routingKey": "k" * 32})
    await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url}, customer_id=10)
    await desk.add_channel(ChannelType.EMAIL, {"email": "ops@example.org"})
    await make_person(desk, disabled=True)
    planning, sending = desk.sending(box=box)
    await make(desk, 1, 1, actor=None)
    await make(desk, 2, 2, actor=ACTOR)  # somebody who is gone
    await desk.run(planning, sending, for_ms=11 * MINUTE, step_ms=MINUTE)
    assert [(mail["To"], "2 monitors" in mail["Subject"]) for mail in box.mails] == [("ops@example.org", True)]
    assert receiver.requests == []


async def test_a_monitor_and_a_token_remember_in_whose_name_they_were_made(desk: NotifierDesk) -> None:
    for number, (kind, expected) in enumerate(
        {"user": (7, None), "token": (None, 7), "operator": (None, None), None: (None, None)}.items(), start=1
    ):
        actor = {**ACTOR, "kind": kind, "id": 7 if kind in ("user", "token") else None}
        await desk.add_monitors(number, number, actor=json.dumps(actor) if kind else None)
        made_by = await desk.value("SELECT (made_by_user, made_by_token) FROM monitors WHERE id = $1", number)
        assert tuple(made_by) == expected
