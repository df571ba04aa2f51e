"""Fair to one mail server: how many jobs a second, and how many at once, one host is asked over the whole fleet.

Kept in the memory of the one scheduler that leads; what a predecessor had reserved is read back from the waiting
requests, what it had out is forgotten, so that for a moment after a take-over a host may see twice its share.
Whether a check may log in is for logins to say.
"""

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from services.scheduler.windows import LOOK_AHEAD_MS, REQUEST_AHEAD_MS

# Where a host has its hands full: looked at again with the next second's requests.
FULL_RETRY_MS = REQUEST_AHEAD_MS + 500

# What a worker may need beyond the check's own deadline before its place is taken to be free.
GRACE_MS = 2_000


@dataclass(frozen=True, slots=True)
class Start:
    """It may begin at this time, which is near enough to be published now."""

    at: int


@dataclass(frozen=True, slots=True)
class Later:
    """Its place is at this time."""

    at: int


@dataclass(frozen=True, slots=True)
class NoRoom:
    """Its turn would come only after it has been given up; `at` is when that would be."""

    at: int


Place = Start | Later | NoRoom


@dataclass(frozen=True, slots=True)
class Outstanding:
    """A job that was published and whose end is not known of yet."""

    slot_at: int
    ends_by: int
    trial: bool  # it logs in with a credential that was never accepted


class Pacer:
    """Gives places in time to the jobs of each host.

    Args:
        per_second: how many may begin within a second.
        in_flight: how many may be out at once.
    """

    def __init__(self, *, per_second: float, in_flight: int) -> None:
        self._spacing_ms = 1000 / per_second
        self._in_flight = in_flight
        self._next_start: dict[str, float] = {}  # the earliest time nobody was sent at yet
        self._next_planned: dict[str, float] = {}  # the earliest time nobody is waiting for
        self._out: defaultdict[str, dict[UUID, Outstanding]] = defaultdict(dict)

    def place(self, host: str, *, wanted_at: int, give_up_at: int, now_ms: int, queues_up: bool) -> Place:
        """The place of one more job, which is taken by it unless the answer is NoRoom.

        Args:
            queues_up: it goes behind those that wait already. Otherwise it was asked for by somebody, or it has
                waited, and only has to keep its distance.
        """
        earliest = max(float(wanted_at), self._next_start.get(host, 0.0))
        if queues_up:
            earliest = max(earliest, self._next_planned.get(host, 0.0))
        full = self.is_full(host, now_ms)
        if full:
            earliest = max(earliest, now_ms + FULL_RETRY_MS)
        at = int(earliest)
        if at > give_up_at:
            return NoRoom(at)
        if full or at > now_ms + LOOK_AHEAD_MS:
            if queues_up:
                self._next_planned[host] = earliest + self._spacing_ms
            return Later(at)
        self._next_start[host] = earliest + self._spacing_ms
        self._next_planned[host] = max(self._next_planned.get(host, 0.0), self._next_start[host])
        return Start(at)

    def plan(self, host: str, *, wanted_at: int, give_up_at: int) -> Later | NoRoom:
        """A place in the future behind those that wait already, for something that is not to be published yet."""
        earliest = max(float(wanted_at), self._next_start.get(host, 0.0), self._next_planned.get(host, 0.0))
        if earliest > give_up_at:
            return NoRoom(int(earliest))
        self._next_planned[host] = earliest + self._spacing_ms
        return Later(int(earliest))

    def reserved_until(self, host: str, at: int) -> None:
        """Somebody before us gave a place at this time."""
        self._next_planned[host] = max(self._next_planned.get(host, 0.0), at + self._spacing_ms)

    def is_crowded(self, host: str, *, more: int, now_ms: int) -> bool:
        """Whether so many more would not all begin within the look-ahead."""
        after = max(self._next_start.get(host, 0.0), self._next_planned.get(host, 0.0), float(now_ms))
        return self.is_full(host, now_ms, more=more) or after + more * self._spacing_ms > now_ms + LOOK_AHEAD_MS

    def is_full(self, host: str, now_ms: int, *, more: int = 1) -> bool:
        """Whether so many more would be too many at once."""
        return len(self._of(host, now_ms)) + more > self._in_flight

    def trials(self, host: str, now_ms: int) -> int:
        """How many never-proven credentials are being tried at this host."""
        return sum(job.trial for job in self._of(host, now_ms).values())

    def sent(
        self, host: str, check_id: UUID, *, slot_at: int, start_at: int, timeout_ms: int, trial: bool = False
    ) -> None:
        """This job is out from now on."""
        self._out[host][check_id] = Outstanding(slot_at, start_at + timeout_ms + GRACE_MS, trial)

    def done(self, host: str, check_id: UUID) -> None:
        """Its result is there, or it was not published after all."""
        self._out[host].pop(check_id, None)

    def outstanding(self, host: str) -> dict[UUID, int]:
        """The jobs out, with their slots: what to look for among the results."""
        return {check_id: job.slot_at for check_id, job in self._out.get(host, {}).items()}

    def forget_past(self, now_ms: int) -> None:
        """Let go of hosts nothing is known about any more."""
        for times in (self._next_start, self._next_planned):
            for host in [host for host, at in times.items() if at <= now_ms]:
                del times[host]
        for host in list(self._out):
            if not self._of(host, now_ms):
                del self._out[host]

    def step_clock(self) -> None:
        """The clock has jumped: times given before mean nothing now."""
        self._next_start.clear()
        self._next_planned.clear()
        self._out.clear()

    def _of(self, host: str, now_ms: int) -> dict[UUID, Outstanding]:
        jobs = self._out.get(host)
        if not jobs:
            return {}
        for check_id in [check_id for check_id, job in jobs.items() if job.ends_by <= now_ms]:
            del jobs[check_id]
        return jobs
