"""How logins went, kept once each; and the ladder that the next try climbs."""

from uuid import UUID, uuid4

from services.result_recorder.location_store import keep_presence
from services.result_recorder.recording import record
from shared.checks.logins import HOUR_MS, MINUTE_MS
from shared.checks.messages import CheckResult, Presence
from shared.checks.vocabulary import CheckKind, LoginOutcome, MailProtocol, OutcomeKind
from shared.database.pool import transaction
from tests.support.answers import BEGIN_MS, CREDENTIAL, answer, login_attempt, missed, slot, with_login
from tests.support.recorder_desk import RecorderDesk

OTHER = UUID("5b8f2b64-4b8a-4a36-8f76-6a3f4e0a5d02")
NOW = BEGIN_MS + 3_600_000


def accepted(number: int, **more: object) -> CheckResult:
    return with_login(answer(slot(number)), LoginOutcome.ACCEPTED, **more)


def refused(number: int, monitor_id: int = 1, location: str = "here", **more: object) -> CheckResult:
    result = answer(slot(number), OutcomeKind.AUTH_REJECTED, monitor_id=monitor_id, location=location)
    return with_login(result, LoginOutcome.REFUSED, **more)


async def history(desk: RecorderDesk) -> list[tuple[str, int]]:
    rows = await desk.rows("SELECT outcome, at_ms FROM login_history ORDER BY at_ms")
    return [(row["outcome"], row["at_ms"]) for row in rows]


async def credential(desk: RecorderDesk, credential_id: UUID = CREDENTIAL) -> tuple[str, bool]:
    row = await desk.row("SELECT outcome, ever_accepted FROM login_credentials WHERE credential_id = $1", credential_id)
    return row["outcome"], row["ever_accepted"]


async def rung(desk: RecorderDesk, monitor_id: int = 1) -> dict[str, object]:
    return await desk.row("SELECT * FROM check_requests WHERE kind = 'ladder' AND monitor_id = $1", monitor_id)


async def test_an_acceptance_is_kept_the_first_time_and_after_a_refusal(desk: RecorderDesk) -> None:
    for result in (accepted(1), accepted(2), refused(3), accepted(4), accepted(5)):
        await record(desk.pool, [result])
    expected = [("accepted", 1), ("refused", 3), ("accepted", 4)]
    assert await history(desk) == [(outcome, slot(n) + 500) for outcome, n in expected]
    row = await desk.row("SELECT * FROM login_credentials")
    assert (row["host"], row["user_name"]) == ("mail.example.com", "someone@example.com")
    assert (row["outcome"], row["ever_accepted"], row["at_ms"]) == ("accepted", True, slot(4) + 500)


async def test_within_one_batch_it_is_the_same(desk: RecorderDesk) -> None:
    await record(desk.pool, [accepted(4), refused(3), accepted(2), accepted(1)])
    assert [outcome for outcome, _ in await history(desk)] == ["accepted", "refused", "accepted"]
    assert await credential(desk) == ("accepted", True)


async def test_a_repeated_message_adds_nothing(desk: RecorderDesk) -> None:
    await record(desk.pool, [refused(1)])
    before = await rung(desk)
    await record(desk.pool, [refused(1)])
    assert await rung(desk) == before
    assert len(await history(desk)) == 1


async def test_an_unknown_login_is_overwritten_by_what_became_of_it(desk: RecorderDesk) -> None:
    result = accepted(1)
    unknown = login_attempt(LoginOutcome.UNKNOWN, slot(1) + 400, check_id=result.check_id)
    await record(desk.pool, [missed(slot(1), login_attempt=unknown)])
    assert await credential(desk) == ("unknown", False)
    assert (await rung(desk))["start_at"] == NOW  # five minutes after the attempt are over
    await record(desk.pool, [result])
    assert await history(desk) == [("accepted", slot(1) + 500)]
    assert await credential(desk) == ("accepted", True)
    await record(desk.pool, [missed(slot(1), login_attempt=unknown)])
    assert await history(desk) == [("accepted", slot(1) + 500)]


