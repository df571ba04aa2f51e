"""A result as it is stored, and read back as the same finding."""

import json
from typing import Any

from services.result_recorder.health import Refusal
from services.result_recorder.rows import HELD_BACK, ResultRow, finding_of, finding_of_row, row_of
from shared.checks.outcome import CertificateFacts
from shared.checks.outcome import Warning as CheckWarning
from shared.checks.vocabulary import LoginOutcome, OutcomeKind, Phase, WarningCode
from tests.support.answers import answer, slot, with_login

REFUSAL = Refusal("auth_rejected", "auth", "The server refused the login.", "Look at the password.", "NO", 5)


def test_what_health_needs_survives_being_stored() -> None:
    slow = CheckWarning(code=WarningCode.SLOW, text="It took 4 s.")
    plain = CheckWarning(code=WarningCode.UNVERIFIED, text="Nobody vouches for it.")
    for result in (
        answer(slot(1)),
        answer(slot(1), warnings=(slow, plain)),
        answer(slot(1), OutcomeKind.CONNECT_REFUSED, withheld=True),
        with_login(answer(slot(1), OutcomeKind.AUTH_REJECTED), LoginOutcome.REFUSED),
    ):
        assert finding_of_row(_read_back(row_of(result, 0, REFUSAL))) == finding_of(result)


def test_only_warnings_against_the_server_degrade() -> None:
    plain = CheckWarning(code=WarningCode.UNVERIFIED, text="Nobody vouches for it.")
    result = answer(slot(1), warnings=(plain,))
    assert finding_of(result).warning is None
    assert row_of(result, 0, None).warning == "Nobody vouches for it."


def test_a_withheld_check_shows_the_refusal_and_is_read_back_as_held_back() -> None:
    result = answer(slot(1), withheld=True)
    row = row_of(result, 0, REFUSAL)
    assert (row.outcome, row.phase, row.message, row.passed) == ("auth_rejected", "auth", REFUSAL.message, False)
    detail = json.loads(row.detail)
    assert (detail["outcomeClass"], detail["hint"], detail["serverWords"]) == (
        "auth_rejected",
        "Look at the password.",
        "NO",
    )
    back = finding_of_row(_read_back(row))
    assert (back.kind, back.withheld) == (OutcomeKind.OK, True)


def test_a_withheld_check_without_a_known_refusal_says_so_and_does_not_pass() -> None:
    row = row_of(answer(slot(1), withheld=True), 0, None)
    assert (row.passed, row.message) == (False, HELD_BACK)


def test_a_withheld_check_that_failed_before_the_login_shows_its_own_failure() -> None:
    row = row_of(answer(slot(1), OutcomeKind.CONNECT_REFUSED, withheld=True), 0, REFUSAL)
    assert (row.outcome, row.message) == ("connect_refused", "It ended in connect_refused.")


def test_the_document_has_the_members_people_are_promised() -> None:
    certificate = CertificateFacts(
        subject="CN=mail.example.com",
        issuer="CN=An authority",
        serial_number="01",
        fingerprint_sha256="ab",
        not_before_ms=1,
        not_after_ms=2,
        days_left=20,
        tls_version="TLSv1.3",
        cipher="TLS_AES_256_GCM_SHA384",
        verified=True,
    )
    result = answer(slot(1))
    outcome = result.outcome.model_copy(update={"certificate": certificate, "phases_ms": {Phase.TLS: 1.235}})
    detail = json.loads(row_of(result.model_copy(update={"outcome": outcome}), 0, None).detail)
    assert detail["certificate"]["fingerprintSha256"] == "ab"
    assert detail["phasesMs"] == {"tls": 1.235}
    assert set(detail) == {
        "outcomeClass",
        "phase",
        "hint",
        "serverWords",
        "phasesMs",
        "totalMs",
        "address",
        "certificate",
        "warnings",
        "transcript",
        "login",
        "withheld",
        "worker",
        "loopLagMs",
        "checkKind",
        "slotAt",
        "startAt",
    }


def test_the_document_says_what_the_result_says_whatever_a_worker_is_called() -> None:
    result = answer(slot(1), worker='imap "worker"\\\n@ÿ\u2028:1', withheld=True, loop_lag_ms=1e-7)
    detail = json.loads(row_of(result, 0, None).detail)
    told = {name: detail[name] for name in ("withheld", "worker", "loopLagMs", "checkKind", "slotAt", "startAt")}
    assert told == {
        "withheld": True,
        "worker": result.worker,
        "loopLagMs": 1e-7,
        "checkKind": "scheduled",
        "slotAt": slot(1),
        "startAt": slot(1),
    }


def _read_back(row: ResultRow) -> dict[str, Any]:
    return row._asdict() | {"detail": json.loads(row.detail)}
