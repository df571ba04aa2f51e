"""Faults of our own processes: killed, told to end, frozen, too many of them, or gone from a location."""

import asyncio
import contextlib

from tests.support.faults.drill import Drill
from tests.support.faults.fault import Act, Fault
from tests.support.fleet import SERVICES
from tests.support.waiting import until

_WORKERS = ("imap_worker", "pop3_worker")
_ANSWERED_ELSEWHERE = "its jobs go to another or come again; slots go on"


def killed(service: str, *, times: int = 1, lasts_seconds: float = 3.0) -> Fault:
    """SIGKILL, at whatever it does just then."""

    async def inject(drill: Drill) -> None:
        await drill.fleet.kill(service)

    return Fault(
        f"{service} killed", inject, _launched(service), _ANSWERED_ELSEWHERE, lasts_seconds=lasts_seconds, times=times
    )


def told_to_end(service: str) -> Fault:
    """SIGTERM under load: it drains, and what it has not begun is handed back."""

    async def inject(drill: Drill) -> None:
        await drill.fleet.stop(service)

    return Fault(f"{service} told to end under load", inject, _launched(service), "it drains; nothing comes twice")


def frozen(service: str, *, lasts_seconds: float) -> Fault:
    """SIGSTOP, and SIGCONT when others may have taken over."""

    async def inject(drill: Drill) -> None:
        drill.fleet.freeze(service)

    async def heal(drill: Drill) -> None:
        drill.fleet.thaw(service)

    return Fault(
        f"{service} frozen",
        inject,
        heal,
        "it finds what it held gone to others, and goes on",
        lasts_seconds=lasts_seconds,
        remark=f"for {lasts_seconds:.0f} s",
    )


def all_killed() -> Fault:
    """The power fails: every process at once."""

    async def inject(drill: Drill) -> None:
        await asyncio.gather(*(drill.fleet.kill(service) for service in SERVICES))

    async def heal(drill: Drill) -> None:
        for service in SERVICES:
            drill.fleet.launch(service)
        await asyncio.gather(*(drill.fleet.until_ready(service) for service in SERVICES))

    return Fault("all processes killed at once", inject, heal, "they start in any order and go on")


def location_without_workers(*, lasts_seconds: float) -> Fault:
    """Nobody there to take jobs."""

    async def inject(drill: Drill) -> None:
        await asyncio.gather(*(drill.fleet.kill(worker) for worker in _WORKERS))

    async def heal(drill: Drill) -> None:
        for worker in _WORKERS:
            drill.fleet.launch(worker)
            await drill.fleet.until_ready(worker)

    return Fault(
        "a location's workers gone",
        inject,
        heal,
        "its slots are missed, then one catch-up check each; health becomes unknown, never down",
        lasts_seconds=lasts_seconds,
        remark=f"for {lasts_seconds:.0f} s, which is {lasts_seconds / 30:.0f} intervals; an hour is 12 of five minutes",
    )


def schedulers_in_a_crowd(count: int) -> Fault:
    """So many at once; the one that leads is frozen, then killed, then there are fewer again."""
    names = [f"scheduler-{number}" for number in range(2, count + 1)]

    async def inject(drill: Drill) -> None:
        for name in names:
            drill.fleet.launch("scheduler", name=name)
        await asyncio.gather(*(drill.fleet.until_ready(name) for name in names))
        epoch = await _epoch(drill)
        drill.fleet.freeze("scheduler")  # it leads: it was there before the others
        await until("another scheduler to lead", lambda: _later(drill, epoch), timeout_seconds=90)
        drill.fleet.thaw("scheduler")
        await drill.fleet.kill("scheduler")
        drill.fleet.launch("scheduler")
        await drill.fleet.until_ready("scheduler")

    async def heal(drill: Drill) -> None:
        epoch = await _epoch(drill)
        for name in names:
            await drill.fleet.kill(name)
        await until("the first scheduler to lead again", lambda: _later(drill, epoch), timeout_seconds=90)

    return Fault(
        f"{count} schedulers at once, the leader frozen and killed", inject, heal, "one leads; no slot is asked twice"
    )


def poison_job() -> Fault:
    """A job that kills every worker that takes it up, until the broker gives it up."""
    stop = asyncio.Event()
    minding: list[asyncio.Task[None]] = []

    async def minded(drill: Drill) -> None:
        """What an orchestrator does: start it again, whenever it has ended."""
        while not stop.is_set():
            if not drill.fleet.is_running("imap_worker"):
                with contextlib.suppress(KeyError):
                    await drill.fleet.kill("imap_worker")
                drill.fleet.launch("imap_worker", module="tests.support.faults.mortal_worker")
            await asyncio.sleep(0.2)

    async def inject(drill: Drill) -> None:
        # A login not known to be good would not be tried a second time. A longer interval gives it time to kill often.
        (box,) = await drill.farm.add_sound(1, name="poison")
        await drill.watch(box, checkInterval=2.0)
        await until("the poisonous mailbox to pass once", lambda: _passed(drill, box.monitor), timeout_seconds=120)
        await drill.fleet.kill("imap_worker")
        minding.append(asyncio.create_task(minded(drill)))
        await drill.trigger(box)

        async def given_up() -> bool:
            queue = await drill.ground.rabbit.given.api("GET", f"queues/{drill.ground.vhost}/mailprobe.dead-letters")
            return int(queue.get("messages", 0)) > 0

        try:
            await until("the poison job to be dead-lettered", given_up, timeout_seconds=400)
        finally:
            await drill.delete(box)
            box.monitor = ""

    async def heal(drill: Drill) -> None:
        stop.set()
        await asyncio.gather(*minding)
        await drill.fleet.kill("imap_worker")
        await _launched("imap_worker")(drill)

    return Fault(
        "a poison job that kills its worker",
        inject,
        heal,
        "dead-lettered after the delivery limit; its neighbours are checked",
    )


def _launched(service: str) -> Act:
    async def heal(drill: Drill) -> None:
        drill.fleet.launch(service)
        await drill.fleet.until_ready(service)

    return heal


async def _passed(drill: Drill, monitor: str) -> bool:
    return bool(
        await drill.pool.fetchval(
            "SELECT count(*) FROM results r JOIN monitors m ON m.id = r.monitor_id"
            " WHERE m.public_id::text = $1 AND r.passed",
            monitor,
        )
    )


async def _epoch(drill: Drill) -> int:
    return int(await drill.pool.fetchval("SELECT epoch FROM shard_leases"))


async def _later(drill: Drill, epoch: int) -> bool:
    return await _epoch(drill) > epoch


def everything() -> list[Fault]:
    return [
        *(killed(service, times=2) for service in SERVICES),
        *(told_to_end(service) for service in SERVICES),
        *(frozen(service, lasts_seconds=45) for service in ("scheduler", "imap_worker", "result_recorder", "notifier")),
        all_killed(),
        schedulers_in_a_crowd(2),
        schedulers_in_a_crowd(5),
        location_without_workers(lasts_seconds=150),
        poison_job(),
    ]
