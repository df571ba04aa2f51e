"""Checks asked for out of turn, tried out without a monitor, and looked back on."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from shared.broker.envelope import reply_message
from shared.checks import outcome as outcomes
from shared.checks.messages import CheckResult, MissedSlots
from shared.checks.outcome import CertificateFacts, Outcome
from shared.checks.target import CheckTarget, password_binding
from shared.checks.vocabulary import CheckKind, LoginOutcome, MissedReason, OutcomeKind, Phase, WarningCode

MONITORS = "/api/imap-pop-monitors"
TEST = f"{MONITORS}/test"
BODY = {
    "customerId": 10,
    "name": "n",
    "hostname": "mail.example.com",
    "timeoutSeconds": 1,
    "imapPopConfig": {"user": "u", "password": "secret", "tls": True},
}


async def trigger(api: Any, monitor: Any) -> Any:
    return await api.post(f"{MONITORS}/{monitor['publicId']}/trigger-check")


async def test_a_triggered_check_is_asked_of_every_eligible_location(world: Any) -> None:
    made = await world.api.created()
    await world.location("fra", country="DE")
    await world.location("ams-1", country="NL")
    answer = await trigger(world.api, made)
    assert answer.status == 200
    assert answer.body == {
        "success": True,
        "message": "Checks triggered successfully",
        "imapPopMonitorId": made["id"],
        "locationCodes": ["fra", "ams-1"],
        "queueNames": ["mailprobe.checks.imap.fra.now", "mailprobe.checks.imap.ams-1.now"],
    }
    asked = await world.requests("trigger")
    assert [row["give_up_at"] - row["start_at"] for row in asked] == [60_000, 60_000]
    assert {(row["monitor_id"], str(row["monitor_public_id"])) for row in asked} == {(made["id"], made["publicId"])}
    await trigger(world.api, made)
    assert len(await world.requests("trigger")) == 2


async def test_the_scheduler_is_woken_by_a_triggered_check(world: Any) -> None:
    made = await world.api.created()
    await world.location("fra")
    heard = asyncio.Event()
    async with world.pipeline.acquire() as connection:
        await connection.add_listener("mailprobe_requests", lambda *_: heard.set())
        await trigger(world.api, made)
        async with asyncio.timeout(60):
            await heard.wait()
        await connection.reset()


async def test_without_live_locations_a_check_cannot_be_triggered(world: Any) -> None:
    made = await world.api.created(allowedCheckCountryCodes=["US"])
    await world.location("old", age_ms=600_000)
    await world.location("other-protocol", protocol="pop3")
    answer = await trigger(world.api, made)
    assert (answer.status, answer.body["message"]) == (503, "No active monitoring locations available")
    await world.location("fra", country="DE")
    await world.location("unknown-country")
    answer = await trigger(world.api, made)
    assert answer.status == 400
    assert answer.body["message"] == "No eligible monitoring locations for the selected allowed countries"
    assert await world.requests() == []


async def test_a_monitor_without_countries_of_its_own_goes_by_its_customers(world: Any) -> None:
    await world.location("fra", country="DE")
    await world.location("ams", country="NL")
    await world.as_owner("ALTER TABLE customers NO FORCE ROW LEVEL SECURITY")
    await world.as_owner("UPDATE customers SET allowed_check_country_codes = '{NL}'")
    await world.as_owner("ALTER TABLE customers FORCE ROW LEVEL SECURITY")
    made = await world.api.created()
    assert [row["location_id"] for row in await world.requests("first")] == [1]
    assert (await trigger(world.api, made)).body["locationCodes"] == ["ams"]
    own = await world.api.created(allowedCheckCountryCodes=["DE"])
    assert (await trigger(world.api, own)).body["locationCodes"] == ["fra"]


async def test_a_disabled_monitor_is_not_triggered(world: Any) -> None:
    await world.location("fra")
    made = await world.api.created(status="disabled")
    assert (await trigger(world.api, made)).status == 409
    assert await world.requests() == []


async def test_a_check_is_not_triggered_while_another_login_of_the_account_is_under_way(world: Any) -> None:
    await world.location("fra")
    made = await world.api.created()
    await world.pipeline.execute(
        "INSERT INTO login_grants"
        " VALUES ('mail.example.com', 'monitor@example.com', gen_random_uuid(), 1, clock_ms() + 30000)"
    )
    answer = await trigger(world.api, made)
    assert (answer.status, answer.body["statusMessage"]) == (429, "Too Many Requests")
    assert 25 <= int(answer.headers["Retry-After"]) <= 30
    await world.pipeline.execute(
        "INSERT INTO monitor_health (monitor_id, organization_id, health, since, last_checked_at, outcome)"
        " VALUES ($1, 1, 'up', 1, 1, 'ok')",
        made["id"],
    )
    assert (await trigger(world.api, made)).status == 200  # a proven IMAP login takes no turns
    await world.pipeline.execute("UPDATE login_grants SET expires_at = clock_ms() - 1")
    await world.pipeline.execute("DELETE FROM monitor_health")
    assert (await trigger(world.api, made)).status == 200


async def test_history_shows_what_was_recorded_newest_first(world: Any) -> None:
    made = await world.api.created()
    other = await world.api.created(name="other")
    number = await world.location("fra")
    detail = {"outcomeClass": "auth_rejected", "phasesMs": {"auth": 1.5}, "transcript": "S: NO", "certificate": None}
    base = 1_772_107_200_000
    good = await world.result(made, number, slot_at=base)
    bad = await world.result(made, number, slot_at=base + 1000, passed=False, detail=detail)
    await world.result(other, number, slot_at=base + 2000)
    answer = await world.api.get(f"{MONITORS}/{made['publicId']}/check-history")
    first, second = answer.body["data"]
    assert first == {
        "id": str(bad),
        "status": "failure",
        "errorMessage": "The server refused the password.",
        "warningMessage": None,
        "timingImapPop": 42.2,
        "diagnostics": detail,
        "checkedAt": "2026-02-26T12:00:01.000Z",
        "locationId": number,
        "locationName": "FRA",
        "locationCode": "fra",
    }
    assert (second["id"], second["status"], second["errorMessage"]) == (str(good), "success", None)
    assert second["warningMessage"] == "The certificate expires in 3 days."
    assert answer.body["nextCursor"] is None


async def test_history_is_paged_through_by_cursor(world: Any) -> None:
    made = await world.api.created()
    number = await world.location("fra")
    wanted = [await world.result(made, number, slot_at=1_772_107_200_000 + step // 2) for step in range(5)]
    path, cursor, seen = f"{MONITORS}/{made['publicId']}/check-history?limit=2", "", []
    for _ in range(3):
        body = (await world.api.get(path + cursor)).body
        seen += [item["id"] for item in body["data"]]
        cursor = f"&cursor={body['nextCursor']}"
    assert body["nextCursor"] is None
    assert sorted(seen) == sorted(str(check_id) for check_id in wanted)
    for wrong in ("limit=0", "limit=201", "limit=x", "cursor=x", "cursor=%00", "cursor=" + "_" * 32):
        assert (await world.api.get(f"{MONITORS}/{made['publicId']}/check-history?{wrong}")).status == 400, wrong


async def answering(world: Any, make: Callable[[Any], CheckResult | MissedSlots | None]) -> Any:
    """Stand in for scheduler and worker: take the next test that is asked for and answer it."""

    async def asked_for() -> bool:
        return bool(await world.requests("test"))

    await world.until(asked_for)
    (row,) = await world.requests("test")
    reply = make(row)
    if reply is not None:
        await world.broker.publish([reply_message(reply, reply_to=row["reply_to"])])
    return row


def result_for(row: Any, outcome: Outcome, *, withheld: bool = False) -> CheckResult:
    return CheckResult(
        check_id=row["check_id"],
        kind=CheckKind.TEST,
        organization_id=1,
        monitor_id=0,
        monitor_public_id=row["monitor_public_id"],
        revision=0,
        location="fra",
        slot_at=row["slot_at"],
        start_at=row["start_at"],
        started_at=1_772_107_200_000,
        interval_ms=60_000,
        record=False,
        withheld=withheld,
        outcome=outcome,
        worker="imap_worker@h:1",
    )


def missed_for(row: Any, reason: MissedReason, *, retry_in_ms: int | None = None) -> MissedSlots:
    return MissedSlots(
        kind=CheckKind.TEST,
        organization_id=1,
        monitor_id=0,
        monitor_public_id=row["monitor_public_id"],
        revision=0,
        location="fra",
        first_slot=row["slot_at"],
        last_slot=row["slot_at"],
        interval_ms=60_000,
        reason=reason,
        check_id=row["check_id"],
        retry_at=None if retry_in_ms is None else row["slot_at"] + retry_in_ms,
        record=False,
    )


CERTIFICATE = CertificateFacts(
    subject="CN=mail.example.com",
    issuer="CN=CA",
    serial_number="1",
    fingerprint_sha256="ab",
    not_before_ms=1,
    not_after_ms=2,
    days_left=3,
    tls_version="TLSv1.3",
    cipher="x",
    verified=True,
)


async def test_a_test_answers_with_the_whole_result_and_stores_no_monitor(world: Any) -> None:
    await world.location("fra")
    outcome = Outcome(
        kind=OutcomeKind.OK,
        phase=Phase.LOGOUT,
        message="All is well.",
        login=LoginOutcome.ACCEPTED,
        phases_ms={Phase.CONNECT: 1.25, Phase.AUTH: 30.0},
        total_ms=40.06,
        address="192.0.2.1",
        certificate=CERTIFICATE,
        warnings=(outcomes.Warning(code=WarningCode.CERTIFICATE_EXPIRING, text="3 days left"),),
    )
    asked = asyncio.create_task(world.api.post(TEST, BODY))
    row = await answering(world, lambda row: result_for(row, outcome))
    answer = await asked
    assert answer.status == 200
    body = answer.body
    assert (body["success"], body["health"], body["warnings"]) == (True, "degraded", [])
    result = body["result"]
    assert (result["id"], result["status"], result["timingImapPop"]) == (str(row["check_id"]), "success", 40.1)
    assert result["warningMessage"] == "3 days left"
    assert (result["checkedAt"], result["locationCode"]) == ("2026-02-26T12:00:00.000Z", "fra")
    diagnostics = result["diagnostics"]
    assert diagnostics["phasesMs"] == {"connect": 1.25, "auth": 30.0}
    assert diagnostics["certificate"]["daysLeft"] == 3
    assert diagnostics["outcomeClass"] == "ok"
    assert (await world.api.get(MONITORS)).body["total"] == 0
    assert "secret" not in answer.text


async def test_a_tests_password_is_sealed_to_an_id_used_once(world: Any) -> None:
    await world.location("fra")
    outcome = Outcome(kind=OutcomeKind.OK, phase=Phase.LOGOUT, message="ok")
    asked = asyncio.create_task(world.api.post(TEST, BODY))
    row = await answering(world, lambda row: result_for(row, outcome))
    assert (await asked).status == 200
    assert row["monitor_id"] == 0
    assert row["give_up_at"] - row["slot_at"] == 10_000
    assert row["credential_id"] is not None
    assert "secret" not in json.dumps(row["target"])
    target = CheckTarget.model_validate(row["target"])
    assert (target.hostname, target.port, target.user, target.timeout_ms) == ("mail.example.com", 993, "u", 1000)
    context = password_binding(1, row["monitor_public_id"], target).context()
    assert world.private_keys.open(target.sealed_password or "", context) == b"secret"


async def test_a_failed_test_says_what_is_wrong(world: Any) -> None:
    await world.location("fra")
    outcome = Outcome(
        kind=OutcomeKind.AUTH_REJECTED,
        phase=Phase.AUTH,
        message="The server refused the password.",
        hint="Check the password.",
        server_words="NO [AUTHENTICATIONFAILED]",
        transcript="C: LOGIN ***",
    )
    asked = asyncio.create_task(world.api.post(TEST, BODY))
    await answering(world, lambda row: result_for(row, outcome))
    body = (await asked).body
    assert (body["success"], body["health"]) == (False, "down")
    assert body["result"]["errorMessage"] == "The server refused the password."
    assert body["result"]["diagnostics"]["transcript"] == "C: LOGIN ***"


async def test_a_test_the_rules_for_logins_forbid_is_429(world: Any) -> None:
    await world.location("fra")
    for number, (reason, lowest, highest) in enumerate(
        ((MissedReason.WITHHELD, 880, 900), (MissedReason.BUSY, 880, 900), (MissedReason.PACED, 880, 900))
    ):
        asked = asyncio.create_task(world.api.post(TEST, {**BODY, "name": str(number)}))
        await answering(world, lambda row, reason=reason: missed_for(row, reason, retry_in_ms=900_000))
        answer = await asked
        assert answer.status == 429
        assert lowest <= int(answer.headers["Retry-After"]) <= highest
        await world.pipeline.execute("DELETE FROM check_requests")


async def test_a_test_nobody_could_make_is_503(world: Any) -> None:
    answer = await world.api.post(TEST, BODY)
    assert (answer.status, answer.body["message"]) == (503, "No active monitoring locations available")
    await world.location("fra", country="DE")
    answer = await world.api.post(TEST, {**BODY, "allowedCheckCountryCodes": ["US"]})
    assert answer.status == 400
    for reason in (MissedReason.NO_WORKER, MissedReason.QUEUE_FULL, MissedReason.STALE):
        asked = asyncio.create_task(world.api.post(TEST, BODY))
        await answering(world, lambda row, reason=reason: missed_for(row, reason))
        answer = await asked
        assert answer.status == 503
        await world.pipeline.execute("DELETE FROM check_requests")


async def test_a_test_nobody_answers_ends_in_504(world: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("services.api_gateway.checks.trial_handlers.PATIENCE_SECONDS", 0.1)
    await world.location("fra")
    answer = await world.api.post(TEST, BODY)
    assert (answer.status, answer.body["message"]) == (504, "No worker answered in time")


async def test_a_test_is_validated_as_a_new_monitor_is(api: Any) -> None:
    answer = await api.post(TEST, {**BODY, "hostname": "a b", "port": "1", "customerId": "x"})
    assert (answer.status, sorted(answer.pointers)) == (400, ["/customerId", "/hostname", "/port"])
    assert (await api.post(TEST, {**BODY, "customerId": 4711})).status == 404


async def test_answers_nobody_waits_for_do_no_harm(world: Any) -> None:
    await world.location("fra")
    outcome = Outcome(kind=OutcomeKind.OK, phase=Phase.LOGOUT, message="ok")

    def twice(row: Any) -> CheckResult:
        return result_for(row, outcome)

    asked = asyncio.create_task(world.api.post(TEST, BODY))
    row = await answering(world, twice)
    assert (await asked).status == 200
    await world.broker.publish([reply_message(twice(row), reply_to=row["reply_to"])])
    await world.pipeline.execute("DELETE FROM check_requests")
    asked = asyncio.create_task(world.api.post(TEST, BODY))
    await answering(world, twice)
    assert (await asked).status == 200
