"""From stored results to incidents, groups, timelines and the outbox, on a real database."""

import asyncio
from typing import Any

import pytest

from services.result_recorder.incidents.upkeep import look_after_incidents
from services.result_recorder.location_store import keep_presence
from services.result_recorder.recording import record, record_within
from shared.checks.messages import CheckResult, Presence
from shared.checks.vocabulary import CheckKind, MailProtocol, MissedReason, OutcomeKind
from shared.database.pool import transaction
from tests.support.answers import answer, missed, public_id_of, slot
from tests.support.recorder_desk import RecorderDesk

FAILED = OutcomeKind.CONNECT_REFUSED
HALF_HOUR = 1_800_000


async def at_work(desk: RecorderDesk, *codes: str, monitors: int = 1) -> list[int]:
    """Workers at these locations, which are to check the monitors; their numbers."""
    async with transaction(desk.pool) as connection:
        for code in codes:
            seen = Presence(location=code, location_name=code, protocol=MailProtocol.IMAP, worker="w", capacity=1)
            await keep_presence(connection, [seen])
    numbers = [await desk.value("SELECT id FROM locations WHERE code = $1", code) for code in codes]
    for monitor_id in range(1, monitors + 1):
        for number in numbers:
            await desk.schedule(number, monitor_id)
    return numbers


async def hear(desk: RecorderDesk, *results: CheckResult) -> None:
    """Record these, one by one, each half a second after it began or now; workers are at work all the time."""
    heard_at = 0
    for result in results:
        heard_at = max(heard_at, result.started_at + 500)
        await desk.set_clock(heard_at)
        await desk.pool.execute("UPDATE location_workers SET last_seen_at = mailprobe.clock_ms()")
        await record(desk.pool, [result])


async def look(desk: RecorderDesk, now_ms: int) -> None:
    await desk.set_clock(now_ms)
    await desk.pool.execute("UPDATE location_workers SET last_seen_at = mailprobe.clock_ms()")
    await look_after_incidents(desk.pool)


async def told(desk: RecorderDesk) -> list[str]:
    return [row["kind"] for row in await desk.rows("SELECT kind FROM outbox ORDER BY id")]


async def incident(desk: RecorderDesk, monitor_id: int = 1) -> dict[str, Any]:
    return await desk.row("SELECT * FROM incidents WHERE monitor_id = $1 ORDER BY id DESC LIMIT 1", monitor_id)


async def follow_ups(desk: RecorderDesk, monitor_id: int = 1) -> list[tuple[int, int, int]]:
    rows = await desk.rows(
        """SELECT location_id, slot_at, start_at, give_up_at FROM check_requests
           WHERE kind = 'follow_up' AND state = 'waiting' AND monitor_id = $1 ORDER BY start_at""",
        monitor_id,
    )
    assert all(row["slot_at"] == row["start_at"] for row in rows)
    return [(row["location_id"], row["start_at"], row["give_up_at"]) for row in rows]


async def take_follow_up(desk: RecorderDesk, state: str) -> None:
    """What the scheduler does with it."""
    await desk.pool.execute("UPDATE check_requests SET state = $1 WHERE kind = 'follow_up'", state)


async def test_three_failures_open_one_incident_with_all_it_needs(desk: RecorderDesk) -> None:
    (here,) = await at_work(desk, "here")
    await hear(desk, *(answer(slot(n), FAILED) for n in range(5)))
    found = await incident(desk)
    assert (found["started_at"], found["opened_at"]) == (slot(0), slot(2) + 1000)
    assert (found["kind"], found["phase"], found["server_words"]) == (
        "connect_refused",
        "connect",
        "the server's words",
    )
    assert (found["host"], found["user_name"], found["monitor_name"]) == (
        "mail.example.com",
        "someone@example.com",
        "a mailbox",
    )
    assert (found["monitor_public_id"], found["protocol"]) == (public_id_of(1), "imap")
    assert (found["first_check_id"], found["first_slot_at"]) == (answer(slot(0)).check_id, slot(0))
    assert (found["evidence_check_id"], found["evidence_slot_at"]) == (answer(slot(2)).check_id, slot(2))
    assert (found["locations"], found["resolved_at"], found["quiet"]) == ([here], None, False)
    row = await desk.row("SELECT * FROM outbox")
    assert (row["kind"], row["incident_id"], row["group_id"]) == ("opened", found["id"], found["group_id"])
    assert (row["organization_id"], row["customer_id"], row["monitor_id"]) == (1, 10, 1)
    event = await desk.row("SELECT * FROM incident_events")
    assert (event["kind"], event["incident_id"], event["at"]) == ("opened", found["id"], slot(2) + 1000)


