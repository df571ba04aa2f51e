"""`python -m services.imap_worker`: checks mailboxes over IMAP until told to stop."""

import sys

from services.imap_worker.canary_server import ImapCanaryServer
from services.imap_worker.probe import imap_probe
from shared.checks.vocabulary import MailProtocol
from shared.probing.job_handling.process import run_worker


def main() -> int:
    """Run with the settings of the environment; the exit code."""
    return run_worker(MailProtocol.IMAP, imap_probe, ImapCanaryServer)


if __name__ == "__main__":
    sys.exit(main())
