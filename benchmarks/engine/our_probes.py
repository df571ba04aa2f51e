"""Our probes as a process of their own, told what to do line by line like the others.

run <imap|pop3> <plain|tls> PORT CHECKS AT_ONCE    ->  ok
hold <imap|pop3> <plain|tls> PORT CHECKS           ->  KiB of memory a check, all of them waiting for their login
alone, load, burst: see `fidelity`                 ->  what the checks report of themselves
"""

import asyncio
import dataclasses
import gc
import os
import sys
from pathlib import Path

import uvloop

from benchmarks.engine.certificates import SERVER_NAME
from benchmarks.engine.stage import PASSWORD, USER
from services.imap_worker.probe import imap_probe
from services.pop3_worker.probe import pop3_probe
from shared.checks.outcome import Outcome
from shared.checks.target import CheckTarget
from shared.checks.vocabulary import MailProtocol, Phase, Security
from shared.probing.address_policy import LOOPBACK_NETWORKS
from shared.probing.job_handling.pace import Pace
from shared.probing.limits import Limits
from shared.probing.probe import Probe, ProbeEnvironment, ProbeRequest
from shared.runtime.collections_spared import collections_spared

_PROBES: dict[str, Probe] = {"imap": imap_probe, "pop3": pop3_probe}

# Thousands may take longer to log in than any check may last; seconds.
_FOR_LONG = 600

# On their way to the login at once while thousands are being brought there: no backlog drops these.
_BEGINNING = 256


class OurProbes:
    """The probes of both protocols against one practice server."""

    def __init__(self, ca_file: Path) -> None:
        self._ca_file = str(ca_file)
        # What is measured is a check, so nothing spreads them out; and those held are held for longer than we wait.
        self._environment = ProbeEnvironment.create(
            allowed_private_networks=LOOPBACK_NETWORKS,
            ca_file=self._ca_file,
            max_handshakes=1 << 20,
            handshake_spacing_seconds=0.0,
            limits=Limits(login_seconds=_FOR_LONG),
        )
        self._pace = Pace()
        # As a worker has it.
        self._paced = ProbeEnvironment.create(
            allowed_private_networks=LOOPBACK_NETWORKS, ca_file=self._ca_file, handshake_spacing_seconds=0.0
        )

    async def obey(self, line: str) -> str:
        verb, protocol, mode, port, *numbers = line.split()
        probe, request = _PROBES[protocol], _request(protocol, mode, int(port))
        match verb, numbers:
            case "run", [checks, at_once]:
                await self._run(probe, request, int(checks), int(at_once))
                return "ok"
            case "hold", [checks]:
                return f"{await self._hold(probe, request, int(checks)):.2f}"
            case "alone", [checks]:
                return await self._alone(probe, request, int(checks))
            case "load", [checks, every_us]:
                return await self._load(probe, request, int(checks), float(every_us) / 1e6)
            case "burst", [checks]:
                return await self._load(probe, request, int(checks), 0.0)
        raise ValueError(line)

    async def _run(self, probe: Probe, request: ProbeRequest, checks: int, at_once: int) -> None:
        async def one_after_another(count: int) -> None:
            for _ in range(count):
                _passed(await probe(request, self._environment))

        shares = [checks // at_once + (place < checks % at_once) for place in range(at_once)]
        await asyncio.gather(*map(one_after_another, shares))

    async def _hold(self, probe: Probe, request: ProbeRequest, checks: int) -> float:
        target = request.target.model_copy(update={"timeout_ms": _FOR_LONG * 1000})
        patient = dataclasses.replace(request, target=target)
        beginning = asyncio.Semaphore(_BEGINNING)
        logging_in = 0
        all_log_in = asyncio.Event()

        def on_phase(phase: Phase, milliseconds: float) -> None:
            nonlocal logging_in
            if phase is Phase.CAPABILITY:
                beginning.release()
                logging_in += 1
                if logging_in == checks:
                    all_log_in.set()

        async def one() -> Outcome:
            return await probe(patient, self._environment, on_phase=on_phase)

        gc.collect()
        before = _resident_kib()
        tasks = []
        for _ in range(checks):
            await beginning.acquire()
            tasks.append(asyncio.ensure_future(one()))
        await all_log_in.wait()
        await asyncio.sleep(0.5)
        held = _resident_kib() - before
        if any(task.done() for task in tasks):
            raise RuntimeError("some checks ended before all were in flight")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return held / checks

    async def _alone(self, probe: Probe, request: ProbeRequest, checks: int) -> str:
        reported = []
        for _ in range(checks):
            reported.append(_passed(await probe(request, self._paced)).total_ms)
            await asyncio.sleep(0.002)
        return _percentiles(reported)

    async def _load(self, probe: Probe, request: ProbeRequest, checks: int, every_seconds: float) -> str:
        loop = asyncio.get_running_loop()
        began = loop.time()

        async def one(due: float) -> float:
            await asyncio.sleep(max(due - loop.time(), 0.0))
            await self._pace.turn()
            return _passed(await probe(request, self._paced)).total_ms

        return _percentiles(await asyncio.gather(*(one(began + place * every_seconds) for place in range(checks))))


def _request(protocol: str, mode: str, port: int) -> ProbeRequest:
    target = CheckTarget(
        protocol=MailProtocol(protocol),
        hostname="127.0.0.1",
        port=port,
        security=Security.TLS if mode == "tls" else Security.NONE,
        servername=SERVER_NAME,
        user=USER,
        timeout_ms=60_000,
    )
    return ProbeRequest(target, PASSWORD.encode())


def _passed(outcome: Outcome) -> Outcome:
    if not outcome.passed:
        raise RuntimeError(f"{outcome.kind}: {outcome.message}\n{outcome.transcript}")
    return outcome


def _percentiles(reported_ms: list[float]) -> str:
    ordered = sorted(reported_ms)
    return f"{ordered[len(ordered) // 2]:.3f} {ordered[len(ordered) * 95 // 100]:.3f}"


def _resident_kib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1024


def main() -> None:
    """Obey the lines of standard input until it ends; the first argument is the CA file."""
    probes = OurProbes(Path(sys.argv[1]))
    # As a worker has it.
    with collections_spared(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for line in sys.stdin:
            print(runner.run(probes.obey(line)), flush=True)


if __name__ == "__main__":
    main()
