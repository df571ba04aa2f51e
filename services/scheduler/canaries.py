"""The pipeline's pulse: every half minute a job for each live queue that no monitor stands behind.

It goes the way of the slots: after a claim that was committed, so that a scheduler that cannot claim has no pulse
either, and into the lane they take, so that a lane nobody empties shows. Nothing is written down about it: its time is
up when the next one is sent, which takes the place of one that was lost.
"""

from uuid import NAMESPACE_URL, UUID, uuid5

import structlog

from services.scheduler.plan import Queue
from shared.broker.envelope import job_message
from shared.broker.seam import Broker, PublishOutcome
from shared.checks.messages import CheckJob, JobBatch
from shared.checks.target import CheckTarget
from shared.checks.vocabulary import CheckKind, Lane, MailProtocol
from shared.runtime import metrics

_log = structlog.get_logger()

EVERY_MS = 30_000
PUBLISH_TIMEOUT_SECONDS = 4.0

_NAMESPACE = uuid5(NAMESPACE_URL, "urn:mailprobe:canary")
_NOBODY = 0
# What is really asked is the worker's own server, whose port it alone knows.
_NOWHERE = "canary.invalid"


async def send_canary(broker: Broker, queue: Queue, *, now_ms: int) -> bool:
    """Send one if it is time, in a message of its own; False where it came back for want of a queue.

    Raises BrokerUnavailable; it is tried again then.
    """
    if not (queue.live and queue.takes_canaries) or 0 <= now_ms - queue.canary_sent_at < EVERY_MS:
        return True
    jobs = JobBatch(published_at=now_ms, jobs=(canary_job(queue, now_ms),))
    (outcome,) = await broker.publish([job_message(jobs, lane=Lane.DUE)], timeout_seconds=PUBLISH_TIMEOUT_SECONDS)
    queue.canary_sent_at = now_ms
    metrics.CANARIES_SENT.labels(queue.location, queue.protocol, outcome).inc()
    if outcome is not PublishOutcome.CONFIRMED:
        _log.warning("canary_not_taken", location=queue.location, protocol=queue.protocol, outcome=outcome)
    return outcome is not PublishOutcome.UNROUTABLE


def canary_job(queue: Queue, now_ms: int) -> CheckJob:
    """The job: due now, and stale when the next one is due."""
    return CheckJob(
        check_id=uuid5(_NAMESPACE, f"{queue.location}/{queue.protocol}/{now_ms}"),
        kind=CheckKind.CANARY,
        organization_id=_NOBODY,
        monitor_id=_NOBODY,
        monitor_public_id=UUID(int=_NOBODY),
        revision=0,
        location=queue.location,
        slot_at=now_ms,
        start_at=now_ms,
        not_after=now_ms + EVERY_MS,
        interval_ms=EVERY_MS,
        target=CheckTarget(protocol=MailProtocol(queue.protocol), hostname=_NOWHERE, port=1),
    )
