"""A batch in a real database: what is kept, and what is believed after it."""

import asyncio
import random

import pytest

from services.result_recorder.recording import record
from services.result_recorder.result_store import WORTH_A_TRY
from services.result_recorder.sweeping import sweep
from shared.checks.outcome import Warning as CheckWarning
from shared.checks.vocabulary import CheckKind, LoginOutcome, OutcomeKind, WarningCode
from shared.database.errors import DatabaseRejected, DatabaseUnavailable
from tests.support.answers import answer, missed, slot, with_login
from tests.support.recorder_desk import RecorderDesk

REFUSED = OutcomeKind.CONNECT_REFUSED


async def test_a_result_is_kept_whole_and_makes_the_monitor_up(desk: RecorderDesk) -> None:
    result = answer(slot(1), started_at=slot(1) + 700, total_ms=321.5)
    recorded = await record(desk.pool, [result])
    assert [each for each, _ in recorded.new] == [result]
    row = await desk.row("SELECT * FROM results")
    assert (row["check_id"], row["slot_at"], row["outcome"], row["passed"]) == (result.check_id, slot(1), "ok", True)
    assert row["detail"]["outcomeClass"] == "ok"
    assert row["detail"]["phasesMs"] == {"dns": 1.5}
    assert row["detail"]["slotAt"] == slot(1)
    state = await desk.monitor_state()
    assert (state["health"], state["since"], state["last_checked_at"]) == ("up", slot(1), slot(1) + 700)
    assert (state["last_counted_at"], state["total_ms"]) == (slot(1) + 700, 321.5)


async def test_the_same_result_twice_is_recorded_once(desk: RecorderDesk) -> None:
    result = answer(slot(1), REFUSED)
    first = await record(desk.pool, [result, result])
    again = await record(desk.pool, [result])
    assert (len(first.new), first.duplicates) == (1, 1)
    assert (len(again.new), again.duplicates) == (0, 1)
    assert (await desk.location_state())["failures"] == 1


async def test_of_a_large_batch_only_what_is_not_there_yet_is_recorded(desk: RecorderDesk) -> None:
    results = [answer(slot(number)) for number in range(1, WORTH_A_TRY + 3)]
    await record(desk.pool, [answer(slot(2), REFUSED), answer(slot(5), REFUSED)])
    some = await record(desk.pool, results)
    assert (len(some.new), some.duplicates) == (len(results) - 2, 2)
    assert {each.slot_at for each, _ in some.new} == {each.slot_at for each in results} - {slot(2), slot(5)}
    more = [answer(slot(100 + number)) for number in range(WORTH_A_TRY)]
    all_of_them = await record(desk.pool, more)
    assert (len(all_of_them.new), all_of_them.duplicates) == (len(more), 0)
    assert await desk.value("SELECT count(*) FROM results WHERE outcome = 'ok'") == len(results) - 2 + len(more)
    assert await desk.value("SELECT count(DISTINCT recorded_at) FROM results WHERE slot_at >= $1", slot(100)) == 1


async def test_a_second_answer_to_the_same_check_changes_nothing(desk: RecorderDesk) -> None:
    first = answer(slot(1), OutcomeKind.INTERNAL)
    await record(desk.pool, [first])
    await record(desk.pool, [first.model_copy(update={"outcome": answer(slot(1), REFUSED).outcome})])
    assert (await desk.monitor_state())["health"] == "unknown"
    assert await desk.value("SELECT outcome FROM results") == "internal"


async def test_a_result_of_an_older_revision_is_kept_and_changes_nothing(desk: RecorderDesk) -> None:
    await record(desk.pool, [answer(slot(1))])
    await desk.change_monitor(revision=2)
    await record(desk.pool, [answer(slot(2), REFUSED, revision=1)])
    assert (await desk.monitor_state())["health"] == "up"
    assert await desk.value("SELECT count(*) FROM results") == 2


async def test_results_of_a_deleted_monitor_are_kept_without_health(desk: RecorderDesk) -> None:
    await record(desk.pool, [answer(slot(1))])
    await desk.delete_monitor()
    recorded = await record(desk.pool, [answer(slot(2)), missed(slot(3)), answer(slot(2), monitor_id=99)])
    assert len(recorded.new) == 2
    assert await desk.value("SELECT count(*) FROM results") == 3
    assert await desk.value("SELECT count(*) FROM monitor_health") == 0
    assert await desk.missed_slots() == [slot(3)]


async def test_last_checked_never_goes_back(desk: RecorderDesk) -> None:
    await record(desk.pool, [answer(slot(5))])
    await record(desk.pool, [answer(slot(4))])
    assert (await desk.monitor_state())["last_checked_at"] == slot(5) + 500


