"""`make mutants`: mistakes made in the cores, one at a time, and whether their tests notice each.

The cores are the incident engine and what the scheduler decides by. `python -m tests.mutation module …` makes the
mistakes of some modules only. Every mutant lives in a process of its own, forked from one that has everything imported
already. What survives is listed; those that are judged to be no mistakes stand in `judged.py` with the reason. Anything
else that survives is an error.
"""

import ast
import importlib
import importlib.util
import inspect
import io
import os
import resource
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

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
LONGEST_SECONDS = 60
NOTICED, SURVIVED = 0, 9
UNTOUCHED = "nothing"


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
    wanted = set(sys.argv[1:])
    began, made, survivors = time.monotonic(), 0, list[str]()
    for core in CORES:
        modules = [name for name in core.modules if not wanted or name.rpartition(".")[2] in wanted]
        if not modules:
            continue
        sound = ast.parse(_path(core.modules[-1]).read_text())
        if not _survivors(core, [(core.modules[-1], Mutant("", UNTOUCHED, sound))]):
            print(f"the tests fail for {core.modules[-1]} as it is")
            return 2
        for module in modules:
            waiting = [(module, mutant) for mutant in mutants(_path(module).read_text())]
            made += len(waiting)
            survivors += [_name(name, mutant) for name, mutant in _survivors(core, waiting)]
            took = time.monotonic() - began
            print(f"{module}: {len(waiting)} mutants, {len(survivors)} survivors so far, {took:.0f} s", flush=True)
    unjudged = [name for name in survivors if judgement(name) is None]
    print(f"{made} mutants: {made - len(survivors)} noticed, {len(survivors)} not")
    for name in survivors:
        print(f"  {name}\n      {judgement(name) or 'NOT JUDGED'}")
    return 1 if unjudged else 0


def _path(module: str) -> Path:
    return Path(*module.split(".")).with_suffix(".py")


def _survivors(core: Core, waiting: list[tuple[str, Mutant]]) -> list[tuple[str, Mutant]]:
    running: dict[int, tuple[str, Mutant]] = {}
    survived = []
    todo = list(waiting)
    while todo or running:
        while todo and len(running) < (os.cpu_count() or 1):
            each = todo.pop(0)
            child = os.fork()
            if child == 0:
                os._exit(_live(core, *each))
            running[child] = each
        child, status = os.wait()
        each = running.pop(child)
        if os.waitstatus_to_exitcode(status) == SURVIVED:
            survived.append(each)
            if each[1].what != UNTOUCHED:
                print(f"  not noticed: {_name(*each)}", flush=True)
    return sorted(survived, key=lambda each: waiting.index(each))


def _live(core: Core, module: str, mutant: Mutant) -> int:
    """Inside the child: put the mutant in the module's place, and let the tests look at it."""
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST_SECONDS, LONGEST_SECONDS))  # one that never ends is noticed too
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            _install(core, module, mutant.tree)
            return NOTICED if _is_noticed(core, module.rpartition(".")[2]) else SURVIVED
    except BaseException:
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


def _is_noticed(core: Core, name: str) -> bool:
    paths = [path for place in core.examples for path in (sorted(Path(place).glob("test_*.py")) or [Path(place)])]
    for path in sorted(paths, key=lambda path: path.stem != f"test_{name}"):  # its own tests first: most end there
        if path.stem not in NO_EXAMPLES:
            _run_all(path)
    return core.stories()


def _run_all(path: Path) -> None:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, test in inspect.getmembers(module, inspect.isfunction):
        if name.startswith("test_"):
            test()  # an assertion that fails is how it is noticed


def _name(module: str, mutant: Mutant) -> str:
    return f"{module.rpartition('.')[2]}: {mutant.line}: {mutant.what}"


if __name__ == "__main__":
    sys.exit(main())
