"""One turn of the pipeline: many checks of one kind fall due within two seconds, and are followed until recorded.

Before it, a stretch in which nothing is due: what services do each second in any case is no part of what a check costs.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.pipeline.cpu import PostgresCpu, live_cpu, spent
from benchmarks.pipeline.loading import INTERVAL_MS
from benchmarks.pipeline.servers import Servers
from benchmarks.pipeline.services import Services

# The slots of one turn lie this close together: as many a second as with thirty times the monitors.
WITHIN_MS = 2_000

# Claimed up to two seconds ahead, each second.
AHEAD_MS = 4_000

# Nothing is due for so long before a turn.
IDLE_MS = 6_000

# The scheduler audits slots so long after they were due (services/scheduler/audit.py: ANSWERED_BY_MS): a turn lasts
# until those of two minutes ago have been.
_ANSWERED_BY_MS = 125_000
AUDITED_MS = _ANSWERED_BY_MS % INTERVAL_MS + WITHIN_MS + 1_500

_PATIENT_SECONDS = 120

_RECORDED = """
SELECT count(*) FILTER (WHERE passed), count(*) FROM results
WHERE slot_at >= $1 AND slot_at < $2 AND monitor_id BETWEEN $3 AND $4"""

_MISSED = "SELECT coalesce(sum(count), 0)::int FROM missed WHERE last_slot >= $1"

# Of a turn whose figures still say something.
_MOST_MISSED = 0.2

DATABASE_SERVICES = ("scheduler", "result_recorder")


@dataclass(frozen=True, slots=True)
class Kind:
    """Checks in clear or over TLS: whose they are, and when in the minute they are due."""

    name: str
    port: int
    numbers: range
    phase_ms: int

    def phase(self, number: int) -> int:
        return (self.phase_ms + (number - self.numbers.start) * WITHIN_MS // len(self.numbers)) % INTERVAL_MS


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn took: CPU seconds by process, of Postgres by whom it worked for; and by second with nothing due."""

    slot: int
    checks: int
    seconds: float
    spent: Mapping[str, float]
    idle: Mapping[str, float]

    def for_checks(self, name: str) -> float:
        """CPU seconds beyond those that would have been spent with nothing due.

        What Postgres does by itself (checkpoints, vacuum) follows from work done before: it has no idle pace.
        """
        if name == "postgres.own":
            return self.spent[name]
        return self.spent[name] - self.idle[name] * self.seconds


class Pipeline:
    """The services at work, looked at from outside."""

    def __init__(self, at: Servers, services: Services) -> None:
        self._at = at
        self._services = services
        self._postgres = PostgresCpu(at.postmaster)

    async def turn(self, kind: Kind) -> Turn:
        """The next time these checks are due. Raises RuntimeError where one is not made, or fails."""
        slot = await self._next_slot(kind)
        await self._until(slot - AHEAD_MS - IDLE_MS)
        idle_since, idle_before = time.monotonic(), await self._read()
        await self._until(slot - AHEAD_MS)
        since, before = time.monotonic(), await self._read()
        await self._until(slot)
        checks = await self._recorded(kind, slot)
        await self._until(slot + AUDITED_MS)
        took, after = time.monotonic() - since, await self._read()
        idle = spent(idle_before, before)
        return Turn(
            slot,
            checks,
            took,
            spent=spent(before, after),
            idle={name: seconds / (since - idle_since) for name, seconds in idle.items()},
        )

    async def _read(self) -> dict[str, float]:
        postgres = await self._postgres.read(self._at.owner, DATABASE_SERVICES)
        return {
            **{name: live_cpu(pid) for name, pid in self._services.pids().items()},
            **{f"postgres.{name}": seconds for name, seconds in postgres.items()},
            "broker": live_cpu(self._at.broker),
        }

    async def _now_ms(self) -> int:
        now: int = await self._at.owner.fetchval("SELECT clock_ms()")
        return now

    async def _next_slot(self, kind: Kind) -> int:
        now = await self._now_ms() + AHEAD_MS + IDLE_MS + 200
        return now + (kind.phase_ms - now) % INTERVAL_MS

    async def _until(self, at_ms: int) -> None:
        await asyncio.sleep(max(0, at_ms - await self._now_ms()) / 1000)

    async def _recorded(self, kind: Kind, slot: int) -> int:
        """How many were made, once all have ended. On a machine that is busy otherwise a few may come too late."""
        wanted = len(kind.numbers)
        deadline = time.monotonic() + _PATIENT_SECONDS
        while True:
            passed, found = await self._at.owner.fetchrow(
                _RECORDED, slot, slot + WITHIN_MS, kind.numbers.start, kind.numbers.stop - 1
            )
            missed = await self._at.owner.fetchval(_MISSED, slot) if found < wanted else 0
            if found + missed >= wanted:
                if passed < found or missed > wanted * _MOST_MISSED:
                    raise RuntimeError(f"{found - passed} of {found} checks failed, {missed} were missed")
                return int(found)
            if time.monotonic() > deadline:
                raise RuntimeError(f"of {wanted} {kind.name} checks {found} were recorded and {missed} missed")
            await asyncio.sleep(0.3)
