"""Fair to one mail server: how many jobs a second, and how many at once, one host is asked over the whole fleet.

Kept in the memory of the one scheduler that leads; what a predecessor had reserved is read back from the waiting
requests, what it had out is forgotten, so that for a moment after a take-over a host may see twice its share.
Whether a check may log in is for logins to say.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from heapq import heappop, heappush
from uuid import UUID

from services.scheduler.timetable import Timetable
from services.scheduler.windows import LOOK_AHEAD_MS, REQUEST_AHEAD_MS

# Where a host has its hands full: looked at again with the next second's requests.
FULL_RETRY_MS = REQUEST_AHEAD_MS + 500

# Nobody is given a place further ahead.
LONGEST_QUEUE_MS = 3_600_000

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


@dataclass(slots=True)
class _Out:
    """What one host has in hand, and whose time is up first: a host may be allowed thousands at once."""

    jobs: dict[UUID, Outstanding] = field(default_factory=dict)
    ends: list[tuple[int, UUID]] = field(default_factory=list)  # a heap; of jobs that are done, too

    def add(self, check_id: UUID, job: Outstanding) -> None:
        self.jobs[check_id] = job
        heappush(self.ends, (job.ends_by, check_id))

    def forget_ended(self, now_ms: int) -> None:
        while self.ends and self.ends[0][0] <= now_ms:
            ends_by, check_id = heappop(self.ends)
            job = self.jobs.get(check_id)
            if job is not None and job.ends_by == ends_by:  # else it is done, or was sent once more
                del self.jobs[check_id]


class Pacer:
    """Gives places in time to the jobs of each host.

    Args:
        per_second: how many may begin within a second.
        in_flight: how many may be out at once.
    """

    def __init__(self, *, per_second: float, in_flight: int) -> None:
        self._spacing_ms = 1000 / per_second
        self._in_flight = in_flight
        self._tables: dict[str, Timetable] = {}
        self._out: defaultdict[str, _Out] = defaultdict(_Out)

    def place(
        self, host: str, check_id: UUID, *, wanted_at: int, give_up_at: int, now_ms: int, queues_up: bool
    ) -> Place:
        """The place of a job that is ready; the one it was given before, while that can be kept.

        Args:
            queues_up: far ahead it leaves some places to those who are waited for by people.
        """
        table = self._table(host)
        if self.is_full(host, now_ms):
            at = table.earliest(max(wanted_at, now_ms + FULL_RETRY_MS), leaving_headroom=queues_up)
            return self._given(table, check_id, at, give_up_at, now_ms, is_near=False)
        given = table.place_of(check_id)
        if given is not None and given >= now_ms:
            at = given
        else:
            at = table.earliest(wanted_at)
            if queues_up and at > now_ms + LOOK_AHEAD_MS:
                at = table.earliest(at, leaving_headroom=True)
        return self._given(table, check_id, at, give_up_at, now_ms, is_near=at <= now_ms + LOOK_AHEAD_MS)

    def plan(
        self, host: str, check_id: UUID, *, wanted_at: int, give_up_at: int, now_ms: int
    ) -> Start | Later | NoRoom:
        """A place in the future for something that is not to be published yet."""
        table = self._table(host)
        at = table.earliest(wanted_at, leaving_headroom=True)
        return self._given(table, check_id, at, give_up_at, now_ms, is_near=False)

    def keep_place(self, host: str, check_id: UUID, at: int) -> None:
        """Somebody before us gave it this place."""
        table = self._table(host)
        if table.place_of(check_id) is None:
            table.take(check_id, table.earliest(at))

    def _given(
        self, table: Timetable, check_id: UUID, at: float, give_up_at: int, now_ms: int, *, is_near: bool
    ) -> Place:
        if at > min(give_up_at, now_ms + LONGEST_QUEUE_MS):
            table.leave(check_id)
            return NoRoom(int(at))
        table.take(check_id, at)
        return Start(int(at)) if is_near else Later(int(at))

    def _table(self, host: str) -> Timetable:
        return self._tables.setdefault(host, Timetable(self._spacing_ms))

    def is_crowded(self, host: str, *, more: int, now_ms: int) -> bool:
        """Whether so many more would not all begin within the look-ahead."""
        after = max(self._table(host).earliest(now_ms), float(now_ms))
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
        self._out[host].add(check_id, Outstanding(slot_at, start_at + timeout_ms + GRACE_MS, trial))

    def done(self, host: str, check_id: UUID) -> None:
        """Its result is there, or it was not published after all."""
        if host in self._out:
            self._out[host].jobs.pop(check_id, None)

    def outstanding(self, host: str) -> dict[UUID, int]:
        """The jobs out, with their slots: what to look for among the results."""
        return {check_id: job.slot_at for check_id, job in self._out[host].jobs.items()} if host in self._out else {}

    def forget_past(self, now_ms: int) -> None:
        """Let go of hosts nothing is known about any more."""
        self._tables = {host: table for host, table in self._tables.items() if table.forget_before(now_ms)}
        for host in list(self._out):
            if not self._of(host, now_ms):
                del self._out[host]

    def step_clock(self) -> None:
        """The clock has jumped: times given before mean nothing now."""
        self._tables.clear()
        self._out.clear()

    def _of(self, host: str, now_ms: int) -> dict[UUID, Outstanding]:
        out = self._out.get(host)
        if out is None:
            return {}
        out.forget_ended(now_ms)
        return out.jobs
