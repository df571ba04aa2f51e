"""The small regular duties: which queues there are, partitions ahead of time, and rows nobody needs any more."""

import asyncio

import structlog

from services.scheduler import location_store, request_store, upkeep_store
from services.scheduler.dispatcher import Dispatcher
from services.scheduler.lease_store import fenced_transaction
from services.scheduler.plan import Queue
from services.scheduler.term import Term
from shared.runtime import metrics

_log = structlog.get_logger()

KEEP_FINISHED_MS = 24 * 3_600_000
MOST_DELETED = 5_000
# Whatever is left after so many steps is for the next time.
MOST_STEPS = 20
PARTITION_DAYS = 7
DAY_MS = 86_400_000

# So many days at a look: a clock that is wrong for an hour does not take a year of results with it.
MOST_DROPPED = 2


class Fleet:
    """Knows the queues, and has a dispatcher for each of them."""

    def __init__(self, term: Term, tasks: asyncio.TaskGroup) -> None:
        self._term = term
        self._tasks = tasks

    async def look(self) -> None:
        """Who was seen lately; a queue seen for the first time gets its dispatcher."""
        for seen in await location_store.served_queues(self._term.pool):
            queue = self._term.queues.get((seen.location_id, seen.protocol))
            if queue is None:
                queue = Queue(seen.location_id, seen.location, seen.protocol, live=seen.live)
                self._open(queue)
            elif queue.live is not seen.live and (seen.live or self._term.knows_silence()):
                queue.live = seen.live
                said = "location_heard" if seen.live else "location_silent"
                _log.warning(said, location=seen.location, protocol=seen.protocol)
            queue.takes_canaries = seen.canaries

    def _open(self, queue: Queue) -> None:
        self._term.queues[queue.key] = queue
        self._tasks.create_task(Dispatcher(self._term, queue).run(), name=f"dispatch {queue.protocol}.{queue.location}")
        self._term.reconcile_all = True
        self._term.schedule_changed.set()
        _log.info("queue_opened", location=queue.location, protocol=queue.protocol)


async def tidy(term: Term) -> None:
    """Forget requests finished long ago, and hosts nobody waits for."""
    for _ in range(MOST_STEPS):
        async with fenced_transaction(term.pool, term.epoch) as (connection, now_ms):
            gone = await request_store.delete_finished(connection, before=now_ms - KEEP_FINISHED_MS, most=MOST_DELETED)
        if gone < MOST_DELETED:
            break
    term.pacer.forget_past(now_ms)


async def make_partitions(term: Term) -> None:
    """Partitions for the results of the days to come; results that found none are moved into theirs."""
    lost = await upkeep_store.results_out_of_place(term.pool)
    made = await upkeep_store.ensure_result_partitions(term.pool, days_ahead=PARTITION_DAYS)
    if made:
        _log.info("partitions_made", count=made)
    left = await upkeep_store.results_out_of_place(term.pool) if lost else 0
    if lost:
        _log.warning("results_without_partition", found=lost, left=left)
    metrics.RESULTS_OUT_OF_PLACE.set(left)


async def drop_past(term: Term, *, kept_days: int) -> None:
    """Results older than that go, by whole days, and what only they gave a meaning."""
    for _ in range(MOST_DROPPED):
        dropped = await upkeep_store.drop_result_partition(term.pool, kept_days=kept_days)
        if dropped is None:
            break
        _log.info("partition_dropped", partition=dropped, kept_days=kept_days)
    metrics.RESULTS_OVERDUE_DAYS.set(await upkeep_store.days_overdue(term.pool, kept_days=kept_days))
    async with fenced_transaction(term.pool, term.epoch) as (connection, now_ms):
        await upkeep_store.delete_spent(
            connection,
            grants_before=now_ms - DAY_MS,
            schedule_before=now_ms - (kept_days + 1) * DAY_MS,
            most=MOST_DELETED,
        )
