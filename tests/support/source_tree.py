"""What the rules of the house are checked against: our source files, what they import, and what they define.

Provides facts read from syntax trees; the rules themselves are in tests/architecture/rules.py.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

ROOMS = ("benchmarks", "cli", "services", "shared", "tests")


@dataclass(frozen=True)
class Module:
    """One Python file of a tree."""

    root: Path
    path: Path

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The dotted name in pieces: ("services", "scheduler", "plan"); a package's own file is the package."""
        relative = self.path.relative_to(self.root).with_suffix("")
        return relative.parts[:-1] if relative.name == "__init__" else relative.parts

    @cached_property
    def where(self) -> str:
        """The path to name in a complaint."""
        return str(self.path.relative_to(self.root))

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax."""
        return ast.parse(self.path.read_text(), filename=str(self.path))

    @cached_property
    def imports(self) -> frozenset[str]:
        """Dotted names of all it imports, wherever in the file; `from a import b` counts as `a.b`."""
        return frozenset(self._imports())

    def imports_below(self, *names: str) -> list[str]:
        """Those of its imports that are one of these packages or lie below it, in order."""
        return sorted(i for i in self.imports if any(i == name or i.startswith(f"{name}.") for name in names))

    def _imports(self) -> Iterator[str]:
        package = self.parts if self.path.name == "__init__.py" else self.parts[:-1]
        for node in ast.walk(self.tree):
            match node:
                case ast.Import(names=names):
                    yield from (alias.name for alias in names)
                case ast.ImportFrom(module=module, names=names, level=level):
                    above = package[: len(package) - level + 1] if level else ()
                    source = ".".join([*above, *([module] if module else [])])
                    yield from (f"{source}.{alias.name}" for alias in names)
                case ast.Call(
                    func=ast.Attribute(attr="import_module") | ast.Name(id="import_module"),
                    args=[ast.Constant(value=str(name)), *_],
                ):
                    yield name


def modules(root: Path) -> list[Module]:
    """Every Python file of ours below `root`, in order."""
    return [
        _module(root, path, path.stat().st_mtime_ns)
        for room in ROOMS
        for path in sorted((root / room).rglob("*.py"))
        if "__pycache__" not in path.parts
    ]


@lru_cache(maxsize=2000)
def _module(root: Path, path: Path, _changed_at: int) -> Module:
    """Read once for all rules, as long as it is the same."""
    return Module(root, path)


def forget() -> None:
    """Let go of what was read: every look for garbage in this process would go through all of it."""
    _module.cache_clear()
