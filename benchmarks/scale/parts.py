"""One and two of each process: what a second one brings on this machine, and how soon a scheduler standing by leads."""

import asyncio
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
import aiormq

from benchmarks.pipeline.cycle import AHEAD_MS
from benchmarks.pipeline.loading import INTERVAL_MS
from benchmarks.scale.fleet import BURST_MS, Fleet
from benchmarks.scale.looking import clock_ms
from benchmarks.scale.million import token_of
from benchmarks.scale.notices import sent_per_second
from shared.broker.topology import RESULTS_QUEUE

_ASKING_AT_ONCE = 8
_ASKING_SECONDS = 8.0
_PATIENT_SECONDS = 240
_SHORTEST_MS = 1_000

_MADE = """
SELECT count(*) AS checks, max(started_at) - min(started_at) AS made_ms, max(recorded_at) - min(recorded_at) AS kept_ms
FROM results WHERE slot_at >= $1 AND slot_at < $2"""

_EPOCH = "SELECT epoch, taken_at FROM shard_leases WHERE shard = 0"


@dataclass(frozen=True, slots=True)
class Parts:
    """By part, and how many of it: so many a second. And the seconds from a leader's death to the next one's term."""

    per_second: Mapping[tuple[str, int], float]
    take_over_seconds: float


async def measure(fleet: Fleet, *, checks: int, messages: int, security: str) -> Parts:
    """Each part in turn; the services run already, one of each."""
    found: dict[tuple[str, int], float] = {}
    now = await clock_ms(fleet.at.owner)
    phase_ms = (now + 8_000) % INTERVAL_MS
    await fleet.load(range(1, checks + 1), security=security, within_ms=BURST_MS, phase_ms=phase_ms)
    for count in (1, 2):
        if count == 2:
            await fleet.launch("imap_worker.2")
        print(f"  {checks} checks at once, workers and recorders: {count} of each …", flush=True)
        found["workers", count], found["recorders", count] = await _burst(fleet, checks, phase_ms, recorders=count)
    await fleet.stop_monitors(above=0)
    await fleet.launch("api_gateway", "api_gateway.2")
    token = await token_of(fleet)
    for count in (1, 2):
        print(f"  requests to {count} gateways …", flush=True)
        names = ["api_gateway", "api_gateway.2"][:count]
        found["gateways", count] = await _requests([fleet.services.api_address(name) for name in names], token)
    for count, name in ((1, "notifier"), (2, "notifier.2")):
        await fleet.launch(name)
        print(f"  {messages} messages to a webhook, notifiers: {count} …", flush=True)
        found["notifiers", count] = await sent_per_second(fleet, messages=messages)
    print("  a scheduler stands by, and the one that leads is killed …", flush=True)
    return Parts(found, await _take_over(fleet))


async def _burst(fleet: Fleet, checks: int, phase_ms: int, *, recorders: int) -> tuple[float, float]:
    """Checks, then records, a second: nobody records until all is made, so that neither waits for the other."""
    owner = fleet.at.owner
    now = await clock_ms(owner) + AHEAD_MS
    slot = now + (phase_ms - now) % INTERVAL_MS
    await asyncio.sleep(max(0, slot - AHEAD_MS - await clock_ms(owner)) / 1000)
    for name in [name for name in fleet.services.pids() if name.startswith("result_recorder")]:
        await fleet.services.stop(name)
    await _until_made(fleet, checks)
    names = ["result_recorder", "result_recorder.2"][:recorders]
    await fleet.launch(*names)
    deadline = time.monotonic() + _PATIENT_SECONDS
    while True:
        row = await owner.fetchrow(_MADE, slot, slot + BURST_MS)
        settled = row["checks"] + await owner.fetchval(
            "SELECT coalesce(sum(count), 0)::bigint FROM missed WHERE first_slot >= $1 AND first_slot < $2",
            slot,
            slot + BURST_MS,
        )
        if settled >= checks:
            # Kept in a batch or two, they say nothing of how many a second could be.
            kept = row["checks"] / row["kept_ms"] * 1000 if row["kept_ms"] >= _SHORTEST_MS else math.nan
            return row["checks"] / row["made_ms"] * 1000, kept
        if time.monotonic() > deadline:
            raise RuntimeError(f"{settled} of {checks} checks were recorded")
        await asyncio.sleep(0.2)


async def _until_made(fleet: Fleet, checks: int) -> None:
    """Until the results wait, which shows in that no more come for some seconds after some have."""
    connection = await aiormq.connect(fleet.at.amqp_url)
    try:
        channel = await connection.channel()
        deadline, waiting, since = time.monotonic() + _PATIENT_SECONDS, 0, time.monotonic()
        while time.monotonic() < deadline:
            found = (await channel.queue_declare(RESULTS_QUEUE, passive=True)).message_count or 0
            if found != waiting:
                waiting, since = found, time.monotonic()
            elif waiting and time.monotonic() - since > 4:
                return
            await asyncio.sleep(0.3)
    finally:
        await connection.close()
    raise RuntimeError(f"no results of {checks} checks came")


async def _requests(addresses: list[str], token: str) -> float:
    """Lists of monitors a second, asked for by several at once."""
    answered = 0
    until = time.monotonic() + _ASKING_SECONDS

    async def ask(session: aiohttp.ClientSession, address: str) -> None:
        nonlocal answered
        while time.monotonic() < until:
            async with session.get(f"{address}/api/imap-pop-monitors?perPage=50") as answer:
                await answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"the list answered {answer.status}")
                answered += 1

    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
        await asyncio.gather(*(ask(session, addresses[place % len(addresses)]) for place in range(_ASKING_AT_ONCE)))
    return answered / _ASKING_SECONDS


async def _take_over(fleet: Fleet) -> float:
    await fleet.launch("scheduler.2")
    before = await fleet.at.owner.fetchrow(_EPOCH)
    killed_at = await clock_ms(fleet.at.owner)
    fleet.services.kill("scheduler")
    deadline = time.monotonic() + _PATIENT_SECONDS
    while time.monotonic() < deadline:
        row = await fleet.at.owner.fetchrow(_EPOCH)
        if row["epoch"] > before["epoch"]:
            return float(row["taken_at"] - killed_at) / 1000
        await asyncio.sleep(0.05)
    raise RuntimeError("nobody took over")
