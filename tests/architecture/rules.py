"""The rules of the house, each a function from a source tree to its violations in words.

What they mean and why is told in ARCHITECTURE.md; here they only have to be exact.
"""

import ast
import re
from collections.abc import Callable
from pathlib import Path

from tests.support.source_tree import ROOMS, Module, modules

Rule = Callable[[Path], list[str]]

MOST_LINES = 400
WORKERS = ("imap_worker", "pop3_worker")
CLAIM = {("scheduler", "schedule_store"), ("scheduler", "plan"), ("scheduler", "windows")}
FORBIDDEN_WORDS = {"util", "utils", "helper", "helpers", "common", "base", "manager", "managers", "misc"}
COUNTED_SUFFIXES = {".py", ".sql", ".sh", ".ts", ".tsx", ".css"}

# Which rooms of shared a room of shared may use. One that is not named here may use none.
SHARED_MAY_USE = {
    "broker": {"checks"},
    "probing": {"checks"},
}
# It is also where a worker process lives its life, hence runtime.
JOB_HANDLING_MAY_USE = {"checks", "broker", "sealing", "runtime"}


def services_stay_apart(root: Path) -> list[str]:
    """A service imports no other service; standalone alone composes them."""
    return [
        f"{module.where} imports {name}: a service uses no other service"
        for module in modules(root)
        if module.parts[0] == "services" and len(module.parts) > 1 and module.parts[1] != "standalone"
        for name in module.imports_below("services")
        if name.split(".")[1:2] != [module.parts[1]]
    ]


def callers_take_only_what_is_theirs(root: Path) -> list[str]:
    """cli and benchmarks use a worker's probe; cli also standalone, a service's start, tokens and people; no more.

    Benchmarks also repeat a claim as the scheduler makes it.
    """
    found = []
    for module in modules(root):
        if module.parts[0] not in ("cli", "benchmarks"):
            continue
        for name in module.imports_below("services"):
            service, _, inside = name.removeprefix("services.").partition(".")
            is_probe = service in WORKERS and inside.split(".")[0] == "probe"
            is_start = module.parts[0] == "cli" and (service == "standalone" or inside.split(".")[0] == "__main__")
            is_operators = module.parts[0] == "cli" and (
                name.split(".")[1:3] == ["api_gateway", "token_store"]
                or name.split(".")[1:4] == ["api_gateway", "people", "operating"]
            )
            is_claim = module.parts[0] == "benchmarks" and (service, inside.split(".")[0]) in CLAIM
            if not (is_probe or is_start or is_operators or is_claim):
                found.append(f"{module.where} imports {name}: only a worker's probe, standalone or a start is for it")
    return found


def nothing_points_upwards(root: Path) -> list[str]:
    """shared knows neither services nor cli, services know no cli, and nothing of ours knows the tests."""
    above = {
        "shared": ("services", "cli", "benchmarks", "tests"),
        "services": ("cli", "benchmarks", "tests"),
        "cli": ("benchmarks", "tests"),
        "benchmarks": ("tests",),
    }
    return [
        f"{module.where} imports {name}, which lies above it"
        for module in modules(root)
        for name in module.imports_below(*above.get(module.parts[0], ()))
    ]


def rooms_of_shared_keep_their_direction(root: Path) -> list[str]:
    """probing → broker → checks; broker, sealing and runtime from job handling only; other rooms use none of ours."""
    found = []
    for module in modules(root):
        if module.parts[0] != "shared" or len(module.parts) < 2:
            continue
        room = module.parts[1]
        job_handling = room == "probing" and len(module.parts) > 2 and module.parts[2].startswith("job_handling")
        allowed = JOB_HANDLING_MAY_USE if job_handling else SHARED_MAY_USE.get(room, set())
        found += [
            f"{module.where} imports {name}: shared/{room} may use {sorted(allowed) or 'no other room'}"
            for name in module.imports_below("shared")
            if name.split(".")[1:2] != [room] and name.split(".")[1:2] not in [[one] for one in allowed]
        ]
    return found


def workers_hold_no_database(root: Path) -> list[str]:
    """A worker never imports shared.database."""
    return [
        f"{module.where} imports {name}: workers have no database"
        for module in modules(root)
        if module.parts[0] == "services" and len(module.parts) > 1 and module.parts[1] in WORKERS
        for name in module.imports_below("shared.database", "asyncpg")
    ]


