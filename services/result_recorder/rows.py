"""One result as it is kept: the columns of `results`, and the document people get as `diagnostics`.

Pure. `finding_of` and `finding_of_row` give health the same view of a result on its way in and of one read back.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from services.result_recorder.health import Finding, Refusal
from shared.checks.diagnostics import diagnostics_text
from shared.checks.messages import CheckResult
from shared.checks.vocabulary import DEGRADING_WARNINGS, LoginOutcome, OutcomeKind, Phase

HELD_BACK = "The login was held back after an earlier refusal; everything before it worked."


class ResultRow(NamedTuple):
    """What is stored of a result; the names are those of the columns."""

    check_id: UUID
    slot_at: int
    organization_id: int
    monitor_id: int
    location_id: int
    kind: str
    revision: int
    outcome: str
    phase: str
    passed: bool
    withheld: bool
    start_at: int
    started_at: int
    total_ms: float
    message: str
    warning: str | None
    detail: str  # JSON


def finding_of(result: CheckResult) -> Finding:
    """What health needs to know of a result that arrived."""
    outcome = result.outcome
    degrading = [warning.text for warning in outcome.warnings if warning.code in DEGRADING_WARNINGS]
    return Finding(
        check_id=result.check_id,
        slot_at=result.slot_at,
        started_at=result.started_at,
        kind=outcome.kind,
        phase=outcome.phase,
        message=outcome.message,
        hint=outcome.hint,
        server_words=outcome.server_words,
        warning=" ".join(degrading) or None,
        login=outcome.login,
        withheld=result.withheld,
    )


def finding_of_row(row: Mapping[str, Any]) -> Finding:
    """The same of a stored result: columns of `results`, `detail` among them."""
    detail = row["detail"]
    # A withheld check never reaches the login: a row that says so shows the refusal behind it.
    shows_refusal = row["withheld"] and row["phase"] == Phase.AUTH
    degrading = [warning["text"] for warning in detail["warnings"] if warning["code"] in DEGRADING_WARNINGS]
    return Finding(
        check_id=row["check_id"],
        slot_at=row["slot_at"],
        started_at=row["started_at"],
        kind=OutcomeKind.OK if shows_refusal else OutcomeKind(row["outcome"]),
        phase=Phase(row["phase"]),
        message=row["message"],
        hint=detail["hint"],
        server_words=detail["serverWords"],
        warning=" ".join(degrading) or None,
        login=LoginOutcome(detail["login"]),
        withheld=row["withheld"],
    )


def row_of(result: CheckResult, location_id: int, refusal: Refusal | None) -> ResultRow:
    """A result as it is stored.

    Args:
        refusal: what a withheld check shows, unless it failed by itself before the login.
    """
    outcome, message = result.outcome, result.outcome.message
    if result.withheld and outcome.passed:
        message = HELD_BACK
        if refusal is not None:
            message = refusal.message
            result = _showing(result, refusal)
    kind, phase = result.outcome.kind, result.outcome.phase
    return ResultRow(
        check_id=result.check_id,
        slot_at=result.slot_at,
        organization_id=result.organization_id,
        monitor_id=result.monitor_id,
        location_id=location_id,
        kind=result.kind,
        revision=result.revision,
        outcome=kind,
        phase=phase,
        passed=outcome.passed and not result.withheld,
        withheld=result.withheld,
        start_at=result.start_at,
        started_at=result.started_at,
        total_ms=outcome.total_ms,
        message=message,
        warning=" ".join(warning.text for warning in outcome.warnings) or None,
        detail=diagnostics_text(result),
    )


def _showing(result: CheckResult, refusal: Refusal) -> CheckResult:
    shown = {
        "kind": OutcomeKind(refusal.outcome),
        "phase": Phase(refusal.phase),
        "hint": refusal.hint,
        "server_words": refusal.server_words,
    }
    return result.model_copy(update={"outcome": result.outcome.model_copy(update=shown)})
