"""`make mutants`: mistakes made in the cores, one at a time, and whether their tests notice each.

The cores are the incident engine and what the scheduler decides by. `python -m tests.mutation module …` makes the
mistakes of some modules only; `--processes 1` says how many at a time. Every mutant lives in a process of its own,
forked from one that has everything imported already, and each step of looking at it may take five times what it takes
without a mistake: one that never ends is noticed, too. What survives is listed; those that are judged to be no mistakes
stand in `judged.py` with the reason. Anything else that survives is an error.
"""

import argparse
import ast
import gc
import importlib
import importlib.util
import inspect
import io
import itertools
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from hypothesis import HealthCheck, settings

from tests.mutation.judged import judgement
from tests.mutation.mutants import Mutant, mutants

STORIES = 600
SEEDS = (41, 1, 2, 3, 4, 5)  # in the first, schedulers are away for longer than an interval


@dataclass(frozen=True, slots=True)
class Core:
    """Modules that are pure, or nearly, and what looks at them.

    Args:
        anew: what has to be imported again for a mutant to be met, by how the names begin.
        examples: folders and files of tests that need nothing. stories: whether longer ones notice something.
    """

    modules: tuple[str, ...]
    anew: tuple[str, ...]
    examples: tuple[str, ...]
    stories: Callable[[], bool]


def _told_otherwise() -> bool:
    story = importlib.import_module("tests.support.incidents.story")
    return any(story.tell(number) for number in range(STORIES))


def _lived_otherwise() -> bool:
    world = importlib.import_module("tests.simulation.world")
    return any(world.live(seed).broken for seed in SEEDS)


_INCIDENTS = "services.result_recorder.incidents"
CORES = (
    Core(
        modules=tuple(f"{_INCIDENTS}.{name}" for name in ("rules", "places", "follow_ups", "engine")),
        anew=(_INCIDENTS, "tests.support.incidents"),
        examples=("tests/unit/result_recorder/incidents",),
        stories=_told_otherwise,
    ),
    Core(
        modules=(
            "shared.checks.slots",
            *(f"services.scheduler.{name}" for name in ("windows", "timetable", "pacing", "candidates", "plan")),
            "services.scheduler.deciding",
        ),
        anew=("services.scheduler", "shared.checks.slots", "tests.simulation", "tests.support.scheduled_checks"),
        examples=("tests/unit/scheduler", "tests/unit/checks/test_slots.py"),
        stories=_lived_otherwise,
    ),
)
NO_EXAMPLES = ("test_against_model", "test_every_branch")
# What a step may take of the processor: so many times what it takes without a mistake, and a moment more.
TIMES_LONGER, MOMENT_SECONDS = 5.0, 1.0
LONGEST_SECONDS = 120.0
MOST_BYTES = 4 << 30
NOTICED, SURVIVED = 0, 9
UNTOUCHED = "nothing"


@dataclass(slots=True)
class Steps:
    """What the looking at a mutant consists of, in seconds of the processor, by the names of tests.

    Args:
        usual: of each step without a mistake; not known of those that are not in it.
    """

    usual: dict[str, float]
    took: dict[str, float] = field(default_factory=dict)
    _now: str = ""
    _since: float = 0.0

    def begin(self, step: str) -> None:
        """The one before is over. Whoever overstays is ended by the signal, which nothing here catches."""
        now = time.process_time()
        if self._now:
            self.took[self._now] = now - self._since
        self._now, self._since = step, now
        known = self.usual.get(step)
        most = LONGEST_SECONDS if known is None else known * TIMES_LONGER + MOMENT_SECONDS
        signal.setitimer(signal.ITIMER_PROF, most)


