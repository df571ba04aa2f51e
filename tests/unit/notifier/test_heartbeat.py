"""When the pipeline's pulse counts as gone, and who hears of it: with a database that answers, or does not."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from services.notifier.heartbeat import Call, Heartbeat
from services.notifier.pulse import Operators, Pulse
from services.notifier.senders.http import OutboundHttp
from services.notifier.senders.mail import MailSender, MailServer
from shared.database.errors import DatabaseUnavailable
from shared.probing.address_policy import LOOPBACK_NETWORKS, AddressPolicy
from tests.support.receivers import Mailbox, Receiver, http_receiver, mail_server


def test_silence_is_told_after_two_minutes_once_and_its_end_once() -> None:
    beat = Heartbeat(began_at=0.0)
    beat.seen(1000, now=1.0)
    beat.seen(31_000, now=31.0)
    assert [beat.call(now=now) for now in (100.0, 150.9, 151.0)] == [None, None, Call.TELL_SILENT]
    beat.told(Call.TELL_SILENT)
    assert beat.call(now=400.0) is None
    beat.seen(500_000, now=500.0)
    assert beat.call(now=500.0) is Call.TELL_BACK
    beat.told(Call.TELL_BACK)
    assert beat.call(now=501.0) is None


def test_a_canary_of_last_year_is_no_pulse() -> None:
    beat = Heartbeat(began_at=0.0)
    beat.seen(5, now=1.0)
    assert not beat.wants_ping(now=1.0)
    assert beat.call(now=120.0) is Call.TELL_SILENT


def test_canaries_beat_on_when_the_clock_goes_back() -> None:
    beat = Heartbeat(began_at=0.0)
    beat.seen(7_200_000, now=0.0)
    beat.seen(7_230_000, now=30.0)
    beat.seen(3_660_000, now=60.0)
    assert beat.wants_ping(now=60.0)
    assert beat.call(now=179.0) is None
    assert beat.call(now=180.0) is Call.TELL_SILENT


def test_the_dead_man_s_url_is_asked_for_by_new_canaries_alone() -> None:
    beat = Heartbeat(began_at=0.0)
    beat.seen(None, now=0.0)
    pings = []
    for second in range(0, 300, 5):
        stored = second // 30 * 30_000 if second < 120 else 90_000
        beat.seen(stored or None, now=float(second))
        if beat.wants_ping(now=float(second)):
            pings.append(second)
            beat.pinged(now=float(second))
    assert pings == [30, 60, 90]


class Desk:
    """A pulse whose clock and database are the test's."""

    def __init__(self, http: OutboundHttp, operators: Operators, dead_mans_url: str) -> None:
        self.now = 1000.0
        self.stored: int | Exception | None = None
        self.pulse = Pulse(
            self._newest,
            operators=operators,
            http=http,
            dead_mans_url=dead_mans_url,
            now=lambda: self.now,
            wall_ms=lambda: int(self.now * 1000),
        )

    async def _newest(self) -> int | None:
        if isinstance(self.stored, Exception):
            raise self.stored
        return self.stored

    async def run(self, seconds: int) -> None:
        for _ in range(0, seconds, 5):
            await self.pulse.look()
            self.now += 5

    async def beat(self, seconds: int) -> None:
        for _ in range(0, seconds, 30):
            self.stored = int(self.now * 1000)
            await self.run(30)


@pytest_asyncio.fixture
async def world() -> AsyncIterator[tuple[OutboundHttp, Receiver, Mailbox]]:
    async with (
        http_receiver() as receiver,
        mail_server() as box,
        OutboundHttp(AddressPolicy.create(LOOPBACK_NETWORKS), try_seconds=60) as http,
    ):
        yield http, receiver, box


def paths(receiver: Receiver) -> list[str]:
    return [request.path for request in receiver.requests]


async def test_operators_hear_by_the_third_minute_that_nothing_is_stored_any_more(world: Any) -> None:
    http, receiver, _ = world
    operators = Operators(f"http://127.0.0.1:{receiver.port}/operators", http=http, mail=MailSender(None))
    desk = Desk(http, operators, f"http://127.0.0.1:{receiver.port}/alive")
    await desk.beat(300)
    assert set(paths(receiver)) == {"/alive"}
    pinged = len(receiver.requests)
    assert pinged >= 4
    desk.stored = DatabaseUnavailable("connection refused")
    receiver.behaviour = "500"
    await desk.run(125)
    receiver.behaviour = "ok"
    await desk.run(55)
    assert paths(receiver)[pinged:] == ["/operators"]
    assert b"the database cannot be asked: connection refused" in receiver.requests[-1].body
    await desk.run(3600)
    assert len(receiver.requests) == pinged + 1
    await desk.beat(60)
    assert paths(receiver)[pinged + 1 :].count("/operators") == 1
    assert b"mailprobe checks again" in b"".join(request.body for request in receiver.requests[pinged + 1 :])


async def test_operators_may_be_told_by_mail(world: Any) -> None:
    http, receiver, box = world
    server = MailServer.from_url(box.url, sender="mailprobe@example.com")
    desk = Desk(http, Operators("mailto:ops@example.com", http=http, mail=MailSender(server)), receiver.url)
    await desk.run(180)
    assert [mail["Subject"] for mail in box.mails] == ["[mailprobe] mailprobe has stopped checking"]
    assert receiver.requests == []


async def test_a_database_that_never_answers_holds_nothing_up(world: Any) -> None:
    http, receiver, _ = world
    operators = Operators(f"http://127.0.0.1:{receiver.port}/operators", http=http, mail=MailSender(None))
    desk = Desk(http, operators, receiver.url)

    async def refuses() -> int | None:
        raise TimeoutError

    desk.pulse._newest = refuses
    await asyncio.wait_for(desk.run(180), timeout=60)
    assert paths(receiver) == ["/operators"]


async def test_a_receiver_that_answers_nonsense_does_not_end_the_watch(world: Any) -> None:
    http, receiver, _ = world
    operators = Operators(f"http://127.0.0.1:{receiver.port}/operators", http=http, mail=MailSender(None))
    desk = Desk(http, operators, receiver.url)
    receiver.behaviour, receiver.headers["Retry-After"] = "503", f"Mon, 01 Jan 2026 00:00:00 +{'9' * 20}"
    await desk.run(130)
    receiver.behaviour = "ok"
    await desk.run(30)
    assert paths(receiver) == ["/operators"]


async def test_a_receiver_s_answer_tells_no_path_on(world: Any) -> None:
    http, receiver, _ = world
    receiver.behaviour = "404"
    outcome = await http.request("GET", f"http://127.0.0.1:{receiver.port}/with hunter2", headers={})
    assert "hunter2" not in outcome.reason
