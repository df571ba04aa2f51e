"""Every half minute each live queue gets a job of nobody's, and nothing keeps count of it."""

from itertools import islice, pairwise

from shared.broker.seam import BrokerUnavailable, PublishOutcome
from shared.checks.messages import CheckJob
from shared.checks.vocabulary import CheckKind
from tests.integration.scheduler.world import MINUTE, SECOND, START_MS, World
from tests.support.conservation import assert_conserved


async def with_canaries(world: World) -> None:
    await world.pool.execute("UPDATE location_workers SET canaries = true")


def canaries(world: World, location: str = "here", protocol: str = "imap") -> list[CheckJob]:
    return [
        job
        for job in world.broker.jobs
        if job.kind is CheckKind.CANARY and (job.location, job.target.protocol) == (location, protocol)
    ]


async def test_each_live_queue_gets_one_every_half_minute(database_dsn: str) -> None:
    async with World.opened(database_dsn) as world:
        await world.add_location("there", protocols=("imap", "pop3"))
        await with_canaries(world)
        await world.run_until(START_MS + 5 * MINUTE, answering=False)
        for queue in (("here", "imap"), ("there", "imap"), ("there", "pop3")):
            sent = canaries(world, *queue)
            assert len(sent) == 10, queue
            assert len({job.check_id for job in sent}) == 10
            for job, after in pairwise(sent):
                assert after.slot_at - job.slot_at == 30 * SECOND
                assert job.not_after <= after.slot_at, "at most one is under way"


async def test_it_goes_into_the_lane_of_slots_alone_and_nobody_keeps_it(database_dsn: str) -> None:
    async with World.opened(database_dsn) as world:
        await with_canaries(world)
        for _ in range(100):
            await world.add_monitor(interval_ms=30_000)
        await world.reconcile()
        await world.run_until(START_MS + 3 * MINUTE)
        assert set(world.broker.keys) == {"imap.here.due"}
        jobs = iter(world.broker.jobs)
        for size in world.broker.batches:
            kinds = {job.kind for job in islice(jobs, size)}
            assert kinds == {CheckKind.SCHEDULED} or size == 1
        assert len(canaries(world)) == 6
        asked = await world.pool.fetchval("SELECT count(*) FROM check_requests WHERE kind = 'canary'")
        assert asked == 0
        counted = await assert_conserved(world.pool)
        assert counted.claimed == counted.results + counted.in_flight


async def test_a_worker_that_does_not_know_them_gets_none(database_dsn: str) -> None:
    async with World.opened(database_dsn) as world:
        await with_canaries(world)
        await world.pool.execute("INSERT INTO location_workers VALUES (0, 'imap', 'an older one', 5, 0, $1)", world.now)
        await world.run_until(START_MS + MINUTE, answering=False)
        assert canaries(world) == []
        await world.pool.execute("UPDATE location_workers SET last_seen_at = 0 WHERE worker = 'an older one'")
        await world.pool.execute("UPDATE location_workers SET last_seen_at = clock_ms() WHERE canaries")
        await world.tick(seen=False)
        assert len(canaries(world)) == 1


async def test_a_silent_location_gets_none(database_dsn: str) -> None:
    async with World.opened(database_dsn) as world:
        await with_canaries(world)
        await world.tick()
        await world.set_clock(START_MS + 3 * MINUTE)
        await world.tick(seen=False)
        assert len(canaries(world)) == 1
        await world.tick()
        assert len(canaries(world)) == 2


async def test_one_that_was_not_taken_is_sent_with_the_next_tick_or_superseded(database_dsn: str) -> None:
    async with World.opened(database_dsn) as world:
        await with_canaries(world)
        world.broker.behaviour = {"imap.here.due": BrokerUnavailable("no answer")}
        for _ in range(2):
            try:
                await world.tick()
            except BrokerUnavailable:
                continue
            raise AssertionError("nobody noticed")
        world.broker.behaviour.clear()
        await world.tick()
        assert len(canaries(world)) == 1
        world.broker.behaviour = {"imap.here.due": PublishOutcome.REFUSED}
        await world.set_clock(world.now + 30 * SECOND)
        await world.tick()
        world.broker.behaviour.clear()
        await world.set_clock(world.now + 29 * SECOND)
        await world.tick()
        assert len(canaries(world)) == 1, "a full queue is not pressed"
        await world.set_clock(world.now + SECOND)
        await world.tick()
        assert len(canaries(world)) == 2


async def test_a_clock_that_goes_back_does_not_stop_them(database_dsn: str) -> None:
    async with World.opened(database_dsn) as world:
        await with_canaries(world)
        await world.tick()
        await world.set_clock(START_MS - 60 * MINUTE)
        await world.tick()
        assert len(canaries(world)) == 2
