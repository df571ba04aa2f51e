"""Notices of certificates that run out: one an endpoint, never one a mailbox."""

from typing import Any

import pytest

from services.result_recorder.incidents.certificates import ToldCertificates
from services.result_recorder.recording import record
from shared.checks.messages import CheckResult
from shared.checks.outcome import CertificateFacts
from shared.checks.vocabulary import OutcomeKind
from tests.support.answers import answer, slot
from tests.support.recorder_desk import CUSTOMER, RecorderDesk


def showing(result: CheckResult, days_left: int, fingerprint: str = "ab:cd") -> CheckResult:
    """The same result, having seen a certificate."""
    certificate = CertificateFacts(
        subject="CN=mail.example.com",
        issuer="CN=An Authority",
        serial_number="1",
        fingerprint_sha256=fingerprint,
        not_before_ms=1,
        not_after_ms=slot(0) + days_left * 86_400_000,
        days_left=days_left,
        tls_version="TLSv1.3",
        cipher="TLS_AES_256_GCM_SHA384",
        verified=True,
    )
    return result.model_copy(update={"outcome": result.outcome.model_copy(update={"certificate": certificate})})


async def notices(desk: RecorderDesk) -> list[dict[str, Any]]:
    return [row["facts"] for row in await desk.rows("SELECT facts FROM outbox WHERE kind = 'certificate' ORDER BY id")]


async def test_each_number_of_days_is_told_once_and_only_the_smallest_reached(desk: RecorderDesk) -> None:
    told = ToldCertificates()
    for number, days in enumerate((40, 22, 21, 20, 8, 5, 5, 2, 1, 0, -1)):
        await record(desk.pool, [showing(answer(slot(number)), days)], certificates=told)
    assert [(each["days"], each["days_left"]) for each in await notices(desk)] == [(21, 21), (7, 5), (1, 1)]


async def test_one_seen_late_is_told_for_the_days_that_are_left(desk: RecorderDesk) -> None:
    await record(desk.pool, [showing(answer(slot(0)), 5)])
    (notice,) = await notices(desk)
    assert notice == {
        "host": "mail.example.com",
        "port": 143,
        "fingerprint": "ab:cd",
        "subject": "CN=mail.example.com",
        "issuer": "CN=An Authority",
        "not_after_ms": slot(0) + 5 * 86_400_000,
        "days_left": 5,
        "days": 7,
        "customer_ids": [CUSTOMER],
        "addressed": [],
    }
    row = await desk.row("SELECT organization_id, customer_id, monitor_id, incident_id FROM outbox")
    assert row == {"organization_id": 1, "customer_id": None, "monitor_id": None, "incident_id": None}


async def test_many_mailboxes_and_a_restart_are_still_one_notice(desk: RecorderDesk) -> None:
    await desk.add_monitor(2)
    await desk.change_monitor(2, hostname="MAIL.example.com")
    await record(desk.pool, [showing(answer(slot(0), monitor_id=each), 20) for each in (1, 2)])
    await record(desk.pool, [showing(answer(slot(1), monitor_id=each), 20) for each in (1, 2)])
    assert len(await notices(desk)) == 1


async def test_it_names_the_monitors_behind_it_whose_own_address_is_to_be_told(desk: RecorderDesk) -> None:
    for number in (2, 3, 4):
        await desk.add_monitor(number)
        await desk.change_monitor(number, notification_email=f"n{number}@example.com")
    await desk.change_monitor(3, status="maintenance")
    await desk.change_monitor(4, port=1143)
    await record(desk.pool, [showing(answer(slot(0)), 20)])
    (notice,) = await notices(desk)
    assert (notice["customer_ids"], notice["addressed"]) == ([CUSTOMER], [[CUSTOMER, 2]])


async def test_another_port_or_certificate_is_another_notice(desk: RecorderDesk) -> None:
    await desk.add_monitor(2)
    await desk.change_monitor(2, port=1143)
    batch = [showing(answer(slot(0), monitor_id=each), 20) for each in (1, 2)]
    await record(desk.pool, [*batch, showing(answer(slot(1)), 20, "ef")])
    found = {(each["port"], each["fingerprint"]) for each in await notices(desk)}
    assert found == {(143, "ab:cd"), (1143, "ab:cd"), (143, "ef")}


async def test_an_expired_one_that_a_check_fails_for_is_no_notice(desk: RecorderDesk) -> None:
    await record(desk.pool, [showing(answer(slot(0), OutcomeKind.TLS_EXPIRED), -3)])
    assert await notices(desk) == []


@pytest.mark.parametrize("status", ["maintenance", "disabled"])
async def test_it_is_told_once_the_monitor_is_active_again(desk: RecorderDesk, status: str) -> None:
    told = ToldCertificates()
    await desk.change_monitor(status=status)
    await record(desk.pool, [showing(answer(slot(0)), 20)], certificates=told)
    assert await notices(desk) == []
    await desk.change_monitor(status="active")
    await record(desk.pool, [showing(answer(slot(1)), 20)], certificates=told)
    assert len(await notices(desk)) == 1


async def test_what_is_known_to_be_told_asks_the_database_nothing(desk: RecorderDesk) -> None:
    told = ToldCertificates()
    await record(desk.pool, [showing(answer(slot(0)), 20)], certificates=told)
    assert told.news([showing(answer(slot(1)), 20)]) == {}
    assert len(told.news([showing(answer(slot(1)), 7)])) == 1
