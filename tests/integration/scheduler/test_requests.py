"""What is asked out of turn, and what has to wait: published, put off, given up, and seen to its end."""

from uuid import UUID, uuid4

from services.scheduler.upkeep import tidy
from shared.broker.seam import PublishOutcome
from shared.checks.messages import MissedSlots
from shared.checks.target import CheckTarget
from shared.checks.vocabulary import (
    CheckKind,
    LoginOutcome,
    LoginPermission,
    MailProtocol,
    MissedReason,
    Security,
)
from tests.integration.scheduler.world import HOUR, MINUTE, SECOND, World
from tests.support.conservation import assert_conserved

RARELY = 24 * HOUR


async def credential_of(world: World, monitor: int) -> UUID:
    credential: UUID = await world.pool.fetchval("SELECT credential_id FROM monitors WHERE id = $1", monitor)
    return credential


async def state_of(world: World, check_id: UUID) -> str:
    state: str = await world.pool.fetchval("SELECT state FROM check_requests WHERE check_id = $1", check_id)
    return state


async def later(world: World, *, seconds: int = 1) -> None:
    await world.set_clock(world.now + seconds * SECOND)
    await world.tick()


async def test_a_triggered_check_is_published_at_once_to_its_own_lane(world: World) -> None:
    monitor = await world.add_monitor(interval_ms=RARELY)
    await world.reconcile()
    asked = await world.ask(CheckKind.TRIGGER, monitor)
    await later(world)
    (job,) = world.new_jobs()
    assert (job.check_id, job.kind, job.login) == (asked, CheckKind.TRIGGER, LoginPermission.ALLOWED)
    assert world.broker.keys == ["imap.here.now"]
    assert await state_of(world, asked) == "published"
    await world.record([world.result_of(job)])
    await later(world)
    assert await state_of(world, asked) == "finished"
    await assert_conserved(world.pool, settled=True)


async def test_a_request_without_an_answer_is_reported_and_finished_when_that_is_recorded(world: World) -> None:
    monitor = await world.add_monitor(interval_ms=RARELY, timeout_seconds=10)
    await world.reconcile()
    asked = await world.ask(CheckKind.FIRST, monitor, give_up_in=5 * MINUTE)
    await later(world)
    assert len(world.new_jobs()) == 1
    await later(world, seconds=60 + 10 + 4)
    assert [report.reason for report in world.broker.reports] == []
    await later(world, seconds=2)
    (report,) = world.broker.reports
    assert isinstance(report, MissedSlots)
    assert (report.check_id, report.reason, report.login_attempt) == (asked, MissedReason.UNANSWERED, None)
    assert await state_of(world, asked) == "published"
    await world.record_reports()
    await later(world)
    assert await state_of(world, asked) == "finished"
    assert len(world.broker.reports) == 1
    await assert_conserved(world.pool, settled=True)


async def test_requests_of_deleted_or_paused_monitors_are_missed(world: World) -> None:
    gone, paused = await world.add_monitor(interval_ms=RARELY), await world.add_monitor(interval_ms=RARELY)
    await world.reconcile()
    await world.ask(CheckKind.TRIGGER, gone)
    await world.ask(CheckKind.TRIGGER, paused)
    await world.delete_monitor(gone)
    await world.change_monitor(paused, status="disabled")
    await later(world)
    await world.record_reports()
    assert world.broker.jobs == []
    assert await world.missed() == [("deleted", 2)]
    await assert_conserved(world.pool, settled=True)


async def test_a_request_where_nobody_is_waits_and_is_given_up(world: World) -> None:
    monitor = await world.add_monitor(interval_ms=RARELY)
    await world.reconcile()
    await world.set_clock(world.now + HOUR)
    await world.ask(CheckKind.TRIGGER, monitor)
    await world.tick(seen=False)
    assert (world.broker.jobs, world.broker.reports) == ([], [])
    await world.set_clock(world.now + 61 * SECOND)
    await world.tick(seen=False)
    await world.record_reports()
    assert await world.missed() == [("no_worker", 1)]
    await assert_conserved(world.pool, settled=True)


async def test_a_request_for_a_protocol_never_served_there_is_given_up(world: World) -> None:
    monitor = await world.add_monitor(protocol="pop3")
    await world.reconcile()
    await world.ask(CheckKind.TRIGGER, monitor)
    await later(world, seconds=70)
    await world.record_reports()
    assert await world.missed() == [("no_worker", 1)]
    await assert_conserved(world.pool, settled=True)


