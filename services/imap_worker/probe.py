"""The IMAP probe: the shared attempt, with IMAP's dialogue."""

from services.imap_worker.dialogue import imap_dialogue
from shared.checks.outcome import Outcome
from shared.probing.attempt import attempt
from shared.probing.probe import OnPhase, ProbeEnvironment, ProbeRequest


async def imap_probe(
    request: ProbeRequest,
    environment: ProbeEnvironment,
    *,
    deadline_seconds: float | None = None,
    on_phase: OnPhase | None = None,
) -> Outcome:
    """Check one IMAP mailbox; see `shared.probing.probe.Probe`."""
    return await attempt(request, environment, imap_dialogue, deadline_seconds=deadline_seconds, on_phase=on_phase)