async def test_a_late_refusal_does_not_undo_a_later_acceptance(desk: RecorderDesk) -> None:
    for result in (accepted(1), accepted(3), refused(2)):
        await record(desk.pool, [result])
    assert await credential(desk) == ("accepted", True)
    assert await desk.value("SELECT count(*) FROM check_requests") == 0
    outcomes = [outcome for outcome, _ in await history(desk)]
    assert outcomes == ["accepted", "refused", "accepted"]


async def test_an_answer_that_judged_nothing_leaves_the_credential_as_it_was(desk: RecorderDesk) -> None:
    undecided = [
        with_login(answer(slot(number), OutcomeKind.AUTH_TEMPORARY), LoginOutcome.UNDECIDED) for number in (2, 4)
    ]
    await record(desk.pool, [accepted(1)])
    await record(desk.pool, undecided[:1])
    assert await credential(desk) == ("accepted", True)
    await record(desk.pool, [refused(3)])
    before = await rung(desk)
    await record(desk.pool, undecided[1:])
    assert await credential(desk) == ("refused", True)
    assert await rung(desk) == before
    assert [outcome for outcome, _ in await history(desk)] == ["accepted", "refused"]


async def test_a_test_always_leaves_its_login(desk: RecorderDesk) -> None:
    await record(desk.pool, [accepted(1)])
    asked = answer(slot(2), check_kind=CheckKind.TEST, monitor_id=0, record=False)
    await record(desk.pool, [with_login(asked, LoginOutcome.ACCEPTED)])
    assert len(await history(desk)) == 2


async def test_a_test_that_was_answered_is_finished_and_its_password_gone(desk: RecorderDesk) -> None:
    asked = answer(slot(2), OutcomeKind.CONNECT_REFUSED, check_kind=CheckKind.TEST, monitor_id=0, record=False)
    await desk.pool.execute(
        """INSERT INTO check_requests (check_id, kind, organization_id, monitor_id, monitor_public_id, location_id,
               slot_at, start_at, give_up_at, target, state)
           VALUES ($1, 'test', 1, 0, gen_random_uuid(), 0, $2, $2, $2, '{}', 'published')""",
        asked.check_id,
        slot(2),
    )
    await record(desk.pool, [asked])
    request = await desk.row("SELECT state, target FROM check_requests WHERE check_id = $1", asked.check_id)
    assert request == {"state": "finished", "target": None}


async def test_each_refusal_sets_the_next_rung(desk: RecorderDesk) -> None:
    at = NOW
    waits = []
    for _ in range(3):
        await desk.set_clock(at + 600)
        result = answer(at, OutcomeKind.AUTH_REJECTED, started_at=at)
        await record(desk.pool, [with_login(result, LoginOutcome.REFUSED)])
        row = await rung(desk)
        waits.append(row["start_at"] - at)
        assert row["give_up_at"] == row["start_at"] + 600_000
        await desk.pool.execute("UPDATE check_requests SET state = 'finished', check_id = gen_random_uuid()")
        await desk.pool.execute("DELETE FROM check_requests")
        at = row["start_at"]
    assert waits == [5 * MINUTE_MS, 15 * MINUTE_MS, HOUR_MS]


async def test_a_waiting_rung_moves_and_is_not_doubled(desk: RecorderDesk) -> None:
    await desk.set_clock(slot(1) + 1000)
    await record(desk.pool, [refused(1)])
    first = await rung(desk)
    await desk.set_clock(slot(2) + 1000)
    await record(desk.pool, [refused(2)])
    second = await rung(desk)
    assert second["slot_at"] == second["start_at"]
    assert second["check_id"] != first["check_id"], "another slot is another check"
    assert second["start_at"] == slot(2) + 500 + 15 * MINUTE_MS