async def test_two_passes_resolve_it_once(desk: RecorderDesk) -> None:
    await at_work(desk, "here")
    await hear(desk, *(answer(slot(n), FAILED) for n in range(3)), *(answer(slot(n)) for n in range(3, 7)))
    found = await incident(desk)
    assert (found["resolved_at"], found["recovered_at"], found["resolution"]) == (slot(4) + 1000, slot(3), "recovered")
    assert await told(desk) == ["opened", "resolved"]
    group = await desk.row("SELECT * FROM incident_groups")
    assert (group["open_members"], group["resolved_at"]) == (0, slot(4) + 1000)


async def test_all_of_it_in_one_batch_is_the_same(desk: RecorderDesk) -> None:
    await at_work(desk, "here")
    batch = [answer(slot(n), FAILED) for n in range(3)] + [answer(slot(n)) for n in range(3, 5)]
    await desk.set_clock(slot(5))
    await record(desk.pool, batch)
    await record(desk.pool, batch)
    assert await told(desk) == ["opened", "resolved"]
    assert (await desk.row("SELECT open_members FROM incident_groups"))["open_members"] == 0
    kinds = [row["kind"] for row in await desk.rows("SELECT kind FROM incident_events ORDER BY id")]
    assert kinds == ["opened", "resolved"]


async def test_results_told_twice_or_late_open_nothing(desk: RecorderDesk) -> None:
    await at_work(desk, "here")
    await hear(desk, answer(slot(4), FAILED), answer(slot(4), FAILED), answer(slot(1), FAILED), answer(slot(2), FAILED))
    assert await desk.value("SELECT count(*) FROM incidents") == 0


async def test_our_own_faults_and_missed_slots_open_nothing(desk: RecorderDesk) -> None:
    await at_work(desk, "here")
    await hear(desk, *(answer(slot(n), OutcomeKind.INTERNAL) for n in range(5)))
    await record(desk.pool, [missed(slot(5), 10)])
    assert await desk.value("SELECT count(*) FROM incidents") == 0
    assert await desk.value("SELECT count(*) FROM incident_states") == 0


async def test_a_monitor_that_is_well_leaves_no_state(desk: RecorderDesk) -> None:
    await at_work(desk, "here")
    await hear(desk, answer(slot(0)), answer(slot(1)))
    assert await desk.value("SELECT count(*) FROM incident_states") == 0
    await hear(desk, answer(slot(2), FAILED))
    assert await desk.value("SELECT count(*) FROM incident_states") == 1
    await hear(desk, answer(slot(3)))
    assert await desk.value("SELECT count(*) FROM incident_states") == 0


async def test_the_package_and_the_customer_say_how_many_failures_and_locations(desk: RecorderDesk) -> None:
    await at_work(desk, "here", "there", "far")
    await desk.run_as_owner("ALTER TABLE mailprobe.package_configs NO FORCE ROW LEVEL SECURITY")
    await desk.run_as_owner(
        """INSERT INTO mailprobe.package_configs (organization_id, package_type, alert_consecutive_checks,
               alert_location_threshold_count) VALUES (1, 'gold', 1, 3)"""
    )
    await desk.run_as_owner("UPDATE mailprobe.package_configs SET alert_consecutive_checks = 2")
    await desk.run_as_owner(
        "UPDATE mailprobe.package_configs SET alert_consecutive_checks = 1 WHERE package_type='gold'"
    )
    await hear(desk, *(answer(slot(n), FAILED, location=at) for n in (0, 1) for at in ("here", "there")))
    assert await told(desk) == ["opened"]
    await desk.run_as_owner("ALTER TABLE mailprobe.customers NO FORCE ROW LEVEL SECURITY")
    await desk.run_as_owner("UPDATE mailprobe.customers SET package_type = 'gold'")
    await desk.add_monitor(2)
    for number in await desk.rows("SELECT id FROM locations"):
        await desk.schedule(number["id"], 2)
    await hear(desk, *(answer(slot(5), FAILED, location=at, monitor_id=2) for at in ("here", "there")))
    assert await told(desk) == ["opened"]
    await hear(desk, answer(slot(5) + 1, FAILED, location="far", monitor_id=2))
    assert await told(desk) == ["opened", "opened"]


