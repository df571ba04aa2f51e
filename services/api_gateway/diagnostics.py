"""Checks as histories show them: recorded ones, and a result straight from a worker in the same form."""

from services.api_gateway.checks.history_store import HistoryRow
from services.api_gateway.checks.models import CheckAnswer
from services.api_gateway.checks.request_store import LiveLocation
from services.api_gateway.field_types import moment_of_ms
from shared.checks.diagnostics import diagnostics_of
from shared.checks.messages import CheckResult
from shared.checks.vocabulary import DEGRADING_WARNINGS, OURS, SOFT_FAILURES, Health


def check_of_row(row: HistoryRow) -> CheckAnswer:
    """A recorded check as histories show it."""
    return CheckAnswer(
        id=row.check_id,
        status="success" if row.passed else "failure",
        error_message=None if row.passed else row.message,
        warning_message=row.warning,
        timing_imap_pop=round(row.total_ms, 1),
        diagnostics=row.detail,
        checked_at=moment_of_ms(row.started_at),
        location_id=row.location_id,
        location_name=row.location_name or "",
        location_code=row.location_code or "",
    )


def check_answer(result: CheckResult, location: LiveLocation) -> CheckAnswer:
    """One check and everything it saw."""
    outcome = result.outcome
    passed = outcome.passed and not result.withheld
    return CheckAnswer(
        id=result.check_id,
        status="success" if passed else "failure",
        error_message=None if passed else outcome.message,
        warning_message=" ".join(warning.text for warning in outcome.warnings) or None,
        timing_imap_pop=round(outcome.total_ms, 1),
        diagnostics=diagnostics_of(result),
        checked_at=moment_of_ms(result.started_at),
        location_id=location.id,
        location_name=location.name,
        location_code=location.code,
    )


def health_after(result: CheckResult) -> Health:
    """What one such check alone would make us believe."""
    outcome = result.outcome
    if outcome.kind in OURS or (outcome.passed and result.withheld):
        return Health.UNKNOWN
    if outcome.passed:
        degraded = any(warning.code in DEGRADING_WARNINGS for warning in outcome.warnings)
        return Health.DEGRADED if degraded else Health.UP
    return Health.DEGRADED if outcome.kind in SOFT_FAILURES else Health.DOWN
