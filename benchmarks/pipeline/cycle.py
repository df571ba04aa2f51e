"""One turn of the pipeline: many checks of one kind fall due within two seconds, and are followed until recorded."""

import asyncio
import time
from dataclasses import dataclass

from benchmarks.pipeline.cpu import PostgresCpu, live_cpu, spent
from benchmarks.pipeline.loading import INTERVAL_MS
from benchmarks.pipeline.servers import Servers
from benchmarks.pipeline.services import Services

# The slots of one turn lie this close together: as many a second as with thirty times the monitors.
WITHIN_MS = 2_000

# Claimed up to two seconds ahead, each second.
AHEAD_MS = 4_000

_AFTERMATH_SECONDS = 0.5
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
    """What one turn took, CPU seconds by process, and of Postgres by whom it worked for."""

    slot: int
    checks: int
    processes: dict[str, float]
    postgres: dict[str, float]
    broker: float


class Pipeline:
    """The services at work, looked at from outside."""

    def __init__(self, at: Servers, services: Services) -> None:
        self._at = at
        self._services = services
        self._postgres = PostgresCpu(at.postmaster)

    async def turn(self, kind: Kind) -> Turn:
        """The next time these checks are due. Raises RuntimeError where one is not made, or fails."""
        slot = await self._next_slot(kind)
        await self._until(slot - AHEAD_MS)
        before = await self._read()
        await self._until(slot)
        checks = await self._recorded(kind, slot)
        await asyncio.sleep(_AFTERMATH_SECONDS)
        after = await self._read()
        processes, postgres, broker = (spent(was, now) for was, now in zip(before, after, strict=True))
        return Turn(slot, checks, processes, postgres, broker["broker"])

    async def _read(self) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
        processes = {name: live_cpu(pid) for name, pid in self._services.pids().items()}
        return (
            processes,
            await self._postgres.read(self._at.owner, DATABASE_SERVICES),
            {"broker": live_cpu(self._at.broker)},
        )

    async def _now_ms(self) -> int:
        now: int = await self._at.owner.fetchval("SELECT clock_ms()")
        return now

    async def _next_slot(self, kind: Kind) -> int:
        now = await self._now_ms() + AHEAD_MS + 200
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
