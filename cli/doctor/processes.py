"""What the doctor makes of a running process, by its admin port: ready or not, how late its loop wakes, how old it is.

Why one that ended itself did is said by its own log alone, in its last line; that it is young says that it did.
"""

import asyncio
import re
import time
from collections.abc import Sequence

import aiohttp
from yarl import URL

from cli.doctor.finding import Finding, ill, well

_SECONDS = 5.0
_MOST_LAG_SECONDS = 1.0
_YOUNG_SECONDS = 120.0
_MOST_BYTES = 1 << 20
_LAG = re.compile(r"^mailprobe_event_loop_lag_seconds (\S+)$", re.MULTILINE)
_STARTED = re.compile(r"^process_start_time_seconds (\S+)$", re.MULTILINE)


async def examine_processes(addresses: Sequence[str]) -> list[Finding]:
    """A finding for each admin port, `http://HOST:PORT`."""
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        return list(await asyncio.gather(*(_examined(session, address.rstrip("/")) for address in addresses)))


async def _examined(session: aiohttp.ClientSession, address: str) -> Finding:
    name = f"process at {URL(address).authority}"
    try:
        async with session.get(f"{address}/readyz") as answer:
            wrong = _wrong(await answer.json(content_type=None)) if answer.status == 503 else []
        async with session.get(f"{address}/metrics") as answer:
            told = (await answer.content.read(_MOST_BYTES)).decode(errors="replace")
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        why = f"no answer within {_SECONDS:g} s" if isinstance(error, TimeoutError) else str(error)
        return ill(
            name,
            f"it does not answer at its admin port: {why}",
            "start it; the last line of its log says why it ended, exit code 70 that it ended itself",
        )
    lag, started = _number(_LAG, told), _number(_STARTED, told)
    age = None if started is None else max(0.0, time.time() - started)
    if wrong:
        return ill(name, f"it is not ready: {'; '.join(wrong)}", "see to what it waits for, or to its log")
    if lag is not None and lag > _MOST_LAG_SECONDS:
        return ill(
            name,
            f"its event loop woke {lag:.1f} s late",
            "its machine has too little processor for what runs there; give it more, or start another beside it",
        )
    said = ["ready", *([] if lag is None else [f"its event loop woke {lag * 1000:.0f} ms late"])]
    if age is not None and age < _YOUNG_SECONDS:
        said.append(
            f"started {age:.0f} s ago: where nobody restarted it, the log of the one before it says why it ended"
        )
    return well(name, ", ".join(said))


def _wrong(body: object) -> list[str]:
    checks = body.get("checks") if isinstance(body, dict) else None
    if not isinstance(checks, dict):
        return ["it does not say why"]
    return [f"{name}: {said}" for name, said in checks.items() if said != "ok"]


def _number(pattern: re.Pattern[str], told: str) -> float | None:
    found = pattern.search(told)
    try:
        return None if found is None else float(found[1])
    except ValueError:
        return None