async def test_the_next_rung_is_tried_where_the_refusal_is_not_confirmed(desk: RecorderDesk) -> None:
    await desk.set_clock(slot(1) + 1000)
    places = {}
    for code in ("here", "there", "nobody"):
        seen = Presence(location=code, location_name=code, protocol=MailProtocol.IMAP, worker="w", capacity=1)
        async with transaction(desk.pool) as connection:
            await keep_presence(connection, [seen])
        places[code] = await desk.value("SELECT id FROM locations WHERE code = $1", code)
        await desk.schedule(places[code])
    await desk.pool.execute("DELETE FROM location_workers WHERE location_id = $1", places["nobody"])
    await record(desk.pool, [refused(1)])
    assert (await rung(desk))["location_id"] == places["there"]
    await record(desk.pool, [refused(2, location="there")])
    assert (await rung(desk))["location_id"] == places["here"]


async def test_no_rung_for_a_login_that_concerns_no_checked_monitor(desk: RecorderDesk) -> None:
    await desk.add_monitor(2, credential_id=OTHER)  # sent a new password meanwhile
    await desk.add_monitor(3, status="disabled")
    await record(
        desk.pool,
        [
            refused(1, monitor_id=2),
            refused(1, monitor_id=3),
            refused(1, monitor_id=4),
            refused(2).model_copy(update={"revision": 0}),
        ],
    )
    assert await desk.value("SELECT count(*) FROM check_requests") == 0
    assert len(await history(desk)) == 4


async def test_when_a_credential_recovers_the_others_of_the_account_try_at_once(desk: RecorderDesk) -> None:
    await desk.add_monitor(2, credential_id=OTHER)
    await desk.set_clock(slot(2))
    await record(desk.pool, [refused(1), refused(1, monitor_id=2, credential_id=OTHER)])
    assert (await rung(desk, 2))["start_at"] > slot(2)
    await desk.set_clock(slot(8))
    await record(desk.pool, [accepted(7)])
    moved = await rung(desk, 2)
    assert (moved["start_at"], moved["state"]) == (slot(8), "waiting")
    own = await rung(desk, 1)
    assert own["start_at"] != slot(8)


async def test_never_proven_credentials_of_one_host_wait_for_it_to_calm_down(desk: RecorderDesk) -> None:
    await desk.set_clock(slot(4))
    for monitor_id in range(2, 5):
        await desk.add_monitor(monitor_id, credential_id=UUID(int=monitor_id))
    batch = [
        refused(monitor_id - 1, monitor_id=monitor_id, credential_id=UUID(int=monitor_id), user=f"{monitor_id}")
        for monitor_id in range(2, 5)
    ]
    for each in batch:
        await record(desk.pool, [each])
    calm_at = slot(1) + 500 + 10 * MINUTE_MS
    assert (await rung(desk, 4))["start_at"] == calm_at
    assert (await rung(desk, 2))["start_at"] == slot(1) + 500 + 5 * MINUTE_MS


async def test_monitors_on_one_account_share_its_ladder(desk: RecorderDesk) -> None:
    await desk.add_monitor(2, credential_id=OTHER)
    await desk.set_clock(slot(2))
    await record(desk.pool, [refused(1)])
    await record(desk.pool, [refused(2, monitor_id=2, credential_id=OTHER)])
    assert (await rung(desk, 2))["start_at"] == slot(2) + 500 + 15 * MINUTE_MS


async def test_two_answers_in_one_batch_for_the_same_check_keep_the_known_one(desk: RecorderDesk) -> None:
    check_id = uuid4()
    attempts = [
        login_attempt(outcome, slot(1), check_id=check_id)
        for outcome in (LoginOutcome.UNKNOWN, LoginOutcome.REFUSED, LoginOutcome.UNKNOWN)
    ]
    await record(desk.pool, [missed(slot(n), login_attempt=each) for n, each in enumerate(attempts)])
    assert [outcome for outcome, _ in await history(desk)] == ["refused"]
