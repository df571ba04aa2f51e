"""The scheduler's service: stand by until the lock is ours, lead until it is lost, and begin again."""

import asyncio
import time
from dataclasses import dataclass

import structlog

from services.scheduler import lease_store, request_store
from services.scheduler.audit import Audit
from services.scheduler.lease_store import LeadershipLost, open_session
from services.scheduler.listening import listen
from services.scheduler.pacing import Pacer
from services.scheduler.reconciliation import Reconciliation
from services.scheduler.requests import RequestEnds, find_near
from services.scheduler.restart import end_lost_jobs
from services.scheduler.term import PASSING, Term, keep_doing
from services.scheduler.upkeep import Fleet, drop_past, make_partitions, tidy
from shared.broker.seam import Broker
from shared.broker.topology import core_topology
from shared.database.errors import DatabaseError
from shared.database.pool import Connection, Pool
from shared.runtime import metrics
from shared.runtime.lifecycle import back_off_seconds, retrying, stopped_within
from shared.runtime.loop_lag import LoopLag
from shared.runtime.settings import PaceSettings, RetentionSettings

_log = structlog.get_logger()

STAND_BY_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 2.0
HOUR_SECONDS = 3_600.0
DAY_SECONDS = 86_400.0

# What went well for so long was no failure to lead: the next one is the first again.
STEADY_SECONDS = 10.0


@dataclass(slots=True)
class Opening:
    """What a term begins with. `jobs_lost`: what was published before this process began is gone, and not yet told."""

    pace: PaceSettings
    jobs_lost: bool
    kept_days: int


async def serve_scheduler(
    *,
    dsn: str,
    pool: Pool,
    broker: Broker,
    settings: PaceSettings,
    stop: asyncio.Event,
    instance: str,
    jobs_survive: bool = True,
    retention: RetentionSettings | None = None,
) -> None:
    """Schedule checks until stopped, as the one that leads or standing by; outages are waited out.

    Args:
        dsn: for the connections that must not come from a pool: the lock's, the queues', the listener's.
        pool: of the pipeline's role, with two connections at least.
        broker: open.
        jobs_survive: False where the broker lives in this process and began empty.
        retention: how long results are kept; by default as long as by default.
    """
    failures = 0
    kept_days = (retention or RetentionSettings.model_construct()).results_retention_days
    opening = Opening(settings, jobs_lost=not jobs_survive, kept_days=kept_days)
    while not stop.is_set():
        session: Connection | None = None
        began = time.monotonic()
        try:
            session = await open_session(dsn, application_name="mailprobe scheduler (lock)")
            if await _stand_by(session, stop):
                await _lead(session, opening, dsn=dsn, pool=pool, broker=broker, stop=stop, instance=instance)
        except (DatabaseError, LeadershipLost) as error:
            failures = 1 if time.monotonic() - began >= STEADY_SECONDS else failures + 1
            _log.warning("not_leading", attempt=failures, error=str(error) or repr(error))
            await stopped_within(stop, back_off_seconds(failures, first=0.2, cap=5.0))
        finally:
            if session is not None:
                session.terminate()


async def _stand_by(session: Connection, stop: asyncio.Event) -> bool:
    """Wait for the lock; False when stopped first."""
    said = False
    while not await lease_store.try_lock(session):
        if not said:
            said = True
            _log.info("standing_by")
        if await stopped_within(stop, STAND_BY_SECONDS):
            return False
    return not stop.is_set()


async def _lead(
    session: Connection,
    opening: Opening,
    *,
    dsn: str,
    pool: Pool,
    broker: Broker,
    stop: asyncio.Event,
    instance: str,
) -> None:
    """One term: everything the leader does, until stopped. Raises LeadershipLost or DatabaseUnavailable."""
    epoch = await lease_store.raise_epoch(session, instance)
    _log.info("leading", epoch=epoch)
    pace = opening.pace
    pacer = Pacer(per_second=pace.host_logins_per_second, in_flight=pace.host_in_flight)
    for host, check_id, at in await request_store.reserved_places(session):
        pacer.keep_place(host, check_id, at)
    term = Term(dsn, pool, broker, epoch, instance, pacer, over=stop)
    # A task of its own: a group whose member fails leaves its task marked as cancelled (until Python 3.13), and ours
    # lives on.
    await asyncio.create_task(_serve_term(term, session, opening))
    await lease_store.unlock(session)


async def _serve_term(term: Term, session: Connection, opening: Opening) -> None:
    lost: list[str] = []
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_keep_lock(session, term.over))
            tasks.create_task(LoopLag().run(term.over))
            if opening.jobs_lost:
                tasks.create_task(_end_lost_jobs(term, opening))
            _start_duties(term, tasks, kept_days=opening.kept_days)
    except* (LeadershipLost, DatabaseError) as errors:
        lost = [str(error) for error in errors.exceptions]
    finally:
        metrics.REQUIRED_CONCURRENCY.clear()  # what a former leader says would never change again
    if lost:
        raise LeadershipLost("; ".join(lost))


async def _end_lost_jobs(term: Term, opening: Opening) -> None:
    async def end() -> bool:
        await term.broker.declare(core_topology())
        await end_lost_jobs(term)
        return True

    if await retrying(end, what="lost jobs", errors=PASSING, stop=term.over):
        opening.jobs_lost = False


def _start_duties(term: Term, tasks: asyncio.TaskGroup, *, kept_days: int) -> None:
    fleet, audit, ends, reconciliation = Fleet(term, tasks), Audit(term), RequestEnds(term), Reconciliation(term)

    async def declare() -> None:
        await term.broker.declare(core_topology())

    over = term.over
    duties = (
        keep_doing("declare", declare, over=over, every_seconds=DAY_SECONDS),
        keep_doing("listen", lambda: listen(term), over=over, every_seconds=1),
        keep_doing("locations", fleet.look, over=over, every_seconds=1, wake=term.locations_changed),
        keep_doing("reconcile", reconciliation.look, over=over, every_seconds=5, wake=term.schedule_changed),
        keep_doing("requests", lambda: find_near(term), over=over, every_seconds=1, wake=term.requests_changed),
        keep_doing("request ends", ends.look, over=over, every_seconds=1),
        keep_doing("audit", audit.look, over=over, every_seconds=1),
        keep_doing("tidy", lambda: tidy(term), over=over, every_seconds=60),
        keep_doing("partitions", lambda: make_partitions(term), over=over, every_seconds=HOUR_SECONDS),
        keep_doing("retention", lambda: drop_past(term, kept_days=kept_days), over=over, every_seconds=HOUR_SECONDS),
    )
    for duty in duties:
        tasks.create_task(duty)


async def _keep_lock(session: Connection, stop: asyncio.Event) -> None:
    """The lock is ours as long as its connection lives; when that is lost, the term is over at once."""
    while not await stopped_within(stop, KEEP_ALIVE_SECONDS):
        try:
            await lease_store.still_alive(session)
        except DatabaseError as error:
            raise LeadershipLost(f"the lock's connection is lost ({error})") from error
