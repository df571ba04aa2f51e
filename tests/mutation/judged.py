"""Mutants that survive and are no mistakes, or not worth a test; by how their names begin."""

_ALWAYS_SET = "a failing location always has a first slot, so what stands in for none is never used"
_TIE = "two locations in the same millisecond: either will do"
_AS_LONG = "both are made of the same list, one for one"
_ROUNDING = "a place lies within its cell, but for rounding"
_LONG_AGO = "one that was never checked: whichever time long ago"
_A_MILLISECOND = "a millisecond more or less of a time that was chosen, and nothing hangs on"

JUDGED: dict[str, str] = {
    "rules: _EVERY_LOCATION": "more than there will ever be, whichever number",
    "rules: @dataclass": "speed and safety of values, not behaviour",
    "rules: return 1 if self.host_refuses": "one refusal has been counted when it is asked, and one is more than none",
    "rules: return {Agreement.ANY: 1": "at least one has to agree in any case",
    "places: count = state.certificates + 1": "two or three: both are two and more",
    "follow_ups: began = max(each.first_slot or 0 for each in failing.values()): each": _ALWAYS_SET,
    "follow_ups: began = max(each.first_slot or 0 for each in failing.values()): 0": _ALWAYS_SET,
    "follow_ups: others =": "any slot before the first of 1970 or so is earlier than all real ones",
    "follow_ups: return max(once": _TIE + "; of two that passed once either may be asked first",
    "follow_ups: once =": "only a location that is down counts its passes",
    "follow_ups: passed_since = {at for at, each in state.places.items() if each.cause is None and "
    "each.slot_at > began}: each.slot_at": _TIE,
    "candidates: _NO_TARGET": "stands for none; nobody connects to it",
    'candidates: return CheckTarget.model_validate(row["target"])': "noticed by tests that need a database",
    "candidates: where =": "what the log says, and nothing else",
    "candidates: UNKNOWN_INTERVAL_MS": "said of checks whose monitor is gone; any interval will do",
    "slots: _HASHED = hashlib.sha1": "the same hash; only where it may be had",
    "plan: known:": "how a check is shown to us; checks are compared by identity",
    "plan: @dataclass": "speed and safety of values, not behaviour",
    "deciding: for check, start_at in zip(": _AS_LONG,
    "deciding: return {check.check_id: last.get(place, 0) for check, place in zip(rotating, places, strict=True)}: "
    "True": _AS_LONG,
    "deciding: return {check.check_id: last.get(place, 0) for check, place in zip(rotating, places, strict=True)}: "
    "0": _LONG_AGO,
    "deciding: return check.is_slot, not check.waited, checked.get(check.check_id, 0)": _LONG_AGO,
    "deciding: return {}": "of none that was checked: nothing and an empty list are asked alike",
    "timetable: passed.append(cell)": "only how soon a free place is found",
    'timetable: fits = at < (cell + 1) * self._spacing and self._times.get(cell + 1, float("inf")) >= at + '
    "self._spacing: at < (cell + 1) * self._spacing  ->  at <= (cell + 1) * self._spacing": _ROUNDING,
    'timetable: fits = at < (cell + 1) * self._spacing and self._times.get(cell + 1, float("inf")) >= at + '
    "self._spacing: 1  ->  2": _ROUNDING,
    "timetable: self._times = {cell: at for cell, at in self._times.items() if at >= now_ms - self._spacing}: at >= "
    "now_ms - self._spacing  ->  at > now_ms - self._spacing": "so long ago it keeps nobody waiting",
    "timetable: HEADROOM =": "one place in four, five or six: chosen, and nothing hangs on which",
    "pacing: @dataclass": "speed and safety of values, not behaviour",
    "pacing: FULL_RETRY_MS = REQUEST_AHEAD_MS + 500: 500": _A_MILLISECOND,
    "pacing: LONGEST_QUEUE_MS =": _A_MILLISECOND,
    "pacing: GRACE_MS =": _A_MILLISECOND,
    "windows: LOOK_AHEAD_MS =": _A_MILLISECOND,
    "windows: REQUEST_AHEAD_MS =": _A_MILLISECOND,
    "windows: LATE_MS =": _A_MILLISECOND,
    "follow_ups: if wanted is None or pending is None": "the same moment: the location that was asked is as good",
}


def judgement(name: str) -> str | None:
    """Why this survivor is let live; None where nobody has said."""
    return next((reason for begins, reason in JUDGED.items() if name.startswith(begins)), None)
