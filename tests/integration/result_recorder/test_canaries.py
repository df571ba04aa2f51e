"""The newest canary stands in a table of its own, and nothing else is left of it; and when the workers are heard."""

import asyncio
from uuid import UUID, uuid4

import pytest

from services.notifier.pulse_store import newest_canary
from services.result_recorder.answers import keep_answers
from services.result_recorder.canary_store import canary_ages, note_hearing
from services.result_recorder.location_store import keep_presence
from services.result_recorder.pulse import keep_pulse, show_ages
from services.result_recorder.settling import Unacceptable
from shared.broker.in_process import InProcessBroker
from shared.checks.messages import CheckResult, Presence
from shared.checks.vocabulary import CheckKind, MailProtocol, OutcomeKind
from shared.database.pool import transaction
from shared.runtime import metrics
from tests.support.answers import BEGIN_MS, answer, missed, slot
from tests.support.recorder_desk import RecorderDesk
from tests.support.waiting import until

NOW = BEGIN_MS + 3_600_000
MINUTE = 60_000


@pytest.fixture
async def live(desk: RecorderDesk) -> None:
    for code in ("here", "there"):
        await see(desk, code)


async def see(desk: RecorderDesk, code: str, **more: object) -> None:
    seen = Presence(location=code, location_name=code, protocol=MailProtocol.IMAP, worker="w", capacity=1, **more)  # type: ignore[arg-type]
    async with transaction(desk.pool) as connection:
        await keep_presence(connection, [seen])


def canary(at: int, location: str = "here", protocol: str = "imap", kind: OutcomeKind = OutcomeKind.OK) -> CheckResult:
    return answer(at, kind, location=location).model_copy(
        update={
            "check_id": uuid4(),
            "kind": CheckKind.CANARY,
            "organization_id": 0,
            "monitor_id": 0,
            "monitor_public_id": UUID(int=0),
            "record": False,
            "protocol": MailProtocol(protocol),
        }
    )


async def kept(desk: RecorderDesk) -> list[tuple[str, str, int, int, bool]]:
    rows = await desk.rows(
        "SELECT l.code, c.* FROM canaries c JOIN locations l ON l.id = c.location_id ORDER BY l.code, c.protocol"
    )
    return [(row["code"], row["protocol"], row["slot_at"], row["stored_at"], row["passed"]) for row in rows]


async def test_the_newest_of_each_protocol_and_location_is_kept(desk: RecorderDesk, live: None) -> None:
    await keep_answers(desk.pool, [canary(NOW - 200), canary(NOW - 100), canary(NOW - 300, protocol="pop3")])
    await keep_answers(desk.pool, [canary(NOW - 150), canary(NOW, "there", kind=OutcomeKind.CONNECT_REFUSED)])
    assert await kept(desk) == [
        ("here", "imap", NOW - 100, NOW, True),
        ("here", "pop3", NOW - 300, NOW, True),
        ("there", "imap", NOW, NOW, False),
    ]


async def test_nothing_else_is_left_of_it(desk: RecorderDesk, live: None) -> None:
    before = await desk.everything()
    await keep_answers(desk.pool, [canary(NOW), missed(slot(1), kind=CheckKind.CANARY, record=False)])
    assert await desk.everything() == before
    for table in ("results", "missed", "login_history", "check_requests", "monitor_health", "location_health"):
        assert await desk.value(f"SELECT count(*) FROM {table}") == 0


async def test_it_is_stored_beside_real_results_and_only_with_them(desk: RecorderDesk, live: None) -> None:
    await keep_answers(desk.pool, [answer(slot(1)), canary(NOW), answer(slot(2))])
    assert await desk.value("SELECT count(*) FROM results") == 2
    assert len(await kept(desk)) == 1
    impossible = answer(slot(3), worker="\x00")
    with pytest.raises(Exception, match=r"\\u0000|unsupported"):
        await keep_answers(desk.pool, [impossible, canary(NOW + 5)])
    assert [row[2] for row in await kept(desk)] == [NOW]


async def test_one_beyond_any_date_is_refused(desk: RecorderDesk, live: None) -> None:
    with pytest.raises(Unacceptable):
        await keep_answers(desk.pool, [canary(-1)])


async def test_from_a_location_or_worker_nobody_knows_it_says_nothing(desk: RecorderDesk, live: None) -> None:
    await keep_answers(desk.pool, [canary(NOW, "nowhere"), canary(NOW).model_copy(update={"protocol": None})])
    assert await kept(desk) == []


async def test_a_clock_that_went_back_does_not_stop_it(desk: RecorderDesk, live: None) -> None:
    await keep_answers(desk.pool, [canary(NOW)])
    await desk.set_clock(NOW - 60 * MINUTE)
    await keep_answers(desk.pool, [canary(NOW - 60 * MINUTE)])
    assert [(row[2], row[3]) for row in await kept(desk)] == [(NOW - 60 * MINUTE, NOW - 60 * MINUTE)]


async def test_its_age_is_shown_and_grows_by_itself(desk: RecorderDesk, live: None) -> None:
    await keep_answers(desk.pool, [canary(NOW - 5_000)])
    await desk.set_clock(NOW + 40_000)
    ages = await canary_ages(desk.pool)
    assert ages == {("here", "imap"): 40.0}
    show_ages(ages)
    shown = metrics.REGISTRY.get_sample_value("mailprobe_canary_age_seconds", {"location": "here", "protocol": "imap"})
    assert shown is not None
    assert shown >= 40.0