async def test_a_monitor_is_degraded_while_too_few_locations_agree(desk: RecorderDesk) -> None:
    await record(desk.pool, [answer(slot(1)), answer(slot(1) + 1, location="there")])
    await record(desk.pool, [answer(slot(2), REFUSED)])
    degraded = await desk.monitor_state()
    assert (degraded["health"], degraded["outcome"]) == ("degraded", "connect_refused")
    await record(desk.pool, [answer(slot(2) + 1, REFUSED, location="there")])
    down = await desk.monitor_state()
    assert (down["health"], down["since"]) == ("down", slot(2) + 1)
    await record(desk.pool, [answer(slot(3)), answer(slot(3) + 1, location="there")])
    assert (await desk.monitor_state())["health"] == "up"


async def test_the_customers_own_number_decides_how_many_have_to_agree(desk: RecorderDesk) -> None:
    await desk.set_threshold(1)
    await record(desk.pool, [answer(slot(1)), answer(slot(1), location="there")])
    await record(desk.pool, [answer(slot(2), REFUSED)])
    assert (await desk.monitor_state())["health"] == "down"


async def test_a_passed_check_with_a_warning_is_degraded_and_says_why(desk: RecorderDesk) -> None:
    warning = CheckWarning(code=WarningCode.SLOW, text="It took 4 s.")
    await record(desk.pool, [answer(slot(1), warnings=(warning,))])
    state = await desk.monitor_state()
    assert (state["health"], state["message"]) == ("degraded", "It took 4 s.")
    assert await desk.value("SELECT warning FROM results") == "It took 4 s."


async def test_our_own_faults_change_nothing_but_when_it_was_checked(desk: RecorderDesk) -> None:
    await record(desk.pool, [answer(slot(1))])
    await record(desk.pool, [answer(slot(2), OutcomeKind.INTERNAL)])
    state = await desk.monitor_state()
    assert (state["health"], state["last_counted_at"]) == ("up", slot(1) + 500)
    assert state["last_checked_at"] == slot(2) + 500


async def test_a_withheld_check_shows_the_refusal_and_does_not_pass(desk: RecorderDesk) -> None:
    refused = with_login(answer(slot(1), OutcomeKind.AUTH_REJECTED), LoginOutcome.REFUSED)
    await record(desk.pool, [refused])
    held_back = answer(slot(2), withheld=True)
    await record(desk.pool, [held_back])
    row = await desk.row("SELECT * FROM results WHERE slot_at = $1", slot(2))
    assert (row["outcome"], row["phase"], row["passed"], row["withheld"]) == ("auth_rejected", "auth", False, True)
    assert row["message"] == refused.outcome.message
    assert row["detail"]["withheld"] is True
    assert row["detail"]["serverWords"] == "the server's words"
    state = await desk.location_state()
    assert (state["health"], state["failures"], state["last_slot"]) == ("down", 1, slot(2))


async def test_a_location_shows_the_refusal_that_another_one_met(desk: RecorderDesk) -> None:
    refused = with_login(answer(slot(1), OutcomeKind.AUTH_REJECTED), LoginOutcome.REFUSED)
    await record(desk.pool, [refused, answer(slot(1) + 5, location="there", withheld=True)])
    row = await desk.row("SELECT * FROM results WHERE withheld")
    assert row["message"] == refused.outcome.message
    there = await desk.location_state(location="there")
    assert (there["health"], there["last_refusal"]) == ("unknown", None)
    assert (await desk.monitor_state())["health"] == "down"


async def test_silence_makes_unknown_and_a_result_makes_known_again(desk: RecorderDesk) -> None:
    await record(desk.pool, [answer(slot(1))])
    await desk.set_clock(slot(1) + 300_000)
    assert await sweep(desk.pool) == 0
    await desk.set_clock(slot(1) + 300_001)
    assert await sweep(desk.pool) == 1
    state = await desk.monitor_state()
    assert (state["health"], state["since"], state["outcome"]) == ("unknown", slot(1) + 300_001, None)
    assert await sweep(desk.pool) == 0
    await record(desk.pool, [answer(slot(9))])
    assert (await desk.monitor_state())["health"] == "up"


async def test_a_slow_monitor_may_be_silent_for_three_intervals(desk: RecorderDesk) -> None:
    await desk.add_monitor(2, interval_ms=1_800_000, credential_id=None)
    await record(desk.pool, [answer(slot(1), monitor_id=2)])
    await desk.set_clock(slot(1) + 3 * 1_800_000)
    assert await sweep(desk.pool) == 0
    await desk.set_clock(slot(1) + 3 * 1_800_000 + 1)
    assert await sweep(desk.pool) == 1


