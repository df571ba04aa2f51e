"""`make bench BENCH=pipeline`: CPU of one check in every process on its way, and beside it the least it could cost.

python -m benchmarks.pipeline [--rounds 7] [--checks 3000] [--claimed 1000000] [--write]

The services run as they do in production, each in a process; the checks of a round fall due within two seconds, those
over TLS and those in clear half a minute apart, and the floors are measured in between.
"""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.engine.certificates import write_certificates
from benchmarks.engine.compiled import CannotCompile, compiled
from benchmarks.engine.programs import Told
from benchmarks.engine.stage import Cores, PracticeServer, Round, ToldProcess
from benchmarks.pipeline import document, growth, report
from benchmarks.pipeline.cycle import IDLE_MS, WITHIN_MS, Kind, Pipeline, Turn
from benchmarks.pipeline.floors import Cost, Floors, make_twins
from benchmarks.pipeline.loading import INTERVAL_MS, described, load
from benchmarks.pipeline.messages import BareClient, about, jobs_copies, results_copies
from benchmarks.pipeline.report import BareProbes
from benchmarks.pipeline.servers import NoRabbitHere, Servers, servers
from benchmarks.pipeline.services import Services

_PROBES_AT_ONCE = 16
_READY_MS = 6_000 + IDLE_MS


async def run(folder: Path, *, rounds: int, checks: int, probes: int, claimed: int) -> list[str]:
    """All of it, printed as it comes; the table for people."""
    cores = Cores.here()
    every = Cores(cores.clients | cores.servers, cores.clients | cores.servers)
    certificates = write_certificates(folder)
    mail = PracticeServer(compiled("practice_server", folder), certificates, cores=every.servers)
    probe = Told(
        ToldProcess([sys.executable, "-m", "benchmarks.engine.our_probes", certificates.authority], cores=every.clients)
    )
    async with AsyncExitStack() as stack:
        stack.callback(mail.close)
        stack.callback(probe.close)
        at = await stack.enter_async_context(servers(folder))
        services = await stack.enter_async_context(Services(folder, at, ca_file=certificates.authority))
        kinds = await _begun(at, services, mail, checks)
        client = await BareClient.opened(at.amqp_url)
        stack.push_async_callback(client.close)
        await make_twins(at.owner)
        pipeline = Pipeline(at, services)
        floors = {kind.name: await _warmed_up(pipeline, kind, at, client) for kind in kinds}
        figures = report.Figures()
        for number in range(rounds):
            for kind in kinds:
                turn = await pipeline.turn(kind)
                mode = Round("imap", kind.name, kind.port, probes, _PROBES_AT_ONCE)
                probes_us = BareProbes(
                    dense=await asyncio.to_thread(probe.make, mode),
                    paced=await asyncio.to_thread(probe.make_paced, mode, WITHIN_MS * 1e3 / checks),
                )
                claim, record = await _floors(floors[kind.name], kind, turn)
                figures.note(kind.name, turn, probes_us=probes_us, claim=claim, record=record)
                report.progress(number + 1, rounds, kind.name, figures)
        figures_of_claims = await growth.measure(at.owner, at.dsn, rows=claimed) if claimed else None
        report.print_all(figures, figures_of_claims, checks=checks)
        return report.block(figures, checks=checks)


async def _begun(at: Servers, services: Services, mail: PracticeServer, checks: int) -> list[Kind]:
    """The services running and their monitors described, due for the first time in some seconds."""
    for service in ("result_recorder", "scheduler", "imap_worker"):
        services.start(service)
    for service in ("result_recorder", "scheduler", "imap_worker"):
        await services.until_ready(service)
    ranges = {"tls": range(1, checks + 1), "plain": range(checks + 1, 2 * checks + 1)}
    unsealed = {
        name: list(
            described(
                numbers,
                host=lambda _: "127.0.0.1",
                port=mail.ports[f"imap.{name}"],
                tls=name == "tls",
                phase=lambda _: 0,
                keys=services.public_keys,
            )
        )
        for name, numbers in ranges.items()
    }
    now: int = await at.owner.fetchval("SELECT clock_ms()")
    kinds = [
        Kind(name, mail.ports[f"imap.{name}"], ranges[name], (now + _READY_MS + place * INTERVAL_MS // 2) % INTERVAL_MS)
        for place, name in enumerate(ranges)
    ]
    await load(at.owner, (each.due_at(kind.phase(each.number)) for kind in kinds for each in unsealed[kind.name]))
    await at.owner.execute("ANALYZE")
    return kinds


async def _warmed_up(pipeline: Pipeline, kind: Kind, at: Servers, client: BareClient) -> Floors:
    """One turn that is not counted, of which the messages are kept."""
    jobs, results = jobs_copies(), results_copies()
    await jobs.begin(client.taking)
    await results.begin(client.taking)
    await pipeline.turn(kind)
    return Floors(
        at.owner,
        client,
        broker=at.broker,
        jobs=about(kind.numbers, await jobs.end(client.taking)),
        results=about(kind.numbers, await results.end(client.taking)),
    )


async def _floors(floors: Floors, kind: Kind, turn: Turn) -> tuple[Cost, Cost]:
    return await floors.claim(kind.numbers), await floors.record(kind.numbers, turn.slot)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--checks", type=int, default=3000, help="of each kind in a round")
    parser.add_argument("--probes", type=int, default=400, help="bare probes in a round")
    parser.add_argument("--claimed", type=int, default=1_000_000, help="rows claimed ten times over; 0: none")
    parser.add_argument("--write", action="store_true", help="put the table into docs/SCALING.md")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started ends in order then, too
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="mailprobe-bench-") as name:
        try:
            table = asyncio.run(
                run(
                    Path(name),
                    rounds=options.rounds,
                    checks=options.checks,
                    probes=options.probes,
                    claimed=options.claimed,
                )
            )
        except (CannotCompile, NoRabbitHere) as error:
            print(f"pipeline: nothing can be measured: {error}")
            return 1
    lines = [document.conditions("pipeline", load_before=load_before), "", *table]
    print("\n" + "\n".join(lines))
    if options.write:
        document.write("pipeline", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
