"""An IMAP worker that dies by SIGKILL as soon as it probes a mailbox named poison: `python -m` this."""

import os
import signal
import sys

from services.imap_worker.canary_server import ImapCanaryServer
from services.imap_worker.probe import imap_probe
from shared.checks.outcome import Outcome
from shared.checks.vocabulary import MailProtocol
from shared.probing.job_handling.process import run_worker
from shared.probing.probe import OnPhase, ProbeEnvironment, ProbeRequest


async def deadly_probe(
    request: ProbeRequest,
    environment: ProbeEnvironment,
    *,
    deadline_seconds: float | None = None,
    on_phase: OnPhase | None = None,
) -> Outcome:
    """The real probe, but for poison."""
    if (request.target.user or "").startswith("poison"):
        os.kill(os.getpid(), signal.SIGKILL)
    return await imap_probe(request, environment, deadline_seconds=deadline_seconds, on_phase=on_phase)


if __name__ == "__main__":
    sys.exit(run_worker(MailProtocol.IMAP, deadly_probe, ImapCanaryServer))
