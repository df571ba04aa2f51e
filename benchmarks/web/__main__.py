"""`make bench-web`: the list of ten thousand monitors, the weight of the pages, and how soon they can be used.

python -m benchmarks.web [--monitors 10000] [--rounds 200]
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from benchmarks.web import listing, pages, weight
from benchmarks.web.gateway import serving


async def run(monitors: int, rounds: int) -> None:
    """All of it, printed as it comes."""
    with tempfile.TemporaryDirectory(prefix="mailprobe-bench-") as name:
        async with serving(Path(name), monitors) as (address, token, environment):
            await listing.measure(address, token, rounds=rounds)
            weight.measure()
            await pages.measure(address, environment, rounds=max(5, rounds // 10))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--monitors", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()
    asyncio.run(run(options.monitors, options.rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
