"""`make simulate`: seed after seed of the whole pipeline under faults, in virtual time; then the planted mistakes.

    python -m tests.simulation                  ten thousand seeds, progress shown, then the planted mistakes
    python -m tests.simulation --seeds 500      so many, from --from (1) on
    python -m tests.simulation --seed 64        one, with its story and what is broken: a failing one repeats
    python -m tests.simulation --planted        the planted mistakes only, each until a seed finds it
    python -m tests.simulation --processes 1    so many at a time; as many as there are cores unless said

The order of sets of words depends on the interpreter's hash seed, which is fixed here so that a seed is the same in
each process.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.planted import PLANTED
from tests.simulation.story import story_of
from tests.simulation.world import Told, live

SEEDS = 10_000
SEEDS_FOR_PLANTED = 100
ENOUGH_FOUND = 19
_AT_ONCE = 20
_SAID_EVERY = 100


def main() -> int:
    """The exit code says whether anything is broken, or too many planted mistakes were not found."""
    arguments = _arguments()
    if arguments.seed is not None:
        return _one(arguments.seed)
    failed = 0 if arguments.planted else _many(arguments.first, arguments.seeds, arguments.processes)
    found = _planted(arguments.processes) if arguments.planted or arguments.seeds >= SEEDS else len(PLANTED)
    return 1 if failed or found < ENOUGH_FOUND else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--from", dest="first", type=int, default=1)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--planted", action="store_true")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


def _one(seed: int) -> int:
    print(story_of(seed))
    told = live(seed)
    print(told.counts)
    print("\n".join(told.broken) or "nothing is broken")
    return 1 if told.broken else 0


def _many(first: int, seeds: int, processes: int) -> int:
    began, done, failed = time.monotonic(), 0, 0
    counts: Counter[str] = Counter()
    for told in _lived(range(first, first + seeds), processes):
        done += 1
        counts.update(told.counts)
        if told.broken:
            failed += 1
            print(f"seed {told.seed}: {'; '.join(told.broken)}\n    {command(told.seed)}", flush=True)
        if done % _SAID_EVERY == 0:
            pace = done / (time.monotonic() - began)
            left = (seeds - done) / pace / 60
            print(f"{done} of {seeds} seeds, {failed} broken, {pace:.1f} a second, {left:.0f} min to go", flush=True)
    said = ", ".join(
        f"{name} {counts[name]}" for name in ("claimed", "results", "missed", "incidents", "told", "starts")
    )
    print(f"simulation.seeds {done}\nsimulation.broken {failed}\nthey had: {said}")
    return failed


def _lived(seeds: range, processes: int) -> Iterator[Told]:
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(live, seeds, chunksize=_AT_ONCE if len(seeds) > 100 else 1)


def command(seed: int) -> str:
    """What repeats a seed."""
    return f".venv/bin/python -m tests.simulation --seed {seed}"


def _planted(processes: int) -> int:
    found = 0
    with ProcessPoolExecutor(processes) as pool:
        for mistake, by in zip(PLANTED, pool.map(found_by, range(len(PLANTED))), strict=True):
            found += by is not None
            said = f"seed {by[0]}: {by[1]}" if by else f"not found within {SEEDS_FOR_PLANTED} seeds"
            print(f"  {mistake.name} ({mistake.where}): {said}", flush=True)
    print(f"simulation.planted {len(PLANTED)}\nsimulation.planted_found {found}")
    return found


def found_by(number: int, seeds: int = SEEDS_FOR_PLANTED) -> tuple[int, str] | None:
    """The first seed that finds a planted mistake and is well without it, and what is broken by it."""
    for seed in range(1, seeds + 1):
        with PLANTED[number].in_place():
            told = live(seed)
        if any("TypeError" in each for each in told.broken):
            raise ValueError(f"{PLANTED[number].name} does not fit the code any more: {told.broken}")
        if told.broken and not live(seed).broken:
            return seed, told.broken[0]
    return None


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]])
    sys.exit(main())
