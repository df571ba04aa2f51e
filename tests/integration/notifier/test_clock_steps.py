"""A database's clock that ran an hour ahead and is right again: nobody is told an hour late."""

import json

import pytest

from services.notifier.planning import Planning
from services.notifier.sending import Sending
from shared.database.errors import DatabaseUnavailable
from shared.notifications.channel_models import ChannelType
from tests.support.notifier_desk import MINUTE, NotifierDesk
from tests.support.receivers import Receiver

HOUR = 60 * MINUTE


def told(receiver: Receiver) -> list[str]:
    events = [json.loads(request.body)["event"] for request in receiver.requests]
    return [event for event in events if event != "test"]  # that of a new channel


async def set_up(desk: NotifierDesk, receiver: Receiver) -> None:
    for number in range(1, 9):
        await desk.add_monitors(number, number, host=f"mx{number}.example.com")
    await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url, "secret": "hunter2"})


async def planned_by_it(desk: NotifierDesk, receiver: Receiver) -> tuple[Planning, Sending]:
    """An outage that was planned, and not told, before the clock was set right."""
    await set_up(desk, receiver)
    planning, sending = desk.sending()
    right = desk.now
    await desk.set_clock(right + HOUR)
    await desk.fail(1)
    await planning.plan()
    assert [row["state"] for row in await desk.deliveries()] == ["pending"], "more is gathered for a moment"
    await desk.set_clock(right + MINUTE)
    return planning, sending


@pytest.mark.parametrize("same_process", [True, False], ids=["who saw it", "another"])
async def test_what_was_to_be_told_by_it_is_told_now(
    desk: NotifierDesk, receiver: Receiver, same_process: bool
) -> None:
    planning, sending = await planned_by_it(desk, receiver)
    if not same_process:
        planning, sending = desk.sending()
    await desk.run(planning, sending, for_ms=10_000)
    assert told(receiver) == ["incident.created"]
    await desk.recover(1)
    await desk.run(planning, sending, for_ms=10_000)
    assert told(receiver) == ["incident.created", "incident.resolved"]


async def test_what_happened_by_it_and_is_planned_afterwards_is_told_now(
    desk: NotifierDesk, receiver: Receiver
) -> None:
    await set_up(desk, receiver)
    planning, sending = desk.sending()
    right = desk.now
    await desk.set_clock(right + HOUR)
    await desk.fail(1)
    await desk.set_clock(right + MINUTE)
    await desk.run(planning, sending, for_ms=10_000)
    assert told(receiver) == ["incident.created"]


async def test_a_round_that_is_undone_leaves_the_step_to_the_next(
    desk: NotifierDesk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise DatabaseUnavailable("the connection was lost")

    planning, sending = await planned_by_it(desk, receiver)
    with monkeypatch.context() as broken:
        broken.setattr("services.notifier.planning.take", fail)
        with pytest.raises(DatabaseUnavailable):
            await planning.plan()
    await desk.run(planning, sending, for_ms=10_000)
    assert told(receiver) == ["incident.created"]


async def test_what_ended_after_the_step_is_not_taken_for_put_off(desk: NotifierDesk, receiver: Receiver) -> None:
    planning, sending = await planned_by_it(desk, receiver)
    await desk.recover(1)
    await desk.as_pipeline("UPDATE incidents SET opened_at = least(opened_at, resolved_at)")  # as the recorder does
    await desk.run(planning, sending, for_ms=10_000)
    assert told(receiver) == ["incident.created", "incident.resolved"]


async def test_what_was_refused_meanwhile_is_tried_now(desk: NotifierDesk, receiver: Receiver) -> None:
    await set_up(desk, receiver)
    planning, sending = desk.sending()
    right = desk.now
    await desk.set_clock(right + HOUR)
    receiver.behaviour = "500"
    await desk.fail(1)
    await desk.run(planning, sending, for_ms=5 * MINUTE, step_ms=10_000)
    assert (told(receiver), receiver.tried > 4) == ([], True), "the channel rests by now"
    receiver.behaviour = "ok"
    await desk.set_clock(right + MINUTE)
    await desk.run(planning, sending, for_ms=10_000)
    assert told(receiver) == ["incident.created"]


async def test_what_was_told_by_it_holds_nothing_up(desk: NotifierDesk, receiver: Receiver) -> None:
    """Whoever was told much within the last minute has the rest gathered: for a minute, and not for an hour."""
    await set_up(desk, receiver)
    planning, sending = desk.sending()
    right = desk.now
    await desk.set_clock(right + HOUR)
    for number in range(1, 9):
        await desk.fail(number)
        await desk.run(planning, sending, for_ms=3000)
    before = len(receiver.requests)
    await desk.set_clock(right + MINUTE)
    for number in range(1, 9):
        await desk.recover(number)
    await desk.run(planning, sending, for_ms=2 * MINUTE, step_ms=5000)
    assert len(receiver.requests) > before
    said = [each for request in receiver.requests for each in json.loads(request.body)["incidents"]]
    assert len({each["publicId"] for each in said if each["status"] == "resolved"}) == 8