async def test_a_refused_request_is_missed(world: World) -> None:
    monitor = await world.add_monitor(interval_ms=RARELY)
    await world.reconcile()
    world.broker.behaviour["imap.here.now"] = PublishOutcome.REFUSED
    await world.ask(CheckKind.TRIGGER, monitor)
    await later(world)
    await world.record_reports()
    assert await world.missed() == [("queue_full", 1)]
    await assert_conserved(world.pool, settled=True)


async def test_one_login_at_a_time_and_the_other_goes_when_it_is_recorded(world: World) -> None:
    await world.pool.execute("INSERT INTO location_workers VALUES (0, 'pop3', 'worker', 100, 0, $1)", world.now)
    first = await world.add_monitor(interval_ms=RARELY, protocol="pop3", user="anna")
    second = await world.add_monitor(interval_ms=RARELY, protocol="pop3", user="Anna")
    await world.reconcile()
    await world.ask(CheckKind.TRIGGER, first)
    await world.ask(CheckKind.TRIGGER, second)
    await later(world)
    (job,) = world.new_jobs()
    for _ in range(5):
        await later(world)
    assert world.new_jobs() == []
    assert [row["waits_for"] for row in await world.waiting()] == ["busy"]
    await world.record([world.result_of(job)])
    world.unanswered.clear()
    await later(world)
    await later(world)
    (other,) = world.new_jobs()
    assert {job.monitor_id, other.monitor_id} == {first, second}
    await world.answer()
    await later(world)
    await assert_conserved(world.pool, settled=True)


async def test_a_login_that_stays_busy_is_given_up_as_busy(world: World) -> None:
    monitor = await world.add_monitor(interval_ms=RARELY, user="anna", timeout_seconds=60)
    await world.reconcile()
    await world.ask(CheckKind.TRIGGER, monitor)
    await later(world)
    assert len(world.new_jobs()) == 1
    asked = await world.ask(CheckKind.TRIGGER, monitor)
    await later(world)
    await later(world, seconds=62)
    report = next(report for report in world.broker.reports if report.check_id == asked)
    assert isinstance(report, MissedSlots)
    assert report.reason is MissedReason.BUSY
    assert (report.retry_at or 0) > world.now


async def test_a_login_never_answered_counts_against_the_next_one(world: World) -> None:
    monitor = await world.add_monitor(interval_ms=RARELY, user="anna", timeout_seconds=10)
    await world.reconcile()
    asked = await world.ask(CheckKind.FIRST, monitor, give_up_in=5 * MINUTE)
    await later(world)
    assert len(world.new_jobs()) == 1
    await later(world, seconds=80)
    (report,) = world.broker.reports
    assert isinstance(report, MissedSlots)
    assert report.login_attempt is not None
    assert (report.login_attempt.check_id, report.login_attempt.outcome) == (asked, LoginOutcome.UNKNOWN)
    assert (report.login_attempt.host, report.login_attempt.user) == ("mail.example.com", "anna")
    # Until that is recorded nobody else may try, though its time is up; and then the ladder says when.
    await world.ask(CheckKind.FIRST, monitor)
    await later(world)
    assert world.new_jobs() == []
    await world.record_reports()
    await later(world)
    await later(world)
    assert world.new_jobs() == []
    assert (await world.missed()) == [("unanswered", 1)]
    await world.record_reports()
    assert dict(await world.missed())["withheld"] == 1


async def test_a_proven_imap_credential_needs_no_grant(world: World) -> None:
    monitor = await world.add_monitor(interval_ms=RARELY, user="anna")
    await world.reconcile()
    await world.remember_login(
        LoginOutcome.ACCEPTED, user="anna", credential_id=await credential_of(world, monitor), ago=HOUR
    )
    await world.ask(CheckKind.TRIGGER, monitor)
    await later(world)
    await world.ask(CheckKind.TRIGGER, monitor)
    await later(world)
    jobs = world.new_jobs()
    assert [(job.login, job.login_proven) for job in jobs] == [(LoginPermission.ALLOWED, True)] * 2
    assert await world.pool.fetchval("SELECT count(*) FROM login_grants") == 0