def main() -> int:
    """Make all mutants; the exit code says whether any survived that is not judged."""
    for name in ("pydantic", "structlog", "hypothesis", f"{_INCIDENTS}.engine", "tests.support.incidents.story"):
        importlib.import_module(name)
    importlib.import_module("tests.simulation.world")
    # The same examples for each mutant, however busy the machine is.
    settings.register_profile(
        "mutants", deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    settings.load_profile("mutants")
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("modules", nargs="*", help="the last part of their names")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    wanted, processes = set(arguments.modules), arguments.processes
    began, made, survivors = time.monotonic(), 0, list[str]()
    for core in CORES:
        modules = [name for name in core.modules if not wanted or name.rpartition(".")[2] in wanted]
        if not modules:
            continue
        usual = _usual(core)
        if usual is None:
            print(f"the tests fail for {core.modules[-1]} as it is")
            return 2
        print(f"the tests of {modules[0]} and others: {sum(usual.values()):.1f} s", flush=True)
        for module in modules:
            waiting = [(module, mutant) for mutant in mutants(_path(module).read_text())]
            made += len(waiting)
            survivors += [_name(name, mutant) for name, mutant in _survivors(core, waiting, usual, processes)]
            took = time.monotonic() - began
            print(f"{module}: {len(waiting)} mutants, {len(survivors)} survivors so far, {took:.0f} s", flush=True)
    unjudged = [name for name in survivors if judgement(name) is None]
    print(f"{made} mutants: {made - len(survivors)} noticed, {len(survivors)} not")
    for name in survivors:
        print(f"  {name}\n      {judgement(name) or 'NOT JUDGED'}")
    return 1 if unjudged else 0


def _path(module: str) -> Path:
    return Path(*module.split(".")).with_suffix(".py")


def _usual(core: Core) -> dict[str, float] | None:
    """What each step takes without a mistake; None where the tests notice one all the same."""
    module = core.modules[-1]
    sound = Mutant("", UNTOUCHED, ast.parse(_path(module).read_text()))
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        steps = Steps({})
        status = _live(core, module, sound, steps)
        os.write(writing, json.dumps(steps.took).encode())
        os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as said:
        took: dict[str, float] = json.loads(said.read() or "{}")
    _, status = os.waitpid(child, 0)
    return took if os.waitstatus_to_exitcode(status) == SURVIVED else None


def _survivors(
    core: Core, waiting: list[tuple[str, Mutant]], usual: dict[str, float], processes: int
) -> list[tuple[str, Mutant]]:
    running: dict[int, tuple[str, Mutant]] = {}
    survived = []
    todo = list(waiting)
    gc.freeze()  # what is shared with the children stays shared
    while todo or running:
        while todo and len(running) < processes:
            each = todo.pop(0)
            child = os.fork()
            if child == 0:
                os._exit(_live(core, *each, Steps(usual)))
            running[child] = each
        child, status = os.wait()
        each = running.pop(child)
        if os.waitstatus_to_exitcode(status) == SURVIVED:
            survived.append(each)
            print(f"  not noticed: {_name(*each)}", flush=True)
    return sorted(survived, key=lambda each: waiting.index(each))


def _live(core: Core, module: str, mutant: Mutant, steps: Steps) -> int:
    """Inside the child: put the mutant in the module's place, and let the tests look at it."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))  # one that never ends may fill a list meanwhile
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            steps.begin("importing")
            _install(core, module, mutant.tree)
            return NOTICED if _is_noticed(core, module.rpartition(".")[2], steps) else SURVIVED
    except BaseException:
        if mutant.what == UNTOUCHED:
            traceback.print_exc()
        return NOTICED


def _install(core: Core, name: str, tree: ast.Module) -> None:
    for known in [known for known in sys.modules if known.startswith(core.anew)]:
        del sys.modules[known]
    package = importlib.import_module(name.rpartition(".")[0])
    spec = importlib.util.find_spec(name)
    if spec is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    setattr(package, name.rpartition(".")[2], module)
    exec(compile(tree, name, "exec"), module.__dict__)


def _is_noticed(core: Core, name: str, steps: Steps) -> bool:
    for path in sorted(examples_of(core), key=lambda path: path.stem != f"test_{name}"):  # most end at its own tests
        steps.begin(path.stem)
        _run_all(path)
    steps.begin("stories")
    noticed = core.stories()
    steps.begin("the end")
    return noticed


def examples_of(core: Core) -> list[Path]:
    """The files of tests that look at a core's mutants."""
    paths = [path for place in core.examples for path in (sorted(Path(place).glob("test_*.py")) or [Path(place)])]
    return [path for path in paths if path.stem not in NO_EXAMPLES]


def _run_all(path: Path) -> None:
    for name, test in inspect.getmembers(loaded(path), inspect.isfunction):
        if name.startswith("test_"):
            for arguments in cases(test):
                test(**arguments)  # an assertion that fails is how it is noticed


def loaded(path: Path) -> ModuleType:
    """A file of tests as a module of its own, which nobody else imports."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cases(test: Callable[..., None]) -> Iterator[dict[str, object]]:
    """The arguments that a test is called with: of each of its cases, by the marks that pytest would read."""
    marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    for values in itertools.product(*(mark.args[1] for mark in marks)):
        arguments: dict[str, object] = {}
        for mark, value in zip(marks, values, strict=True):
            names = [name.strip() for name in mark.args[0].split(",")]
            arguments |= zip(names, value if len(names) > 1 else (value,), strict=True)
        yield arguments


def _name(module: str, mutant: Mutant) -> str:
    return f"{module.rpartition('.')[2]}: {mutant.line}: {mutant.what}"


if __name__ == "__main__":
    sys.exit(main())
