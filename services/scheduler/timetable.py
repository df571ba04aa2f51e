"""The times given to the jobs of one host, no two of them closer than its spacing. Pure.

Time is cut into cells as long as the spacing, each taken by one job at most, so that a free place is found without
looking at each of the taken ones.
"""

from uuid import UUID

# Of the places further ahead one in so many stays free, for what people ask for while a host has a long queue.
HEADROOM = 5


class Timetable:
    """Places by check."""

    def __init__(self, spacing_ms: float) -> None:
        self._spacing = spacing_ms
        self._times: dict[int, float] = {}  # cell: when its job begins
        self._cells: dict[UUID, int] = {}
        self._onward: dict[int, int] = {}  # taken cell: one to go on looking at

    def place_of(self, check_id: UUID) -> float | None:
        """When this check is to begin, if it has a place."""
        cell = self._cells.get(check_id)
        return None if cell is None else self._times[cell]

    def earliest(self, wanted_at: float, *, leaving_headroom: bool = False) -> float:
        """The first time from then on that keeps its distance from all others."""
        cell = int(wanted_at // self._spacing)
        while True:
            cell = self._first_free(cell)
            at = max(wanted_at, cell * self._spacing, self._times.get(cell - 1, float("-inf")) + self._spacing)
            fits = at < (cell + 1) * self._spacing and self._times.get(cell + 1, float("inf")) >= at + self._spacing
            if fits and not (leaving_headroom and cell % HEADROOM == 0):
                return at
            cell += 1

    def take(self, check_id: UUID, at: float) -> None:
        """Give this time to the check, in place of the one it had."""
        self.leave(check_id)
        cell = int(at // self._spacing)
        self._times[cell] = at
        self._cells[check_id] = cell
        self._onward[cell] = cell + 1

    def leave(self, check_id: UUID) -> None:
        """Its time is free again."""
        cell = self._cells.pop(check_id, None)
        if cell is not None:
            self._times.pop(cell, None)
            # What leads past this cell may stay: its place is lost, which errs on the side of the host.

    def forget_before(self, now_ms: float) -> bool:
        """Let go of times gone by; whether any are left."""
        self._cells = {check_id: cell for check_id, cell in self._cells.items() if self._times[cell] >= now_ms}
        self._times = {cell: at for cell, at in self._times.items() if at >= now_ms - self._spacing}
        self._onward = {cell: onward for cell, onward in self._onward.items() if cell in self._times}
        return bool(self._times)

    def _first_free(self, cell: int) -> int:
        passed = []
        while cell in self._onward:
            passed.append(cell)
            cell = self._onward[cell]
        for each in passed:
            self._onward[each] = cell
        return cell
