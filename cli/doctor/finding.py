"""What an examination finds: well, ill with the one thing to do, or not looked at and why."""

from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """How one thing is."""

    WELL = "well"
    ILL = "ill"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `remedy`: the one thing to do; of what was not seen, what would show it."""

    name: str
    standing: Standing
    said: str
    remedy: str | None = None


def well(name: str, said: str) -> Finding:
    """It is as it should be."""
    return Finding(name, Standing.WELL, said)


def ill(name: str, said: str, remedy: str) -> Finding:
    """It is not."""
    return Finding(name, Standing.ILL, said, remedy)


def unseen(name: str, said: str, remedy: str | None = None) -> Finding:
    """Nothing was given to look at it with."""
    return Finding(name, Standing.UNSEEN, said, remedy)
