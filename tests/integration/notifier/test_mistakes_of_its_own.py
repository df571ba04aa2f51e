"""What the notifier did not foresee concerns one happening: it stays, everybody else is told, and it is to be seen."""

import asyncio

import pytest
from structlog.testing import capture_logs

from services.notifier import planning as planning_module
from services.notifier import taking
from services.notifier.planning import ASIDE_MS
from shared.notifications.channel_models import ChannelType
from shared.runtime import metrics
from tests.support.notifier_desk import NotifierDesk
from tests.support.receivers import Receiver
from tests.support.waiting import until


def faults() -> float:
    return metrics.REGISTRY.get_sample_value("mailprobe_notifier_faults_total") or 0.0


def breaks_at(monkeypatch: pytest.MonkeyPatch, *monitors: int) -> None:
    """As if planning what happened to these monitors led to a mistake of ours."""
    real = taking._plan

    def plan(book: taking._Book, row: taking.OutboxRow, *, now_ms: int) -> None:
        if row.monitor_id in monitors:
            raise RuntimeError("nobody thought of this")
        real(book, row, now_ms=now_ms)

    monkeypatch.setattr(taking, "_plan", plan)


async def test_a_happening_that_cannot_be_planned_waits_and_the_others_are_told(
    desk: NotifierDesk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.add_monitors(1, 3, host="mx{}.example.com")
    await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url})
    planning, sending = desk.sending()
    before = faults()
    with monkeypatch.context() as broken, capture_logs() as said:
        breaks_at(broken, 2)
        await desk.fail(1, 3)
        await desk.run(planning, sending, for_ms=5000)
        assert len(receiver.requests) == 2
        assert await desk.value("SELECT array_agg(monitor_id) FROM outbox WHERE taken_at IS NULL") == [2]
        assert faults() == before + 1, "it is not tried again and again"
    (mistake,) = [each for each in said if each["event"] == "happening_not_planned"]
    assert (mistake["log_level"], str(mistake["exc_info"])) == ("error", "nobody thought of this")
    await desk.run(planning, sending, for_ms=ASIDE_MS + 5000, step_ms=30_000)
    assert await desk.value("SELECT count(*) FROM outbox WHERE taken_at IS NULL") == 0
    assert len(receiver.requests) == 3


async def test_many_of_them_end_a_round_but_not_what_was_planned_before(
    desk: NotifierDesk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.add_monitors(1, 30, host="mx{}.example.com")
    await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url})
    planning, sending = desk.sending()
    with monkeypatch.context() as broken:
        breaks_at(broken, *range(2, 31))
        await desk.fail(1, 30)
        before = faults()
        await planning.plan()
        assert faults() == before + planning_module._MOST_FAULTS
        await desk.run(planning, sending, for_ms=3000)
    assert len(receiver.requests) == 1


async def test_a_receiver_whose_messages_cannot_be_looked_at_keeps_nobody_elses(
    desk: NotifierDesk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.add_monitors(1, 1)
    first = await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url + "/first"})
    await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url + "/second"})
    planning, sending = desk.sending()
    real = planning_module.ripening.ripen

    async def ripen(connection: object, target: str, *arguments: object, **more: object) -> int | None:
        if target == f"channel {first}":
            raise RuntimeError("nobody thought of this")
        return await real(connection, target, *arguments, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as broken:
        broken.setattr(planning_module.ripening, "ripen", ripen)
        await desk.fail(1)
        await desk.run(planning, sending, for_ms=5000)
        assert [request.path for request in receiver.requests] == ["/hook/second"]
    await desk.run(planning, sending, for_ms=ASIDE_MS + 5000, step_ms=30_000)
    assert sorted(request.path for request in receiver.requests) == ["/hook/first", "/hook/second"]


@pytest.mark.parametrize("loop", ["planning", "sending"])
async def test_the_loops_outlive_any_mistake(loop: str, desk: NotifierDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    planning, sending = desk.sending()
    tries = 0

    async def breaks(*_: object, **__: object) -> int:
        nonlocal tries
        tries += 1
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr(planning_module, "POLL_SECONDS", 0.01)
    monkeypatch.setattr("services.notifier.sending.LOOK_SECONDS", 0.01)
    if loop == "planning":
        monkeypatch.setattr(planning, "plan", breaks)
    else:
        monkeypatch.setattr(sending, "_begin_due", breaks)
    stop, before = asyncio.Event(), faults()
    with capture_logs() as said:
        running = asyncio.create_task((planning if loop == "planning" else sending).run(stop))

        async def tried() -> bool:
            return tries >= 3

        await until("three tries", tried)
        stop.set()
        await running
    assert faults() - before >= 3
    assert [each["log_level"] for each in said] == ["error"], "it is said once"
