"""`make bench BENCH=engine`: the cost of one check beside other programs, in flight, and true to the server's times.

python -m benchmarks.engine [--rounds 15] [--checks 80] [--held 10000] [--only side_by_side,in_flight,fidelity]
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks.engine import fidelity, in_flight, report
from benchmarks.engine.certificates import write_certificates
from benchmarks.engine.compiled import CannotCompile, compiled
from benchmarks.engine.programs import assembled
from benchmarks.engine.side_by_side import run_side_by_side
from benchmarks.engine.stage import Cores, PracticeServer

_PARTS = ("side_by_side", "in_flight", "fidelity")
# Longer than any client lets it wait for the next command, and over before the next program's turn.
_AWAKE_SECONDS = 0.05


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--checks", type=int, default=80, help="TLS checks of a turn; thrice as many in clear")
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--held", type=int, default=10_000, help="checks in flight for the figures of memory")
    parser.add_argument("--only", default=",".join(_PARTS))
    options = parser.parse_args()
    parts = options.only.split(",")
    with tempfile.TemporaryDirectory(prefix="mailprobe-bench-") as name:
        folder = Path(name)
        cores = Cores.here()
        certificates = write_certificates(folder)
        try:
            program = compiled("practice_server", folder)
            awake_seconds = _AWAKE_SECONDS if cores.apart else 0.0
            server = PracticeServer(program, certificates, cores=cores.servers, awake_seconds=awake_seconds)
        except CannotCompile as error:
            print(f"engine: nothing can be measured: {error}")
            return 1
        report.heading(cores, folder / "practice_server")
        try:
            if "side_by_side" in parts:
                programs, passed_over = assembled(certificates, cores, folder)
                try:
                    figures = run_side_by_side(
                        programs, server.ports, rounds=options.rounds, checks=options.checks, at_once=options.at_once
                    )
                finally:
                    for program in programs.values():
                        program.close()
                report.side_by_side(figures, passed_over)
            if "in_flight" in parts:
                report.in_flight(in_flight.measure(certificates, cores, server.ports, folder, held=options.held))
            if "fidelity" in parts:
                report.fidelity(fidelity.measure(certificates, cores, server.ports))
        finally:
            server.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
