"""Accounts of one host refused together: noticed once, whoever records them, and over with the first one let in."""

import asyncio
from uuid import UUID

from services.result_recorder.recording import record
from shared.checks.host_outages import OUTAGE_WINDOW_MS
from shared.checks.logins import HOUR_MS, MINUTE_MS, RUNGS_MS
from shared.checks.messages import CheckResult
from shared.checks.vocabulary import LoginOutcome, OutcomeKind
from tests.support.answers import answer, slot, with_login
from tests.support.recorder_desk import RecorderDesk

BEFORE, WHEN = slot(1), slot(20)


def login(number: int, at: int, outcome: LoginOutcome, host: str = "Mail.Example.com") -> CheckResult:
    kind = OutcomeKind.OK if outcome is LoginOutcome.ACCEPTED else OutcomeKind.AUTH_REJECTED
    credential = UUID(int=100 + number)
    return with_login(
        answer(at, kind, monitor_id=number, started_at=at),
        outcome,
        user=f"User{number}",
        host=host,
        credential_id=credential,
    )


def accepted(number: int, at: int, **more: str) -> CheckResult:
    return login(number, at, LoginOutcome.ACCEPTED, **more)


def refused(number: int, at: int, **more: str) -> CheckResult:
    return login(number, at, LoginOutcome.REFUSED, **more)


async def monitors(desk: RecorderDesk, count: int, *, proven: bool = True) -> list[int]:
    numbers = list(range(2, 2 + count))
    for number in numbers:
        await desk.add_monitor(number, credential_id=UUID(int=100 + number))
    await desk.set_clock(BEFORE + 1)
    if proven:
        await record(desk.pool, [accepted(number, BEFORE) for number in numbers])
    return numbers


async def rungs(desk: RecorderDesk) -> dict[int, int]:
    rows = await desk.rows("SELECT monitor_id, start_at FROM check_requests WHERE kind = 'ladder'")
    return {row["monitor_id"]: row["start_at"] for row in rows}


async def outage(desk: RecorderDesk) -> dict[str, object] | None:
    rows = await desk.rows("SELECT * FROM host_login_outages")
    assert len(rows) <= 1
    return rows[0] if rows else None


async def test_three_accounts_that_worked_are_an_outage_and_two_are_none(desk: RecorderDesk) -> None:
    first, second, third, fourth = await monitors(desk, 4)
    await desk.set_clock(WHEN + 1000)
    await record(desk.pool, [refused(first, WHEN), refused(second, WHEN + 1)])
    assert await outage(desk) is None
    await record(desk.pool, [refused(third, WHEN + 2)])
    assert await outage(desk) == {
        "host": "mail.example.com",
        "began_at": WHEN,
        "seen_at": WHEN + 2,
        "sentinels": sorted(f"user{number}" for number in (first, second, third)),
        "ended_at": None,
    }
    await record(desk.pool, [refused(fourth, WHEN + 3)])
    at = await rungs(desk)
    assert [at[number] - WHEN for number in (first, second, third)] == [RUNGS_MS[0] + n for n in range(3)]
    assert RUNGS_MS[-1] <= at[fourth] - WHEN - 3 < RUNGS_MS[-1] + HOUR_MS


async def test_within_one_batch_the_first_three_are_the_sentinels(desk: RecorderDesk) -> None:
    numbers = await monitors(desk, 10)
    await desk.set_clock(WHEN + 1000)
    await record(desk.pool, [refused(number, WHEN + number) for number in reversed(numbers)])
    at = await rungs(desk)
    early = sorted(number for number in numbers if at[number] < WHEN + HOUR_MS)
    assert early == numbers[:3]


async def test_two_recorders_that_each_meet_some_see_all_of_them(desk: RecorderDesk) -> None:
    numbers = await monitors(desk, 12)
    await desk.set_clock(WHEN + 1000)
    await asyncio.gather(*(record(desk.pool, [refused(number, WHEN + number)]) for number in numbers))
    found = await outage(desk)
    assert found is not None
    assert len(found["sentinels"]) == 3  # type: ignore[arg-type]


async def test_passwords_that_never_worked_are_their_owners_affair(desk: RecorderDesk) -> None:
    numbers = await monitors(desk, 5, proven=False)
    await desk.set_clock(WHEN + 1000)
    await record(desk.pool, [refused(number, WHEN + number) for number in numbers])
    assert await outage(desk) is None


async def test_long_wrong_passwords_that_meet_on_their_ladders_are_none(desk: RecorderDesk) -> None:
    numbers = await monitors(desk, 3)
    for place, number in enumerate(numbers):
        at = WHEN + place * 2 * OUTAGE_WINDOW_MS
        await desk.set_clock(at + 1)
        await record(desk.pool, [refused(number, at)])
    again = WHEN + HOUR_MS
    await desk.set_clock(again + 10)
    await record(desk.pool, [refused(number, again + place) for place, number in enumerate(numbers)])
    assert await outage(desk) is None


