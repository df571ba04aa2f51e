"""One login at a time to a POP3 mailbox within this process, for a login locks it.

Over the fleet the scheduler sees to that. But a worker that stood still, or lost the broker for a while, may wake up
with a check that somebody else has answered meanwhile beside the one that followed it: both are in time, both are for
this mailbox, and at once the second would find it locked by the first.
"""

import asyncio

from shared.checks.messages import CheckJob
from shared.checks.vocabulary import MailProtocol
from shared.probing.job_handling.admission import may_log_in


class MailboxTurns:
    """Who is in which mailbox; whoever comes to one that is taken waits."""

    def __init__(self) -> None:
        self._taken: dict[tuple[str, str | None], asyncio.Future[None]] = {}

    async def enter(self, job: CheckJob) -> None:
        """Wait until nobody is in the job's mailbox. Each return needs one `leave`."""
        if job.target.protocol is MailProtocol.POP3 and may_log_in(job):
            mailbox = (job.target.hostname, job.target.user)
            while (other := self._taken.get(mailbox)) is not None:
                await asyncio.shield(other)
            self._taken[mailbox] = asyncio.get_running_loop().create_future()

    def leave(self, job: CheckJob) -> None:
        """The check is over."""
        if job.target.protocol is MailProtocol.POP3 and may_log_in(job):
            self._taken.pop((job.target.hostname, job.target.user)).set_result(None)
