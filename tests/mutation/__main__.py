"""`make mutants`: mistakes made in the incident engine, one at a time, and whether its tests notice each.

`python -m tests.mutation module …` makes those of some modules only. Every mutant lives in a process of its own, forked
from one that has everything imported already. What survives is listed; those that are judged to be no mistakes stand
in `judged.py` with the reason. Anything else that survives is an error.
"""

import ast
import importlib
import importlib.util
import inspect
import io
import os
import pkgutil
import resource
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path

from tests.mutation.judged import judgement
from tests.mutation.mutants import Mutant, mutants

PACKAGE = "services.result_recorder.incidents"
MODULES = ("rules", "places", "follow_ups", "engine")
EXAMPLES = Path("tests/unit/result_recorder/incidents")
NO_EXAMPLES = ("test_against_model", "test_every_branch")
STORIES = 600
LONGEST_SECONDS = 60
NOTICED, SURVIVED = 0, 9
UNTOUCHED = "nothing"


def main() -> int:
    """Make all mutants; the exit code says whether any survived that is not judged."""
    for name in ("pydantic", "structlog", "services.result_recorder.incidents.engine", "tests.support.incidents.story"):
        importlib.import_module(name)
    began, made, survivors = time.monotonic(), 0, list[str]()
    sound = ast.parse(Path(*PACKAGE.split("."), "engine.py").read_text())
    if not _survivors([("engine", Mutant("", UNTOUCHED, sound))]):
        print("the tests fail for the engine as it is")
        return 2
    for module in sys.argv[1:] or MODULES:
        path = Path(*PACKAGE.split("."), f"{module}.py")
        waiting = [(module, mutant) for mutant in mutants(path.read_text())]
        made += len(waiting)
        survivors += [_name(module, mutant) for module, mutant in _survivors(waiting)]
        print(f"{module}: {len(waiting)} mutants, {len(survivors)} survivors so far, {time.monotonic() - began:.0f} s")
    unjudged = [name for name in survivors if judgement(name) is None]
    print(f"{made} mutants: {made - len(survivors)} noticed, {len(survivors)} not")
    for name in survivors:
        print(f"  {name}\n      {judgement(name) or 'NOT JUDGED'}")
    return 1 if unjudged else 0


def _survivors(waiting: list[tuple[str, Mutant]]) -> list[tuple[str, Mutant]]:
    running: dict[int, tuple[str, Mutant]] = {}
    survived = []
    todo = list(waiting)
    while todo or running:
        while todo and len(running) < (os.cpu_count() or 1):
            each = todo.pop(0)
            child = os.fork()
            if child == 0:
                os._exit(_live(*each))
            running[child] = each
        child, status = os.wait()
        each = running.pop(child)
        if os.waitstatus_to_exitcode(status) == SURVIVED:
            survived.append(each)
            if each[1].what != UNTOUCHED:
                print(f"  not noticed: {_name(*each)}", flush=True)
    return sorted(survived, key=lambda each: waiting.index(each))


def _live(module: str, mutant: Mutant) -> int:
    """Inside the child: put the mutant in the module's place, and let the tests look at it."""
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST_SECONDS, LONGEST_SECONDS))  # one that never ends is noticed too
    try:
        with redirect_stdout(io.StringIO()):
            _install(f"{PACKAGE}.{module}", mutant.tree)
            return NOTICED if _is_noticed() else SURVIVED
    except BaseException:
        return NOTICED


def _install(name: str, tree: ast.Module) -> None:
    for known in [known for known in sys.modules if known.startswith((PACKAGE, "tests.support.incidents"))]:
        del sys.modules[known]
    package = importlib.import_module(PACKAGE)
    spec = importlib.util.find_spec(name)
    if spec is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    setattr(package, name.rpartition(".")[2], module)
    exec(compile(tree, name, "exec"), module.__dict__)


def _is_noticed() -> bool:
    for found in pkgutil.iter_modules([str(EXAMPLES)]):
        if found.name in NO_EXAMPLES:
            continue
        spec = importlib.util.spec_from_file_location(found.name, EXAMPLES / f"{found.name}.py")
        if spec is None or spec.loader is None:
            raise ImportError(found.name)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, test in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("test_"):
                test()  # an assertion that fails is how it is noticed
    story = importlib.import_module("tests.support.incidents.story")
    return bool(any(story.tell(number) for number in range(STORIES)))


def _name(module: str, mutant: Mutant) -> str:
    return f"{module}: {mutant.line}: {mutant.what}"


if __name__ == "__main__":
    sys.exit(main())
