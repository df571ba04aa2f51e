"""One fault: how it is done and undone, what is expected; and the suffering of several of them, one after the other.

Provides `Fault` and `suffer`, which answers with a row for each. The faults are in the catalogue.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tests.support.faults import ledger
from tests.support.faults.drill import Drill
from tests.support.faults.results import FaultRow
from tests.support.servers.process import ServerFailed

Act = Callable[[Drill], Awaitable[None]]


async def nothing(_: Drill) -> None:
    """For faults that heal by themselves."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`inject` and `heal` are done `times` times, `lasts_seconds` apart. `expected`: what is promised, for people.

    `remark`: what the figures stand for where a fault is shorter or smaller than life.
    """

    name: str
    inject: Act
    heal: Act
    expected: str
    lasts_seconds: float = 3.0
    times: int = 1
    remark: str = ""
    on_time: bool = True  # False: a clock is tampered with, and lateness by it says nothing


async def suffer(drill: Drill, faults: Sequence[Fault], *, group: str) -> list[FaultRow]:
    """All of them, a true outage begun before each; then everything comes to rest and the books are compared.

    The last row is that of `group`: what was claimed before and after, and whatever does not fit in the end.
    """
    rows = [await _suffer(drill, fault) for fault in faults]
    drill.say(f"{group}: waiting until everything is told and at rest")
    wrong: list[str] = []
    for step in (drill.until_outages_are_over, drill.settle):
        try:
            await step()
        except AssertionError as error:
            wrong.append(str(error))
    books = await drill.books()
    notices, again = ledger.judge_notices(books.incidents, drill.receiver.requests, drill.receiver.tries)
    wrong += books.faults
    wrong += notices
    wrong += await ledger.judge_logins(
        drill.pool, drill.farm.boxes.values(), strangers=drill.farm.strangers, disturbances=drill.disturbances
    )
    false = ledger.judge_incidents(books.incidents, drill.farm.boxes.values())
    for sentence in [*wrong, *false]:
        drill.say(f"  WRONG: {sentence}")
    rest = FaultRow(
        f"{group}: between them and after, at rest",
        faults=0,
        slots=books.claimed - sum(row.slots for row in rows),
        lost=max(0, len(wrong) - sum(row.lost for row in rows)),
        duplicates_recorded=max(0, books.recorded_twice - sum(row.duplicates_recorded for row in rows)),
        absorbed=drill.absorbed() - sum(row.absorbed for row in rows),
        false_incidents=max(0, len(false) - sum(row.false_incidents for row in rows)),
        notices_again=again - sum(row.notices_again for row in rows),
        remark=f"{len(books.incidents)} true outages told, {drill.farm.logins} logins",
    )
    return [*rows, rest]


async def _suffer(drill: Drill, fault: Fault) -> FaultRow:
    drill.say(f"{fault.name} …")
    before, absorbed = await drill.books(), drill.absorbed()
    _, again = ledger.judge_notices(before.incidents, drill.receiver.requests, drill.receiver.tries)
    false_before = ledger.judge_incidents(before.incidents, drill.farm.boxes.values())
    began_ms = await drill.clock_ms()
    await drill.break_one()
    wrong: list[str] = []
    healed = time.monotonic()
    try:
        for _ in range(fault.times):
            drill.disturbances += 1
            try:
                await fault.inject(drill)
                await asyncio.sleep(fault.lasts_seconds)
            finally:
                healed = time.monotonic()
                await fault.heal(drill)
        await drill.until_steady()
    except (AssertionError, ServerFailed, TimeoutError) as error:
        wrong.append(str(error) or repr(error))  # the others are tried all the same
    recovery_s = time.monotonic() - healed
    await drill.mend_confirmed()
    after = await drill.books()
    row = FaultRow(
        fault.name,
        faults=fault.times,
        slots=after.claimed - before.claimed,
        lost=len(after.faults) + len(wrong),
        duplicates_recorded=max(0, after.recorded_twice - before.recorded_twice),
        absorbed=drill.absorbed() - absorbed,
        false_incidents=len(ledger.judge_incidents(after.incidents, drill.farm.boxes.values())) - len(false_before),
        worst_lateness_s=await ledger.worst_lateness_s(drill.pool, since_ms=began_ms) if fault.on_time else 0.0,
        recovery_s=recovery_s,
        notices_again=ledger.judge_notices(after.incidents, drill.receiver.requests, drill.receiver.tries)[1] - again,
        remark=fault.remark,
    )
    drill.say(f"  {row.slots} slots, {row.absorbed} absorbed, recovered in {row.recovery_s:.1f} s")
    for sentence in [*wrong, *after.faults]:
        drill.say(f"  WRONG: {sentence}")
    return row