async def test_one_that_failed_is_kept_and_the_age_is_that_of_the_last_that_passed(
    desk: RecorderDesk, live: None
) -> None:
    await keep_answers(desk.pool, [canary(NOW, "there", kind=OutcomeKind.INTERNAL)])
    assert await canary_ages(desk.pool) == {}, "it never passed there"
    await keep_answers(desk.pool, [canary(NOW - 5_000)])
    for seconds in (30, 60):
        await desk.set_clock(NOW + seconds * 1000)
        await keep_answers(desk.pool, [canary(NOW + seconds * 1000, kind=OutcomeKind.INTERNAL)])
    assert await canary_ages(desk.pool) == {("here", "imap"): 60.0}
    assert await desk.value("SELECT max(stored_at) FROM canaries") == NOW + 60_000
    assert await newest_canary(desk.dsn) == NOW, "what failed keeps nobody's alarm from ringing"
    await keep_answers(desk.pool, [canary(NOW + 60_001)])
    assert await canary_ages(desk.pool) == {("here", "imap"): 0.0}
    assert await newest_canary(desk.dsn) == NOW + 60_000


async def test_what_a_worker_says_of_canaries_is_kept(desk: RecorderDesk) -> None:
    await see(desk, "here")
    assert await desk.value("SELECT canaries FROM location_workers") is False
    await see(desk, "here", canaries=True)
    assert await desk.value("SELECT canaries FROM location_workers") is True


async def silent_before(desk: RecorderDesk) -> int:
    at: int = await desk.value("SELECT silent_before()")
    return at


async def test_without_anybody_who_listened_yet_the_clock_tells_who_is_silent(desk: RecorderDesk) -> None:
    assert await silent_before(desk) == NOW - 2 * MINUTE


async def test_while_nobody_listens_nobody_falls_silent(desk: RecorderDesk) -> None:
    for seconds in range(0, 300, 5):
        await desk.set_clock(NOW + seconds * 1000)
        await note_hearing(desk.pool)
    heard_until = NOW + 295_000
    assert await silent_before(desk) == heard_until - 2 * MINUTE
    await desk.set_clock(heard_until + 60 * MINUTE)
    assert await silent_before(desk) == heard_until - 2 * MINUTE


async def test_after_a_gap_everybody_has_two_minutes_to_be_heard_but_those_silent_before(desk: RecorderDesk) -> None:
    for seconds in range(0, 300, 5):
        await desk.set_clock(NOW + seconds * 1000)
        await note_hearing(desk.pool)
    heard_until = NOW + 295_000
    again = heard_until + 60 * MINUTE
    for seconds in range(0, 120, 5):
        await desk.set_clock(again + seconds * 1000)
        await note_hearing(desk.pool)
        assert await silent_before(desk) == heard_until - 2 * MINUTE
    await desk.set_clock(again + 60 * MINUTE)  # a second gap, within the two minutes after the first
    await note_hearing(desk.pool)
    assert await silent_before(desk) == heard_until - 2 * MINUTE
    for seconds in range(0, 125, 5):
        await desk.set_clock(again + 60 * MINUTE + seconds * 1000)
        await note_hearing(desk.pool)
    assert await silent_before(desk) == again + 60 * MINUTE


async def test_a_clock_that_went_back_makes_nobody_silent(desk: RecorderDesk) -> None:
    await note_hearing(desk.pool)
    await desk.set_clock(NOW - 60 * MINUTE)
    await note_hearing(desk.pool)
    assert await silent_before(desk) == NOW - 62 * MINUTE


async def test_a_recorder_notes_that_it_listens_only_with_a_broker_that_answers(desk: RecorderDesk) -> None:
    broker = InProcessBroker()
    stop = asyncio.Event()
    keeping = asyncio.create_task(keep_pulse(desk.pool, broker, stop))
    await asyncio.sleep(0.2)
    assert await desk.value("SELECT count(*) FROM hearing") == 0
    stop.set()
    await keeping
    await broker.open()
    stop.clear()
    keeping = asyncio.create_task(keep_pulse(desk.pool, broker, stop))
    await until("it listens", lambda: desk.value("SELECT count(*) FROM hearing"))
    stop.set()
    await keeping
    await broker.close()


async def test_after_an_hour_without_a_recorder_one_location_alone_still_decides_nothing(desk: RecorderDesk) -> None:
    for code in ("here", "there"):
        await see(desk, code)
    for location_id in (0, 1):
        await desk.schedule(location_id)
    await note_hearing(desk.pool)
    back = NOW + 60 * MINUTE
    await desk.set_clock(back)
    await note_hearing(desk.pool)
    # What waited in the queue of results is recorded before anybody has said again that they are there.
    await keep_answers(desk.pool, [answer(NOW + n * MINUTE, OutcomeKind.CONNECT_REFUSED) for n in range(5)])
    assert await desk.value("SELECT count(*) FROM incidents") == 0
    assert (await desk.monitor_state())["health"] == "degraded"
