"""`make bench BENCH=scale`: what this machine holds, what a million monitors weigh, and what a second process brings.

python -m benchmarks.scale [--only sustained,million,hour,parts] [--seconds 600] [--monitors 0] [--workers 2]
    [--recorders 1] [--rows 1000000] [--minutes 60] [--checks 4000] [--messages 1000] [--security tls] [--write]

Everything on this machine, in folders and on ports of its own, gone at the end. The pace per mail server is raised by
its setting so that one server can stand for thousands. `--monitors 0` looks for how many are held; `--write` puts the
figures into docs/SCALING.md.
"""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from pathlib import Path

from benchmarks.engine.compiled import CannotCompile
from benchmarks.pipeline import document, growth
from benchmarks.pipeline.servers import NoRabbitHere
from benchmarks.pipeline.services import PACE_PER_HOST
from benchmarks.scale import million, parts, report, sustained
from benchmarks.scale.fleet import fleet

_PARTS = ("sustained", "million", "hour", "parts")


async def run(folder: Path, options: argparse.Namespace) -> None:
    """The parts asked for, one after the other, each with servers of its own."""
    load_before = os.getloadavg()[0]
    asked = options.only.split(",")
    print(f"load of this machine before: {load_before:.1f}; {' '.join(f'{k}={v}' for k, v in PACE_PER_HOST.items())}")
    for name in (name for name in _PARTS if name in asked):
        print(f"\n{name}", flush=True)
        (folder / name).mkdir()
        lines = await _part(name, folder / name, options)
        where = document.conditions("scale", only=name, load_before=load_before)
        print("\n" + "\n".join([where, "", *lines]), flush=True)
        if options.write:
            document.write(name, [where, "", *lines])


async def _part(name: str, folder: Path, options: argparse.Namespace) -> list[str]:
    workers = ["imap_worker", *(f"imap_worker.{number}" for number in range(2, options.workers + 1))]
    recorders = ["result_recorder", *(f"result_recorder.{number}" for number in range(2, options.recorders + 1))]
    match name:
        case "sustained":
            async with fleet(folder, [*recorders, "scheduler", *workers]) as running:
                monitors, idle = options.monitors, await sustained.idle(running)
                if monitors:
                    await running.load(range(1, monitors + 1), security=options.security)
                else:
                    monitors = await sustained.find(running, security=options.security, trial_seconds=options.trial)
                print(f"  {monitors:,} monitors for {options.seconds} s …", flush=True)
                return report.sustained(await sustained.hold(running, monitors, seconds=options.seconds, idle=idle))
        case "million":
            async with fleet(folder, []) as running:
                return report.million(await million.measure(running, rows=options.rows, asked=options.asked))
        case "hour":
            async with fleet(folder, []) as running:
                at = running.at
                return report.hour(await growth.measure(at.owner, at.dsn, rows=options.rows, cycles=options.minutes))
        case _:
            async with fleet(folder, ["result_recorder", "scheduler", "imap_worker"]) as running:
                found = await parts.measure(
                    running, checks=options.checks, messages=options.messages, security=options.security
                )
                return report.parts(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(_PARTS))
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--monitors", type=int, default=0)
    parser.add_argument("--trial", type=int, default=45, help="seconds each number of monitors is tried for")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--recorders", type=int, default=1)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--minutes", type=int, default=60, help="of simulated scheduling of so many rows")
    parser.add_argument("--asked", type=int, default=30, help="times of each question to the API")
    parser.add_argument("--checks", type=int, default=4000, help="due at once where one and two are compared")
    parser.add_argument("--messages", type=int, default=1000, help="to a webhook, where notifiers are compared")
    parser.add_argument("--security", choices=("tls", "plain"), default="tls")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started ends in order then, too
    with tempfile.TemporaryDirectory(prefix="mailprobe-bench-") as name:
        try:
            asyncio.run(run(Path(name), options))
        except (CannotCompile, NoRabbitHere) as error:
            print(f"scale: nothing can be measured: {error}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
