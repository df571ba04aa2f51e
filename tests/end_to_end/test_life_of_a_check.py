"""A monitor described over HTTP is checked on a real mail server, through five processes and RabbitMQ."""

import base64
import re
import urllib.parse
from typing import Any

import pytest

from tests.end_to_end.conftest import Whole
from tests.support.broker_tap import BrokerTap
from tests.support.stored import everything_stored
from tests.support.waiting import until

PHASES = {"dns", "connect", "tls", "greeting", "capability", "auth", "mailbox", "logout"}


def documented_body(port: int, *, user: str = "anna", password: str = "right password") -> dict[str, Any]:
    """The seed document's request, with the practice server's name, port and account."""
    return {
        "customerId": "11111111-1111-4111-8111-111111111111",
        "name": "Mailbox Access",
        "hostname": "localhost",
        "port": port,
        "status": "active",
        "checkInterval": 30,
        "timeoutSeconds": 30,
        "imapPopConfig": {
            "protocol": "imap",
            "user": user,
            "password": password,
            "tls": True,
            "tlsOptions": {"rejectUnauthorized": True},
        },
    }


async def created(whole: Whole, body: dict[str, Any]) -> str:
    status, monitor = await whole.api.call("POST", "/api/imap-pop-monitors", body)
    assert status == 201, monitor
    return str(monitor["publicId"])


async def checked(whole: Whole, public_id: str, *, beyond: int = 0) -> dict[str, Any]:
    """The newest check once there are more than `beyond` of them."""

    async def look() -> dict[str, Any] | None:
        history = await whole.api.history(public_id)
        return history[0] if len(history) > beyond else None

    return await until(f"more than {beyond} checks of the monitor", look)  # type: ignore[return-value]


async def test_a_mailbox_is_watched_through_a_refused_password_and_its_recovery(whole: Whole) -> None:
    public_id = await created(whole, documented_body(whole.dovecot.imaps_port))
    first = await checked(whole, public_id)
    assert (first["status"], first["errorMessage"]) == ("success", None)
    assert set(first["diagnostics"]["phasesMs"]) == PHASES
    assert first["diagnostics"]["certificate"]["verified"] is True

    await whole.dovecot.set_password("anna", "another password")
    status, _ = await whole.api.call("POST", f"/api/imap-pop-monitors/{public_id}/trigger-check")
    assert status == 200
    refused = await checked(whole, public_id, beyond=1)
    assert refused["status"] == "failure"
    assert refused["diagnostics"]["outcomeClass"] == "auth_rejected"
    assert refused["diagnostics"]["phase"] == "auth"
    assert "AUTHENTICATIONFAILED" in refused["diagnostics"]["serverWords"]
    assert refused["diagnostics"]["transcript"]
    _, monitor = await whole.api.call("GET", f"/api/imap-pop-monitors/{public_id}")
    assert monitor["health"] == "down"

    await whole.dovecot.set_password("anna", "right password")
    status, _ = await whole.api.call("POST", f"/api/imap-pop-monitors/{public_id}/trigger-check")
    assert status == 200
    recovered = await checked(whole, public_id, beyond=2)
    assert recovered["status"] == "success"
    _, monitor = await whole.api.call("GET", f"/api/imap-pop-monitors/{public_id}")
    assert monitor["health"] == "up"
    assert monitor["lastCheckedAt"]
    assert whole.dovecot.rejected_logins() == 1


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
async def test_every_way_of_connecting_ends_in_success(whole: Whole, protocol: str) -> None:
    dovecot = whole.dovecot
    plain, tls = (
        (dovecot.imap_port, dovecot.imaps_port) if protocol == "imap" else (dovecot.pop3_port, dovecot.pop3s_port)
    )
    expected = {}
    for security, port in (("none", plain), ("starttls", plain), ("tls", tls)):
        body = documented_body(port)
        body["imapPopConfig"] = {
            "protocol": protocol,
            "user": "anna",
            "password": "right password",
            "security": security,
        }
        expected[await created(whole, body)] = PHASES - ({"tls"} if security == "none" else set())
    for public_id, phases in expected.items():
        check = await checked(whole, public_id)
        assert (check["status"], check["errorMessage"]) == ("success", None)
        assert set(check["diagnostics"]["phasesMs"]) == phases


async def test_a_test_answers_with_its_result_and_stores_no_monitor(whole: Whole) -> None:
    body = documented_body(whole.dovecot.imaps_port)
    status, answer = await whole.api.call("POST", "/api/imap-pop-monitors/test", body)
    assert status == 200, answer
    assert answer["success"] is True
    body["imapPopConfig"]["password"] = "wrong"
    status, answer = await whole.api.call("POST", "/api/imap-pop-monitors/test", body)
    assert status == 200, answer
    assert (answer["success"], answer["result"]["diagnostics"]["outcomeClass"]) == (False, "auth_rejected")
    _, listed = await whole.api.call("GET", "/api/imap-pop-monitors")
    assert listed["total"] == 0


async def test_a_password_is_nowhere_in_clear(whole: Whole) -> None:
    marker = 'Marker-7f3a"\\{3} päss'
    await whole.dovecot.set_password("anna", marker)
    async with BrokerTap(whole.rabbitmq.amqp_url(whole.vhost)) as tap:
        good = await created(whole, documented_body(whole.dovecot.imaps_port, password=marker))
        bad = await created(whole, documented_body(whole.dovecot.imaps_port, user="nobody", password=marker))
        assert (await checked(whole, good))["status"] == "success"
        assert (await checked(whole, bad))["status"] == "failure"
        for _ in range(10):
            status, _ = await whole.api.call(
                "POST", "/api/imap-pop-monitors/test", documented_body(whole.dovecot.imaps_port, password=marker)
            )
            assert status == 200
            if tap.answers:
                break
        assert tap.answers, "no answer was overheard"
        _, shown = await whole.api.call("GET", f"/api/imap-pop-monitors/{good}")
        _, history = await whole.api.call("GET", f"/api/imap-pop-monitors/{bad}/check-history")
        messages = tap.text()
    assert str(good) in messages, "the tap heard nothing"
    raw = marker.encode()
    needles = {
        "Marker-7f3a",
        base64.b64encode(raw).decode().rstrip("=")[:-1],
        urllib.parse.quote(marker)[:14],
        raw.hex(),
    }
    dump = await everything_stored(whole.database_dsn)
    assert str(good) in dump
    places = {"database": dump, "broker": messages, "logs": whole.fleet.logs(), "answers": f"{shown} {history}"}
    for place, text in places.items():
        for needle in needles:
            assert not re.search(re.escape(needle), text, re.IGNORECASE), f"{needle} in {place}"