async def test_logins_cut_off_by_our_own_fault_are_none(desk: RecorderDesk) -> None:
    numbers = await monitors(desk, 5)
    await desk.set_clock(WHEN + 1000)
    await record(desk.pool, [login(number, WHEN + number, LoginOutcome.UNKNOWN) for number in numbers])
    assert await outage(desk) is None


async def test_hosts_are_judged_apart(desk: RecorderDesk) -> None:
    numbers = await monitors(desk, 4)
    await record(desk.pool, [accepted(number, BEFORE + 1, host="b.example") for number in numbers[2:]])
    await desk.set_clock(WHEN + 1000)
    await record(desk.pool, [refused(number, WHEN) for number in numbers[:2]])
    await record(desk.pool, [refused(number, WHEN, host="b.example") for number in numbers[2:]])
    assert await outage(desk) is None


async def begun(desk: RecorderDesk, count: int = 8) -> list[int]:
    numbers = await monitors(desk, count)
    await desk.set_clock(WHEN + 1000)
    await record(desk.pool, [refused(number, WHEN + number) for number in numbers])
    return numbers


async def test_the_first_one_let_in_ends_it_and_the_others_try_within_seconds(desk: RecorderDesk) -> None:
    numbers = await begun(desk)
    over = WHEN + 5 * MINUTE_MS
    await desk.set_clock(over)
    await record(desk.pool, [accepted(numbers[0], over - 1)])
    found = await outage(desk)
    assert found is not None
    assert found["ended_at"] == over
    at = await rungs(desk)
    assert all(over <= at[number] <= over + 10_000 for number in numbers[1:])
    assert len(at) == len(numbers)


async def test_one_that_is_refused_again_then_climbs_on(desk: RecorderDesk) -> None:
    numbers = await begun(desk)
    over = WHEN + 5 * MINUTE_MS
    await desk.set_clock(over)
    await record(desk.pool, [accepted(numbers[0], over - 1)])
    await desk.set_clock(over + 2000)
    await record(desk.pool, [refused(numbers[-1], over + 1000)])
    assert (await rungs(desk))[numbers[-1]] == over + 1000 + RUNGS_MS[1]


async def test_each_of_those_refused_together_is_an_incident_at_its_first_refusal(desk: RecorderDesk) -> None:
    """Those who wait would have to wait for hours for a second one."""
    await begun(desk, 10)
    rows = await desk.rows("SELECT monitor_id, group_id FROM incidents WHERE resolved_at IS NULL")
    assert (len(rows), len({row["group_id"] for row in rows})) == (10, 1)
    assert await desk.value("SELECT open_members FROM incident_groups WHERE layer = 'login'") == 10


async def test_two_refused_are_none_before_their_second_refusal(desk: RecorderDesk) -> None:
    first, second, _ = await monitors(desk, 3)
    await desk.set_clock(WHEN + 1000)
    await record(desk.pool, [refused(first, WHEN), refused(second, WHEN + 1)])
    assert await desk.value("SELECT count(*) FROM incidents") == 0


async def test_who_never_was_let_in_needs_two_refusals_there_too(desk: RecorderDesk) -> None:
    await begun(desk, 3)
    await desk.add_monitor(50, credential_id=UUID(int=150))
    await record(desk.pool, [refused(50, WHEN + 500)])
    assert await desk.value("SELECT count(*) FROM incidents WHERE monitor_id = 50") == 0


async def test_a_stranger_let_in_says_nothing_of_those_refused(desk: RecorderDesk) -> None:
    await begun(desk)
    await desk.add_monitor(50, credential_id=UUID(int=150))
    await desk.set_clock(WHEN + 5 * MINUTE_MS)
    await record(desk.pool, [accepted(50, WHEN + 4 * MINUTE_MS)])
    found = await outage(desk)
    assert found is not None
    assert found["ended_at"] is None


async def test_an_answer_from_before_the_refusal_that_comes_late_ends_nothing(desk: RecorderDesk) -> None:
    numbers = await begun(desk)
    await record(desk.pool, [accepted(numbers[0], WHEN - 1)])
    found = await outage(desk)
    assert found is not None
    assert found["ended_at"] is None


async def test_after_one_that_ended_there_may_be_another(desk: RecorderDesk) -> None:
    numbers = await begun(desk, 4)
    over = WHEN + 5 * MINUTE_MS
    await desk.set_clock(over)
    await record(desk.pool, [accepted(number, over - 1) for number in numbers])
    again = over + 30 * MINUTE_MS
    await desk.set_clock(again + 1000)
    await record(desk.pool, [refused(number, again + number) for number in numbers])
    found = await outage(desk)
    assert found is not None
    assert (found["began_at"], found["ended_at"]) == (again + numbers[0], None)
