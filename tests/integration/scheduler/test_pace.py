"""Fair to one mail server, whatever is asked of it."""

from collections import Counter

from tests.integration.scheduler.world import MINUTE, SECOND, START_MS, World
from tests.support.conservation import assert_conserved


async def test_a_host_is_asked_at_its_pace_in_rotation_and_the_excess_is_missed(database_dsn: str) -> None:
    async with World.opened(database_dsn, per_second=1, in_flight=1000) as world:
        for _ in range(60):
            await world.add_monitor(interval_ms=30_000)
        await world.reconcile()
        await world.run_until(START_MS + 4 * MINUTE)
        starts = sorted(job.start_at for job in world.broker.jobs)
        for start in starts:
            assert sum(start <= other < start + 5 * SECOND for other in starts) <= 5
        # Eight rounds at thirty a round: each of sixty has its share, about four turns.
        checked = Counter(job.monitor_id for job in world.broker.jobs)
        assert len(checked) == 60
        assert min(checked.values()) >= 2
        async with world.acting_as_gateway() as gateway:
            await gateway.execute("UPDATE monitors SET status = 'disabled', revision = revision + 1")
        await world.reconcile()
        await world.run_until(world.now + 3 * MINUTE, step=10 * SECOND)
        await assert_conserved(world.pool, settled=True)
        assert set(dict(await world.missed())) <= {"paced", "deleted"}


async def test_a_slow_host_never_has_more_out_than_allowed(database_dsn: str) -> None:
    async with World.opened(database_dsn, per_second=1000, in_flight=4) as world:
        for _ in range(30):
            await world.add_monitor(interval_ms=MINUTE, timeout_seconds=20)
        await world.reconcile()
        out: list[tuple[int, int]] = []
        while world.now < START_MS + 2 * MINUTE:
            await world.set_clock(world.now + SECOND)
            await world.tick()
            out += [(job.start_at, job.start_at + 10 * SECOND) for job in world.new_jobs()]
            # Each check takes ten seconds.
            ended = [job for job in world.unanswered if job.start_at + 10 * SECOND <= world.now]
            await world.record([world.result_of(job) for job in ended])
            world.unanswered = [job for job in world.unanswered if job not in ended]
        for start, _ in out:
            assert sum(begin <= start < end for begin, end in out) <= 4
        assert len(out) > 20
