"""The IMAP probe: the shared attempt, with IMAP's dialogue."""

from collections.abc import Coroutine
from typing import Any

from services.imap_worker.dialogue import imap_dialogue
from shared.checks.outcome import Outcome
from shared.probing.attempt import attempt
from shared.probing.probe import OnPhase, ProbeEnvironment, ProbeRequest


def imap_probe(
    request: ProbeRequest,
    environment: ProbeEnvironment,
    *,
    deadline_seconds: float | None = None,
    on_phase: OnPhase | None = None,
) -> Coroutine[Any, Any, Outcome]:
    """Check one IMAP mailbox; see `shared.probing.probe.Probe`."""
    return attempt(request, environment, imap_dialogue, deadline_seconds=deadline_seconds, on_phase=on_phase)