def asyncpg_is_for_stores(root: Path) -> list[str]:
    """asyncpg appears in `*_store.py` and shared/database only."""
    return [
        f"{module.where} imports {name}: asyncpg is for *_store.py and shared/database"
        for module in _code(root)
        if module.parts[:2] != ("shared", "database") and not module.path.name.endswith("_store.py")
        for name in module.imports_below("asyncpg")
    ]


def aio_pika_is_for_the_broker(root: Path) -> list[str]:
    """aio_pika, and aiormq below it, appear in shared/broker only; benchmarks compare us with the latter alone."""
    return [
        f"{module.where} imports {name}: RabbitMQ's library is for shared/broker"
        for module in _code(root)
        if module.parts[:2] != ("shared", "broker")
        for name in module.imports_below("aio_pika", *(() if module.parts[0] == "benchmarks" else ("aiormq", "pamqp")))
    ]


def aioimaplib_has_one_file(root: Path) -> list[str]:
    """aioimaplib is known to one file of imap_worker."""
    users = [module for module in _code(root) if module.imports_below("aioimaplib")]
    outside = [module for module in users if module.parts[:2] != ("services", "imap_worker")]
    found = [f"{module.where} imports aioimaplib: it is for one file of imap_worker" for module in outside]
    if len(users) > 1:
        found.append(f"aioimaplib is imported by {len(users)} files: {', '.join(module.where for module in users)}")
    return found


def the_environment_is_for_settings(root: Path) -> list[str]:
    """os.environ and os.getenv appear in shared/runtime only."""
    names = {"environ", "environb", "getenv", "getenvb"}
    found = []
    for module in _code(root):
        if module.parts[:2] == ("shared", "runtime"):
            continue
        found += [f"{module.where} imports {n}" for n in module.imports_below(*(f"os.{name}" for name in names))]
        found += [
            f"{module.where}:{node.lineno} reads os.{node.attr}: settings come from shared/runtime"
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Attribute)
            and node.attr in names
            and isinstance(node.value, ast.Name)
            and node.value.id == "os"
        ]
    return found


def files_stay_short(root: Path) -> list[str]:
    """No file has more than 400 lines."""
    found = []
    for room in (*ROOMS, "deploy", "web"):
        for path in sorted((root / room).rglob("*")):
            if path.suffix in COUNTED_SUFFIXES and "node_modules" not in path.parts and path.is_file():
                lines = len(path.read_text().splitlines())
                if lines > MOST_LINES:
                    found.append(f"{path.relative_to(root)} has {lines} lines, more than {MOST_LINES}")
    return found


def names_say_something(root: Path) -> list[str]:
    """No file, folder or class is named utils, helpers, common, base, manager or misc."""
    found = []
    for module in modules(root):
        named = [part for part in module.parts if set(re.split(r"[_\d]+", part.lower())) & FORBIDDEN_WORDS]
        found += [f"{module.where}: {part} says nothing about what is in it" for part in named]
        found += [
            f"{module.where}:{node.lineno}: class {node.name} says nothing about what it is"
            for node in ast.walk(module.tree)
            if isinstance(node, ast.ClassDef) and _words(node.name) & FORBIDDEN_WORDS
        ]
    return found


def public_modules_say_what_they_are(root: Path) -> list[str]:
    """Each public module begins with a docstring."""
    return [
        f"{module.where} has no docstring"
        for module in modules(root)
        if module.parts[0] != "tests"
        and not module.parts[-1].startswith("_")
        and not (ast.get_docstring(module.tree) or "").strip()
    ]


RULES: tuple[Rule, ...] = (
    services_stay_apart,
    callers_take_only_what_is_theirs,
    nothing_points_upwards,
    rooms_of_shared_keep_their_direction,
    workers_hold_no_database,
    asyncpg_is_for_stores,
    aio_pika_is_for_the_broker,
    aioimaplib_has_one_file,
    the_environment_is_for_settings,
    files_stay_short,
    names_say_something,
    public_modules_say_what_they_are,
)


def _code(root: Path) -> list[Module]:
    """Tests look at databases and brokers from outside, by whatever library does that."""
    return [module for module in modules(root) if module.parts[0] != "tests"]


def _words(class_name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", class_name)}
