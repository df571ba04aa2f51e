"""What a check saw, by the names the HTTP API shows it under: stored so by the recorder, answered so by the gateway."""

from typing import Any

from pydantic.alias_generators import to_camel

from shared.checks.messages import CheckResult
from shared.checks.outcome import CertificateFacts

# Worked out once: of each result again, it took longer than the rest of what is done with one here.
_CERTIFICATE_NAMES = {name: to_camel(name) for name in CertificateFacts.model_fields}


def diagnostics_of(result: CheckResult) -> dict[str, Any]:
    """What is kept of a result besides its verdict, and shown as `diagnostics`, by the API's names."""
    outcome = result.outcome
    certificate = outcome.certificate
    return {
        "outcomeClass": outcome.kind,
        "phase": outcome.phase,
        "hint": outcome.hint,
        "serverWords": outcome.server_words,
        "phasesMs": {phase: round(ms, 3) for phase, ms in outcome.phases_ms.items()},
        "totalMs": outcome.total_ms,
        "address": outcome.address,
        "certificate": None
        if certificate is None
        else {_CERTIFICATE_NAMES[name]: value for name, value in certificate.model_dump(mode="json").items()},
        "warnings": [warning.model_dump(mode="json") for warning in outcome.warnings],
        "transcript": outcome.transcript,
        "login": outcome.login,
        "withheld": result.withheld,
        "worker": result.worker,
        "loopLagMs": result.loop_lag_ms,
        "checkKind": result.kind,
        "slotAt": result.slot_at,
        "startAt": result.start_at,
    }
