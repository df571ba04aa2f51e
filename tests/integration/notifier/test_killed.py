"""Notifiers killed between lease, send and mark, and several of them at once: all is told, doubles share their key."""

import asyncio
import json
import os
import random
import sys
from pathlib import Path

import pytest

from services.notifier.sending import LEASE_SECONDS
from shared.notifications.channel_models import ChannelType
from shared.runtime.crash_points import CrashPoint
from tests.support.fleet import REPOSITORY
from tests.support.notifier_desk import MINUTE, NotifierDesk
from tests.support.receivers import Receiver

POINTS = (CrashPoint.LEASED, CrashPoint.SENT, CrashPoint.MARKED)


async def run_process(desk: NotifierDesk, last_words: Path, point: CrashPoint | None = None) -> int:
    """It does all there is to do, or dies at the point; the exit code."""
    armed = {"POINT": point, "FILE": str(last_words), "ALLOWED": "true"} if point is not None else {}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.notifier_to_kill", desk.dsn),
        stdin=asyncio.subprocess.PIPE,
        cwd=REPOSITORY,
        env={**os.environ, **{f"MAILPROBE_CRASH_{name}": value for name, value in armed.items()}},
    )
    async with asyncio.timeout(60):
        await process.communicate(desk.private.to_json().encode())
    assert process.returncode is not None
    return process.returncode


def points_in(last_words: Path) -> list[str]:
    return [json.loads(line)["point"] for line in last_words.read_text().splitlines()]


async def killed_at(desk: NotifierDesk, receiver: Receiver, points: list[CrashPoint], last_words: Path) -> None:
    """An outage and its end for each point; the notifier dies at it, and another one comes when the lease is over."""
    await desk.add_monitors(1, 1)
    await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url, "secret": "hunter2"})
    died = 0
    for point in points:
        for happens in (desk.fail, desk.recover):
            await happens(1)
            await desk.set_clock(desk.now + 3000)
            died += await run_process(desk, last_words, point) == -9
            await desk.set_clock(desk.now + int(LEASE_SECONDS * 1000) + 60_000)
            assert await run_process(desk, last_words) == 0
    assert died == 2 * len(points)
    assert points_in(last_words) == [point for point in points for _ in range(2)]
    told = [(request.headers["webhook-id"], json.loads(request.body)) for request in receiver.requests]
    keys = list(dict.fromkeys(key for key, _ in told))
    events = [next(body["event"] for key, body in told if key == wanted) for wanted in keys]
    assert [event for event in events if event != "digest"][:1] == ["incident.created"]
    transitions = [(incident["publicId"], incident["status"]) for _, body in told for incident in body["incidents"]]
    for public_id in {known for known, _ in transitions}:
        states = [status for known, status in transitions if known == public_id]
        assert states == sorted(states), "opened comes before resolved"
        assert set(states) == {"open", "resolved"}
    for key in keys:
        assert len({json.dumps(body) for known, body in told if known == key}) == 1, "the same key, the same words"
    assert {row["state"] for row in await desk.deliveries()} <= {"sent", "withdrawn"}
    assert len(told) - len(keys) == 2 * points.count(CrashPoint.SENT), "only what was sent and not marked comes twice"


async def test_a_notifier_killed_at_each_point_loses_nothing(
    desk: NotifierDesk, receiver: Receiver, tmp_path: Path
) -> None:
    await killed_at(desk, receiver, list(POINTS), tmp_path / "last-words")


@pytest.mark.chaos
@pytest.mark.timeout(1800)
async def test_fifty_kills_lose_nothing(desk: NotifierDesk, receiver: Receiver, tmp_path: Path) -> None:
    chance = random.Random(11)
    await killed_at(desk, receiver, [chance.choice(POINTS) for _ in range(25)], tmp_path / "last-words")


async def test_two_notifiers_at_once_tell_each_thing_once(desk: NotifierDesk, receiver: Receiver) -> None:
    await desk.add_monitors(1, 30, host="mx{}.example.com")
    receiver.behaviour = "slow"
    for number in range(6):
        await desk.add_channel(ChannelType.WEBHOOK, {"url": f"{receiver.url}/{number}"})
    pairs = [desk.sending() for _ in range(2)]
    await desk.run(*pairs[0])
    await desk.fail(1, 30)
    await desk.set_clock(desk.now + 3000)
    await asyncio.gather(*(desk.run(*pair) for pair in pairs))
    await desk.recover(1, 30)
    await desk.set_clock(desk.now + 2 * MINUTE)
    await asyncio.gather(*(desk.run(*pair) for pair in pairs))
    await desk.run(*pairs[0])
    keys = [request.headers["webhook-id"] for request in receiver.requests]
    assert len(keys) == len(set(keys)) == 12