async def test_mailboxes_of_one_host_share_a_group_by_layer(desk: RecorderDesk) -> None:
    for monitor_id in (2, 3):
        await desk.add_monitor(monitor_id)
    await desk.change_monitor(2, hostname="MAIL.example.com")
    await at_work(desk, "here", monitors=3)
    kinds = {1: FAILED, 2: OutcomeKind.CONNECTION_LOST, 3: OutcomeKind.MAILBOX_MISSING}
    for n in range(3):
        await desk.set_clock(slot(n) + 1000)
        await record(desk.pool, [answer(slot(n), kind, monitor_id=each) for each, kind in kinds.items()])
    groups = await desk.rows("SELECT layer, host, open_members FROM incident_groups ORDER BY layer")
    assert groups == [
        {"layer": "login", "host": "mail.example.com", "open_members": 2},
        {"layer": "network", "host": "mail.example.com", "open_members": 1},
    ]
    await hear(desk, answer(slot(3), monitor_id=3), answer(slot(4), monitor_id=3))
    login = await desk.row("SELECT open_members, resolved_at FROM incident_groups WHERE layer = 'login'")
    assert login == {"open_members": 1, "resolved_at": None}
    await hear(desk, answer(slot(5), monitor_id=2), answer(slot(6), monitor_id=2))
    login = await desk.row("SELECT open_members, resolved_at FROM incident_groups WHERE layer = 'login'")
    assert login == {"open_members": 0, "resolved_at": slot(6) + 1000}
    await hear(desk, *(answer(slot(n), OutcomeKind.MAILBOX_MISSING, monitor_id=3) for n in (7, 8, 9)))
    assert await desk.value("SELECT count(*) FROM incident_groups WHERE layer = 'login'") == 2


async def test_another_cause_is_kept_and_is_no_new_incident(desk: RecorderDesk) -> None:
    await at_work(desk, "here")
    await hear(desk, *(answer(slot(n), FAILED) for n in range(3)))
    await hear(desk, answer(slot(3), OutcomeKind.MAILBOX_MISSING), answer(slot(4), OutcomeKind.MAILBOX_MISSING))
    found = await incident(desk)
    assert (found["kind"], found["phase"], found["evidence_slot_at"]) == ("mailbox_missing", "mailbox", slot(3))
    kinds = [row["kind"] for row in await desk.rows("SELECT kind FROM incident_events ORDER BY id")]
    assert kinds == ["opened", "cause_changed"]
    assert await told(desk) == ["opened"]


async def test_follow_ups_are_asked_one_after_the_other(desk: RecorderDesk) -> None:
    await desk.change_monitor(interval_ms=HALF_HOUR)
    (here,) = await at_work(desk, "here")
    await hear(desk, answer(slot(0), FAILED))
    assert await follow_ups(desk) == [(here, slot(1), slot(2))]
    for n in (1, 2):
        await take_follow_up(desk, "published")
        await hear(desk, answer(slot(n), FAILED, check_kind=CheckKind.FOLLOW_UP))
    assert await told(desk) == ["opened"]
    assert await follow_ups(desk) == [(here, slot(7), slot(8))]
    await take_follow_up(desk, "published")
    await hear(desk, answer(slot(7), check_kind=CheckKind.FOLLOW_UP))
    assert await follow_ups(desk) == [(here, slot(7) + 1000, slot(8) + 1000)]
    await take_follow_up(desk, "published")
    await hear(desk, answer(slot(7) + 1000, check_kind=CheckKind.FOLLOW_UP))
    assert await told(desk) == ["opened", "resolved"]
    assert await follow_ups(desk) == []


async def test_a_follow_up_goes_to_another_location_at_work(desk: RecorderDesk) -> None:
    await desk.change_monitor(interval_ms=HALF_HOUR)
    _, there, nobody = await at_work(desk, "here", "there", "nobody")
    await desk.pool.execute("DELETE FROM location_workers WHERE location_id = $1", nobody)
    await hear(desk, answer(slot(0), FAILED))
    assert await follow_ups(desk) == [(there, slot(1), slot(2))]


