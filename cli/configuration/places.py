"""Where in a file something stands, and what is wrong there. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from cli.failing import Failed

_MOST_SHOWN = 100

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line and column of a file, both counted from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong, and where."""

    place: Place
    said: str

    def __str__(self) -> str:
        return f"{self.place}: {self.said}"


class WrongConfiguration(Failed):
    """Files that cannot be used; a line for each thing that is wrong, in the order of the files."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        lines = [str(fault) for fault in self.faults[:_MOST_SHOWN]]
        if len(self.faults) > _MOST_SHOWN:
            lines.append(f"and {len(self.faults) - _MOST_SHOWN} more")
        super().__init__("\n".join(lines))