async def test_between_rungs_checks_are_withheld_and_show_the_refusal(world: World) -> None:
    monitor = await world.add_monitor(interval_ms=30_000, user="anna")
    await world.reconcile()
    credential = await credential_of(world, monitor)
    await world.set_clock(world.now + SECOND)
    await world.ask(CheckKind.FIRST, monitor)
    await later(world)
    await world.answer(login=LoginOutcome.REFUSED)
    refused = len(world.broker.jobs)
    await world.run_until(world.now + 2 * MINUTE, step=2 * SECOND)
    scheduled = [job for job in world.broker.jobs[refused:] if job.kind is CheckKind.SCHEDULED]
    assert len(scheduled) >= 3
    assert {job.login for job in scheduled} == {LoginPermission.WITHHELD}
    # The recorder asked for the next rung; it is published when its time has come, and allowed to log in.
    await world.run_until(world.now + 5 * MINUTE, step=5 * SECOND)
    (rung,) = [job for job in world.broker.jobs if job.kind is CheckKind.LADDER]
    assert rung.login is LoginPermission.ALLOWED
    assert rung.credential_id == credential


async def test_a_check_withheld_for_anothers_refusals_is_missed(world: World) -> None:
    monitor = await world.add_monitor(interval_ms=30_000, user="anna")
    await world.reconcile()
    for minutes in (1, 2, 3):
        await world.remember_login(
            LoginOutcome.REFUSED, user=f"other{minutes}", credential_id=uuid4(), ago=minutes * MINUTE
        )
    await world.ask(CheckKind.TRIGGER, monitor)
    await later(world)
    await world.record_reports()
    assert [job for job in world.new_jobs() if job.login is LoginPermission.ALLOWED] == []
    assert dict(await world.missed())["withheld"] >= 1


async def test_a_rung_that_comes_too_early_is_put_off_and_never_withheld(world: World) -> None:
    monitor = await world.add_monitor(interval_ms=RARELY, user="anna")
    await world.reconcile()
    credential = await credential_of(world, monitor)
    await world.remember_login(LoginOutcome.REFUSED, user="anna", credential_id=credential, ago=MINUTE)
    asked = await world.ask(CheckKind.LADDER, monitor, give_up_in=10 * MINUTE)
    await later(world)
    assert world.new_jobs() == []
    (row,) = await world.waiting()
    assert row["start_at"] == world.now - SECOND + 4 * MINUTE
    assert row["give_up_at"] > row["start_at"]
    await later(world, seconds=4 * 60)
    assert [job.check_id for job in world.new_jobs()] == [asked]


async def test_a_triggered_check_need_not_wait_for_a_short_rung(world: World) -> None:
    monitor = await world.add_monitor(interval_ms=RARELY, user="anna")
    await world.reconcile()
    credential = await credential_of(world, monitor)
    await world.remember_login(LoginOutcome.REFUSED, user="anna", credential_id=credential, ago=MINUTE)
    await world.ask(CheckKind.TRIGGER, monitor)
    await later(world)
    assert [job.login for job in world.new_jobs()] == [LoginPermission.ALLOWED]


async def test_few_unproven_credentials_of_a_host_are_tried_at_once(world: World) -> None:
    # A list of mailboxes with a wrong column must not get us banned before the first refusal is known.
    for number in range(20):
        monitor = await world.add_monitor(interval_ms=RARELY, user=f"user{number}")
        await world.ask(CheckKind.FIRST, monitor, give_up_in=5 * MINUTE)
    await world.reconcile()
    for _ in range(10):
        await later(world)
    tried = world.new_jobs()
    assert len(tried) == 3
    await world.record([world.result_of(job, LoginOutcome.REFUSED) for job in tried])
    world.unanswered.clear()
    for _ in range(10):
        await later(world)
    assert [job for job in world.new_jobs() if job.login is LoginPermission.ALLOWED] == []


async def test_first_logins_held_back_by_others_refusals_come_when_their_window_ends(world: World) -> None:
    for number in range(5):
        monitor = await world.add_monitor(interval_ms=RARELY, user=f"user{number}")
        await world.ask(CheckKind.FIRST, monitor, give_up_in=5 * MINUTE)
    await world.reconcile()
    await later(world)
    await world.answer(login=LoginOutcome.REFUSED)
    await later(world, seconds=3)
    assert [job for job in world.new_jobs() if job.login is LoginPermission.ALLOWED] == []
    assert [row["waits_for"] for row in await world.waiting() if row["kind"] == "first"] == ["withheld"] * 2
    await world.run_until(world.now + 11 * MINUTE, step=10 * SECOND)
    firsts = {job.target.user for job in world.broker.jobs if job.kind is CheckKind.FIRST}
    assert firsts == {f"user{number}" for number in range(5)}
    assert dict(await world.missed()).get("withheld") is None