async def test_a_pass_meanwhile_withdraws_the_follow_up_that_waits(desk: RecorderDesk) -> None:
    await desk.change_monitor(interval_ms=HALF_HOUR)
    await at_work(desk, "here")
    await hear(desk, answer(slot(0), FAILED), answer(slot(0) + 20_000, check_kind=CheckKind.TRIGGER))
    assert await follow_ups(desk) == []


async def test_a_follow_up_that_was_missed_is_asked_again(desk: RecorderDesk) -> None:
    await desk.change_monitor(interval_ms=HALF_HOUR)
    (here,) = await at_work(desk, "here")
    await hear(desk, answer(slot(0), FAILED))
    await take_follow_up(desk, "published")
    await look(desk, slot(2))
    assert await follow_ups(desk) == []  # it may still be answered
    await record(
        desk.pool, [missed(slot(1), kind=CheckKind.FOLLOW_UP, reason=MissedReason.STALE, check_id=public_id_of(7))]
    )
    await take_follow_up(desk, "finished")
    await look(desk, slot(2) + 5000)
    assert await follow_ups(desk) == [(here, slot(3) + 5000, slot(4) + 5000)]


async def test_a_follow_up_that_was_our_own_fault_is_asked_again(desk: RecorderDesk) -> None:
    await desk.change_monitor(interval_ms=HALF_HOUR)
    (here,) = await at_work(desk, "here")
    await hear(desk, answer(slot(0), FAILED))
    await take_follow_up(desk, "published")
    await hear(desk, answer(slot(1), OutcomeKind.INTERNAL, check_kind=CheckKind.FOLLOW_UP))
    assert await follow_ups(desk) == [(here, slot(2) + 1000, slot(3) + 1000)]


@pytest.mark.parametrize("by", ["window", "status"])
async def test_in_maintenance_nothing_opens_and_after_it_the_next_failure_does(desk: RecorderDesk, by: str) -> None:
    await at_work(desk, "here")
    if by == "window":
        await desk.run_as_owner("ALTER TABLE mailprobe.maintenance_windows NO FORCE ROW LEVEL SECURITY")
        await desk.run_as_owner(
            """INSERT INTO mailprobe.maintenance_windows (id, organization_id, customer_id, name, starts_at, ends_at,
                   whole_customer) VALUES (1, 1, 10, 'night', now(), now() + interval '1 hour', true)"""
        )
        await desk.pool.execute("INSERT INTO maintenance_occurrences VALUES (1, 1, $1, $2)", slot(0), slot(5))
    else:
        await desk.change_monitor(status="maintenance")
    await hear(desk, *(answer(slot(n), FAILED) for n in range(4)))
    assert await told(desk) == []
    if by == "status":
        await desk.change_monitor(status="active")
    await hear(desk, answer(slot(5), FAILED))
    assert (await incident(desk))["started_at"] == slot(0)


async def test_a_deleted_monitor_resolves_its_incident(desk: RecorderDesk) -> None:
    await at_work(desk, "here")
    await hear(desk, *(answer(slot(n), FAILED) for n in range(3)))
    await desk.delete_monitor()
    await look(desk, slot(4))
    await look(desk, slot(5))
    found = await incident(desk)
    assert (found["resolution"], found["resolved_at"], found["recovered_at"]) == ("deleted", slot(4), None)
    assert await told(desk) == ["opened", "resolved"]
    assert await desk.value("SELECT open_members FROM incident_groups") == 0


async def test_a_disabled_monitor_resolves_its_incident_and_is_forgotten(desk: RecorderDesk) -> None:
    await at_work(desk, "here")
    await hear(desk, *(answer(slot(n), FAILED) for n in range(3)))
    await desk.change_monitor(status="disabled")
    await hear(desk, answer(slot(3), FAILED))
    assert (await incident(desk))["resolution"] == "disabled"
    await desk.change_monitor(status="active")
    await hear(desk, *(answer(slot(n), FAILED) for n in range(4, 6)))
    await desk.change_monitor(status="disabled")
    await look(desk, slot(7))
    assert await desk.value("SELECT count(*) FROM incident_states") == 0
    assert await told(desk) == ["opened", "resolved"]


