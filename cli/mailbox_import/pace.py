"""Which rows may be tried now, so that a wrong column costs each mail server three refusals and not our address. Pure.

The scheduler holds back logins of its own accord (never more than three refusals of new credentials on a host in ten
minutes). Here it is decided how many rows are handed to it, and when to stop because more would be pointless.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

# Before a host has let anybody in, so many are tried there at once; it is also how many refusals stop it.
SCOUTS = 3
# Later so many wait for their turn at the scheduler; it spaces them.
IN_LINE = 12
IN_LINE_IN_ALL = 60
# So many hosts that refuse their first, and none that lets anybody in, are no accident either.
REFUSED_ANYWHERE = 5


@dataclass(slots=True)
class Host(Generic[T]):
    """One mail server's rows. stopped: why no more of them are tried."""

    name: str
    waiting: deque[T]
    trying: int = 0
    passed: int = 0
    refused: int = 0
    failed: int = 0
    reason: str = ""
    stopped: str | None = None

    @property
    def room(self) -> int:
        if self.stopped is not None:
            return 0
        return max(0, IN_LINE - self.trying if self.passed else SCOUTS - self.trying - self.failed)


@dataclass(slots=True)
class Pace(Generic[T]):
    """All hosts."""

    hosts: dict[str, Host[T]] = field(default_factory=dict)
    stopped: str | None = None

    @classmethod
    def over(cls, rows: Iterable[tuple[str, T]]) -> "Pace[T]":
        """Rows by their host, in an order whose first are from its top, middle and end: faults come in runs."""
        of_host: dict[str, list[T]] = {}
        for name, row in rows:
            of_host.setdefault(name, []).append(row)
        return cls({name: Host(name, deque(spread(some))) for name, some in of_host.items()})

    def next(self) -> list[tuple[Host[T], T]]:
        """The rows that may be tried now; they count as being tried from now on."""
        chosen: list[tuple[Host[T], T]] = []
        if self.stopped is not None:
            return chosen
        room = IN_LINE_IN_ALL - sum(host.trying for host in self.hosts.values())
        if not any(host.passed for host in self.hosts.values()):
            room = min(room, max(SCOUTS, REFUSED_ANYWHERE) - sum(host.trying for host in self.hosts.values()))
        for host in self.hosts.values():
            while host.waiting and host.room and len(chosen) < room:
                host.trying += 1
                chosen.append((host, host.waiting.popleft()))
        return chosen

    def passed(self, name: str) -> None:
        """One was let in."""
        self.hosts[name].trying -= 1
        self.known(name, passed=True)

    def failed(self, name: str, *, refused: bool, reason: str) -> None:
        """One was not: its password was refused, or something else is wrong."""
        self.hosts[name].trying -= 1
        self.known(name, passed=False, refused=refused, reason=reason)

    def known(self, name: str, *, passed: bool, refused: bool = False, reason: str = "") -> None:
        """How one went, now or in an earlier run."""
        host = self.hosts.get(name)
        if host is None:
            return
        if passed:
            host.passed += 1
            return
        host.failed += 1
        host.refused += refused
        host.reason = reason
        self._judge(host)

    def _judge(self, host: Host[T]) -> None:
        left = len(host.waiting)
        if host.passed == 0 and host.failed >= SCOUTS and left:
            host.stopped = (
                f"{host.name} refused the first {host.refused} passwords it was given and took none, so the password "
                f"column is probably wrong: the other {left} rows were not tried there, or our address would be banned"
                if host.refused >= SCOUTS
                else f"{host.failed} rows of {host.name} failed and none passed ({host.reason}): the other {left} rows "
                "were not tried there"
            )
        everywhere = self.hosts.values()
        refusing = [each for each in everywhere if each.refused]
        refusals = sum(each.refused for each in refusing)
        if len(refusing) > 1 and refusals >= REFUSED_ANYWHERE and self.left and not any(h.passed for h in everywhere):
            self.stopped = (
                f"{len(refusing)} servers refused the first {refusals} passwords and none was taken, so the password "
                f"column is probably wrong: the other {self.left} rows were not tried"
            )

    def skipped(self, name: str) -> None:
        """It was not tried after all."""
        self.hosts[name].trying -= 1

    @property
    def left(self) -> int:
        return sum(len(host.waiting) for host in self.hosts.values())

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be begun."""
        return self.stopped is not None or all(host.stopped or not host.waiting for host in self.hosts.values())

    def untried(self) -> list[tuple[str, T]]:
        """Rows that were not tried, each with the reason."""
        return [
            (self.stopped or host.stopped or "it was not tried", row)
            for host in self.hosts.values()
            for row in host.waiting
        ]


def spread(rows: list[T]) -> list[T]:
    """The first, the middle and the last one, and then the others in their order."""
    scouts = dict.fromkeys((0, len(rows) // 2, len(rows) - 1)) if rows else {}
    return [rows[place] for place in scouts] + [row for place, row in enumerate(rows) if place not in scouts]
