"""As many monitors at a minute's interval as this machine holds, by separate processes against a cheap mail server."""

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.pipeline.cpu import spent
from benchmarks.pipeline.loading import INTERVAL_MS
from benchmarks.scale.fleet import Fleet, Progress
from benchmarks.scale.looking import Held, clock_ms, look

START = 3_000
GROWTH = 1.5
MOST = 100_000

# What a new number of monitors takes to be claimed in step, and what a slot takes to be recorded or reported missed.
SETTLE_SECONDS = 15
IDLE_SECONDS = 20
# Within so long every slot is recorded or reported as missed, on however slow a machine.
END_SECONDS = 150

# One process is one thread of Python: this much of a core is all it has.
FULL = 0.9


@dataclass(frozen=True, slots=True)
class Sustained:
    """What was held, the cores each process used meanwhile, and those it uses with nothing to do."""

    held: Held
    cores: Mapping[str, float]
    idle: Mapping[str, float]
    cores_here: int

    def seconds_each(self, name: str) -> float:
        """CPU of this process that one more check a second takes."""
        return max(0.0, self.cores[name] - self.idle.get(name, 0.0)) / max(self.held.per_second, 1e-9)

    @property
    def limit(self) -> str:
        """Which part is, or would be next."""
        used = sum(self.cores.values())
        name, most = max(self.cores.items(), key=lambda item: item[1])
        if most >= FULL and "." not in name and name not in ("Postgres", "RabbitMQ"):
            return f"{name} (one core is all a process has)"
        if used >= FULL * self.cores_here:
            return f"the machine ({used:.2f} of {self.cores_here} cores in use; most by {name}, {most:.2f})"
        return f"none of ours ({used:.2f} of {self.cores_here} cores in use; most by {name}, {most:.2f})"


async def idle(fleet: Fleet) -> Mapping[str, float]:
    """The cores each process uses while there is nothing to check."""
    before = await fleet.cpu()
    await asyncio.sleep(IDLE_SECONDS)
    return {name: cpu / IDLE_SECONDS for name, cpu in spent(before, await fleet.cpu()).items()}


async def find(fleet: Fleet, *, security: str, trial_seconds: int) -> int:
    """The largest number tried that is held; each is half as much again as the one before."""
    loaded, held, wanted = 0, 0, START
    while wanted <= MOST:
        await fleet.load(range(loaded + 1, wanted + 1), security=security)
        loaded = wanted
        trial = await hold(fleet, loaded, seconds=trial_seconds, idle={})
        print(
            f"  {loaded:,} monitors: {trial.held.per_second:.0f} checks a second, p99 {trial.held.late_p99:.0f} ms "
            f"late, missed {dict(trial.held.missed) or 'none'}: {'held' if trial.held.holds else 'not held'}",
            flush=True,
        )
        if not trial.held.holds:
            break
        held = loaded
        wanted = MOST if held < MOST < held * GROWTH else int(held * GROWTH)
    if held < loaded:
        await fleet.stop_monitors(above=held or START // 2)
        await asyncio.sleep(INTERVAL_MS / 1000)  # what could not be done in time is not theirs
    return held or START // 2


async def hold(fleet: Fleet, monitors: int, *, seconds: int, idle: Mapping[str, float]) -> Sustained:
    """Look at them for so long, and until the last of their slots has ended."""
    owner = fleet.at.owner
    await asyncio.sleep(SETTLE_SECONDS)
    since, before = await clock_ms(owner), await fleet.cpu()
    progress = Progress()
    while (now := await clock_ms(owner)) < since + seconds * 1000:
        recorded = await owner.fetchval("SELECT count(*) FROM results WHERE slot_at >= $1", since)
        progress.say(f"{(now - since) / 1000:4.0f} s: {recorded:,} checks of {monitors:,} monitors recorded")
        await asyncio.sleep(2)
    used = spent(before, await fleet.cpu())
    due = monitors * (now - since) / INTERVAL_MS * 0.995  # a slot more or less at the edges
    deadline = time.monotonic() + END_SECONDS
    while True:
        held = await look(owner, since, now, monitors=monitors)
        if held.checks + sum(held.missed.values()) >= due or time.monotonic() > deadline:
            break
        await asyncio.sleep(3)
    cores = {name: cpu * 1000 / (now - since) for name, cpu in used.items()}
    return Sustained(held, cores, idle, len(os.sched_getaffinity(0)))