async def test_flapping_is_told_once_and_settles_by_itself(desk: RecorderDesk) -> None:
    await at_work(desk, "here")
    for begin in (0, 6, 12, 18):
        await hear(desk, *(answer(slot(begin + n), FAILED) for n in range(3)))
        await hear(desk, *(answer(slot(begin + 3 + n)) for n in range(2)))
    assert await told(desk) == ["opened", "resolved", "opened", "resolved", "flapping"]
    quiet = [row["quiet"] for row in await desk.rows("SELECT quiet FROM incidents ORDER BY id")]
    assert quiet == [False, False, True, True]
    await look(desk, slot(22) + HALF_HOUR)
    assert (await told(desk))[5:] == []
    await look(desk, slot(23) + HALF_HOUR)
    await look(desk, slot(24) + HALF_HOUR)
    assert (await told(desk))[5:] == ["settled"]


async def test_what_stays_down_after_flapping_is_told_like_any(desk: RecorderDesk) -> None:
    await at_work(desk, "here")
    for begin in (0, 6):
        await hear(desk, *(answer(slot(begin + n), FAILED) for n in range(3)))
        await hear(desk, *(answer(slot(begin + 3 + n)) for n in range(2)))
    await hear(desk, *(answer(slot(12 + n), FAILED) for n in range(3)))
    await look(desk, slot(16) + HALF_HOUR)
    assert (await told(desk))[4:] == ["flapping", "settled", "opened"]
    assert (await incident(desk))["quiet"] is False


async def test_an_open_incident_nothing_is_remembered_of_goes_on(desk: RecorderDesk) -> None:
    await at_work(desk, "here")
    await hear(desk, *(answer(slot(n), FAILED) for n in range(3)))
    await desk.pool.execute("""UPDATE incident_states SET state = '{"of": "a version to come"}'""")
    await hear(desk, answer(slot(3)))
    await look(desk, slot(4))
    await hear(desk, answer(slot(5)), answer(slot(6)))
    assert (await incident(desk))["resolution"] == "recovered"
    assert await told(desk) == ["opened", "resolved"]


async def test_two_recorders_open_and_resolve_once(desk: RecorderDesk) -> None:
    await at_work(desk, "here")
    await hear(desk, *(answer(slot(n), FAILED) for n in range(2)))

    async def at_once(first: CheckResult, second: CheckResult) -> None:
        async with transaction(desk.pool) as connection:
            await record_within(connection, [first])
            other = asyncio.create_task(record(desk.pool, [second]))
            await asyncio.sleep(0.3)
        async with asyncio.timeout(60):
            await other

    await at_once(answer(slot(2), FAILED), answer(slot(3), FAILED))
    assert await told(desk) == ["opened"]
    await at_once(answer(slot(4)), answer(slot(5)))
    assert await told(desk) == ["opened", "resolved"]


async def test_two_recorders_count_one_group(desk: RecorderDesk) -> None:
    for monitor_id in (2, 3, 4):
        await desk.add_monitor(monitor_id)
    await at_work(desk, "here", monitors=4)
    for n in range(2):
        await record(desk.pool, [answer(slot(n), FAILED, monitor_id=each) for each in (1, 2, 3, 4)])
    halves = ([1, 3], [4, 2])
    await asyncio.gather(
        *(record(desk.pool, [answer(slot(2), FAILED, monitor_id=each) for each in half]) for half in halves)
    )
    group = await desk.row("SELECT id, open_members FROM incident_groups")
    assert group["open_members"] == 4
    await asyncio.gather(
        *(record(desk.pool, [answer(slot(3 + n), monitor_id=each) for each in half for n in (0, 1)]) for half in halves)
    )
    assert (await desk.row("SELECT open_members FROM incident_groups"))["open_members"] == 0


async def test_what_is_believed_is_kept_as_it_changes(desk: RecorderDesk) -> None:
    await at_work(desk, "here")
    await hear(
        desk, answer(slot(0)), answer(slot(1)), answer(slot(2), FAILED), answer(slot(3), FAILED), answer(slot(5))
    )

    async def changes() -> list[tuple[int, str]]:
        rows = await desk.rows("SELECT since, health FROM health_changes WHERE monitor_id = 1 ORDER BY since")
        return [(row["since"], row["health"]) for row in rows]

    assert await changes() == [(slot(0), "up"), (slot(2), "down"), (slot(5), "up")]
    await record(desk.pool, [answer(slot(4))])
    assert await changes() == [(slot(0), "up"), (slot(2), "down"), (slot(4), "up")]