def a_target() -> CheckTarget:
    return CheckTarget(
        protocol=MailProtocol.IMAP,
        hostname="mail.example.com",
        port=993,
        security=Security.TLS,
        user="anna",
        sealed_password="sealed",
    )


async def ask_test(world: World, credential: UUID | None = None) -> UUID:
    return await world.ask(
        CheckKind.TEST,
        target=a_target().model_dump(mode="json"),
        credential_id=credential or uuid4(),
        reply_to="gateway-1",
        give_up_in=10 * SECOND,
    )


async def test_a_test_is_published_with_its_target_and_reply_address(world: World) -> None:
    asked = await ask_test(world)
    await later(world)
    (job,) = world.new_jobs()
    assert (job.check_id, job.reply_to, job.target) == (asked, "gateway-1", a_target())
    assert world.broker.keys == ["imap.here.now"]
    # How its login went is all that is recorded of it, and ends it.
    await world.record([world.result_of(job)])
    await later(world)
    assert await state_of(world, asked) == "finished"


async def test_a_test_the_rules_forbid_is_answered_with_when_to_ask_again(world: World) -> None:
    credential = uuid4()
    await world.remember_login(LoginOutcome.REFUSED, user="anna", credential_id=credential, ago=MINUTE)
    asked = await ask_test(world, credential)
    await later(world)
    (reply,) = world.broker.replies
    assert isinstance(reply, MissedSlots)
    assert (reply.check_id, reply.reason) == (asked, MissedReason.WITHHELD)
    assert reply.retry_at == world.now - SECOND + 4 * MINUTE
    assert world.broker.reports == []
    assert await state_of(world, asked) == "finished"


async def test_a_test_that_finds_the_account_busy_is_answered_so(world: World) -> None:
    await ask_test(world)
    await later(world)
    assert len(world.new_jobs()) == 1
    await ask_test(world)
    for _ in range(12):
        await later(world)
    (reply,) = world.broker.replies
    assert isinstance(reply, MissedSlots)
    assert reply.reason is MissedReason.BUSY


async def test_a_test_whose_queue_is_full_is_answered_so(world: World) -> None:
    world.broker.behaviour["imap.here.now"] = PublishOutcome.REFUSED
    await ask_test(world)
    await later(world)
    (reply,) = world.broker.replies
    assert isinstance(reply, MissedSlots)
    assert reply.reason is MissedReason.QUEUE_FULL
    assert await world.pool.fetchval("SELECT count(*) FROM login_grants") == 0


async def test_finished_requests_are_forgotten_after_a_day(world: World) -> None:
    monitor = await world.add_monitor(interval_ms=RARELY)
    await world.reconcile()
    await world.ask(CheckKind.TRIGGER, monitor)
    await later(world)
    await world.answer()
    await later(world)
    await tidy(world.term)
    assert await world.pool.fetchval("SELECT count(*) FROM check_requests WHERE state = 'finished'") == 1
    await world.set_clock(world.now + 25 * HOUR)
    await tidy(world.term)
    assert await world.pool.fetchval("SELECT count(*) FROM check_requests WHERE state = 'finished'") == 0


async def test_first_logins_at_a_host_go_on_as_soon_as_those_before_them_have_ended(world: World) -> None:
    for number in range(7):
        monitor = await world.add_monitor(interval_ms=RARELY, user=f"new-{number}@example.com")
        await world.reconcile()
        await world.ask(CheckKind.FIRST, monitor)
    await later(world)
    assert len(world.new_jobs()) == 3  # if all are refused, it is enough for this host
    await world.answer()
    await later(world, seconds=3)
    assert len(world.new_jobs()) == 3
    await world.answer()
    await later(world, seconds=3)
    assert len(world.new_jobs()) == 1


async def test_a_finished_test_keeps_no_password(world: World) -> None:
    target = CheckTarget(
        protocol=MailProtocol.IMAP, hostname="mail.example.com", port=993, security=Security.TLS, user="a",
        sealed_password="sealed",
    )  # fmt: skip
    await world.ask(CheckKind.TEST, target=target.model_dump(mode="json"), credential_id=uuid4(), reply_to="gateway")
    await later(world)
    await world.answer()
    await later(world)
    assert await world.pool.fetch("SELECT target FROM check_requests WHERE state <> 'finished'") == []
    assert await world.pool.fetch("SELECT target FROM check_requests WHERE target IS NOT NULL") == []
