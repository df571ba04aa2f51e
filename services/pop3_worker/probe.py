"""The POP3 probe: the shared attempt, with POP3's dialogue."""

from collections.abc import Coroutine
from typing import Any

from services.pop3_worker.dialogue import pop3_dialogue
from shared.checks.outcome import Outcome
from shared.probing.attempt import attempt
from shared.probing.probe import OnPhase, ProbeEnvironment, ProbeRequest


def pop3_probe(
    request: ProbeRequest,
    environment: ProbeEnvironment,
    *,
    deadline_seconds: float | None = None,
    on_phase: OnPhase | None = None,
) -> Coroutine[Any, Any, Outcome]:
    """Check one POP3 mailbox; see `shared.probing.probe.Probe`."""
    return attempt(request, environment, pop3_dialogue, deadline_seconds=deadline_seconds, on_phase=on_phase)
