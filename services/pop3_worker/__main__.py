"""`python -m services.pop3_worker`: checks mailboxes over POP3 until told to stop."""

import sys

from services.pop3_worker.canary_server import Pop3CanaryServer
from services.pop3_worker.probe import pop3_probe
from shared.checks.vocabulary import MailProtocol
from shared.probing.job_handling.process import run_worker


def main() -> int:
    """Run with the settings of the environment; the exit code."""
    return run_worker(MailProtocol.POP3, pop3_probe, Pop3CanaryServer)


if __name__ == "__main__":
    sys.exit(main())
