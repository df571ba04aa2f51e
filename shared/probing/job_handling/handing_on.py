"""Jobs put into the retry lane, each alone: split from a redelivered batch, or handed back by a worker that leaves."""

import time

import structlog

from shared.broker.envelope import job_message
from shared.checks.messages import CheckJob, JobBatch
from shared.checks.vocabulary import Lane
from shared.probing.job_handling.admission import is_stale
from shared.probing.job_handling.clock import FleetClock
from shared.probing.job_handling.confirmed import ConfirmedPublisher
from shared.probing.job_handling.ledger import Settled

_log = structlog.get_logger()

# A retried job may be the one that kills its worker. Before this one begins any, what it handed on has to be
# acknowledged, or its next life meets the same batch again, and hands on the deadly one twice.
QUIET_SECONDS = 0.5


class HandingOn:
    """The way to the retry lane, and how long ago it was last taken."""

    def __init__(
        self, publisher: ConfirmedPublisher, clock: FleetClock, *, quiet_seconds: float = QUIET_SECONDS
    ) -> None:
        self._publisher = publisher
        self._clock = clock
        self._quiet_seconds = quiet_seconds
        self._last = float("-inf")

    async def hand_on(self, job: CheckJob, *, published_at: int, started: bool) -> Settled | None:
        """HANDED_ON once confirmed, ABANDONED at the end of the worker, None once it is too late for the job.

        `published_at` stays: it is still true that it is later than that, which is all a reader takes from it.
        """
        alone = JobBatch(published_at=published_at, jobs=(job.model_copy(update={"started": started}),))

        def too_late(_attempts: int, _reason: str) -> bool:
            return is_stale(job, now_ms=self._clock.now_ms())

        message = job_message(alone, lane=Lane.RETRY)
        confirmed = await self._publisher.send(message, what="hand_on", give_up=too_late)
        self._last = time.monotonic()
        if confirmed:
            _log.info("job_handed_on", check_id=str(job.check_id), started=started)
            return Settled.HANDED_ON
        return Settled.ABANDONED if self._publisher.abandon.is_set() else None

    def quiet_in_seconds(self) -> float:
        """How long a job of the retry lane has to wait yet."""
        return self._last + self._quiet_seconds - time.monotonic()