async def test_a_check_for_somebody_who_waits_leaves_only_its_login(desk: RecorderDesk) -> None:
    asked = answer(slot(1), check_kind=CheckKind.TEST, monitor_id=0, record=False)
    await record(desk.pool, [with_login(asked, LoginOutcome.ACCEPTED)])
    assert await desk.value("SELECT count(*) FROM results") == 0
    assert await desk.value("SELECT check_id FROM login_history") == asked.check_id


async def test_any_order_and_repetition_leaves_the_same_database(desk: RecorderDesk) -> None:
    kinds = [OutcomeKind.OK, REFUSED, OutcomeKind.AUTH_REJECTED, OutcomeKind.RATE_LIMITED, OutcomeKind.INTERNAL]
    chance = random.Random(20270115)
    for monitor_id in range(2, 14):
        await desk.add_monitor(monitor_id, revision=2, credential_id=None)
        ordered = [
            answer(
                slot(n),
                kind,
                monitor_id=monitor_id,
                withheld=kind in (OutcomeKind.OK, REFUSED) and chance.random() < 0.4,
                revision=chance.choice([1, 2, 2, 2]),
            )
            for n, kind in enumerate(chance.choices(kinds, k=12))
        ]
        for each in ordered:
            await record(desk.pool, [each])
        columns = "health, since, last_slot, failures, outcome, phase, message, last_refusal"
        query = f"SELECT {columns} FROM location_health WHERE monitor_id = $1"
        in_order = await desk.rows(query, monitor_id)
        whole = "SELECT health, since, last_checked_at, outcome FROM monitor_health WHERE monitor_id = $1"
        whole_in_order = await desk.rows(whole, monitor_id)
        await desk.pool.execute("DELETE FROM results WHERE monitor_id = $1", monitor_id)
        await desk.pool.execute("DELETE FROM monitor_health WHERE monitor_id = $1", monitor_id)
        await desk.pool.execute("DELETE FROM location_health WHERE monitor_id = $1", monitor_id)
        shuffled = [*ordered, *chance.sample(ordered, 3)]
        chance.shuffle(shuffled)
        while shuffled:
            size = chance.randint(1, 4)
            await record(desk.pool, shuffled[:size])
            del shuffled[:size]
        assert await desk.rows(query, monitor_id) == in_order
        assert await desk.rows(whole, monitor_id) == whole_in_order


async def test_recorders_side_by_side_record_everything_once(desk: RecorderDesk) -> None:
    monitors = range(2, 22)
    for monitor_id in monitors:
        await desk.add_monitor(monitor_id, credential_id=None)
    answers = [
        answer(slot(n), REFUSED if n % 3 else OutcomeKind.OK, monitor_id=monitor_id, location=location)
        for n in range(10)
        for monitor_id in monitors
        for location in ("here", "there")
    ]
    chance = random.Random(7)

    async def recorder(own: list[object]) -> int:
        new = 0
        for begin in range(0, len(own), 40):
            new += len((await record(desk.pool, own[begin : begin + 40])).new)  # type: ignore[arg-type]
        return new

    # Each gets everything, in an order of its own, so that they meet at the same rows all the time.
    counts = await asyncio.gather(*(recorder(chance.sample(answers, len(answers))) for _ in range(3)))
    assert sum(counts) == len(answers)
    assert await desk.value("SELECT count(*) FROM results") == len(answers)
    failures = {row["failures"] for row in await desk.rows("SELECT failures FROM location_health")}
    assert failures == {0}
    since = {row["since"] for row in await desk.rows("SELECT since FROM location_health")}
    assert since == {slot(9)}


async def test_a_result_that_can_never_be_kept_leaves_nothing_of_its_batch(desk: RecorderDesk) -> None:
    with pytest.raises(DatabaseRejected):
        await record(desk.pool, [answer(slot(1)), answer(slot(2), worker="\x00")])
    assert await desk.value("SELECT count(*) FROM results") == 0
    assert await desk.value("SELECT count(*) FROM monitor_health") == 0


async def test_a_read_only_database_is_one_to_wait_for(desk: RecorderDesk) -> None:
    name = desk.dsn.rsplit("/", 1)[1]
    await desk.run_as_owner(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await desk.pool.expire_connections()
    with pytest.raises(DatabaseUnavailable):
        await record(desk.pool, [answer(slot(1))])
