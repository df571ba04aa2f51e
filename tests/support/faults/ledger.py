"""The books compared: what mail servers and receiver saw, against what the database says.

Provides `Books` (one look at the database), `judge_incidents`, `judge_logins` and `judge_notices`, each answering with
sentences about what does not fit. Slots are counted by `tests.support.conservation`.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.support.conservation import conservation
from tests.support.faults.farm import Mailbox
from tests.support.receivers import Request

_INCIDENTS = """
SELECT id, public_id::text AS public_id, monitor_public_id::text AS monitor, kind, resolved_at IS NULL AS is_open, quiet
FROM incidents ORDER BY id
"""

# Logins each monitor's results vouch for. A check that was held back does not log in, and one that failed before
# the login did not either.
_PASSED = """
SELECT m.public_id::text AS monitor, count(*) FILTER (WHERE r.passed) AS passed,
    count(*) FILTER (WHERE r.passed OR r.phase IN ('auth', 'mailbox', 'logout')) AS reached
FROM monitors m JOIN results r ON r.monitor_id = m.id GROUP BY 1
"""

_RECORDED_TWICE = "SELECT count(*) - count(DISTINCT check_id) FROM results"

# Of conservation's sentences those about what ended more than once; the others are about what ended nowhere.
_TWICE = re.compile(r"ended (?!0 )\d+ times$")

_LATENESS = """
SELECT coalesce(max(started_at - slot_at), 0)::bigint FROM results
WHERE kind = 'scheduled' AND recorded_at >= $1
"""


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident as the database has it."""

    id: int
    public_id: str
    monitor: str
    kind: str
    is_open: bool
    quiet: bool


@dataclass(frozen=True, slots=True)
class Books:
    """What the database says at one moment."""

    claimed: int
    faults: tuple[str, ...]  # of conservation
    recorded_twice: int
    incidents: tuple[Incident, ...]

    @classmethod
    async def read(cls, pool: Any) -> "Books":
        """Ask the pipeline's role."""
        slots = await conservation(pool)
        return cls(
            claimed=slots.claimed,
            faults=tuple(each for each in slots.faults if not _TWICE.search(each)),
            recorded_twice=await pool.fetchval(_RECORDED_TWICE)
            + sum(bool(_TWICE.search(each)) for each in slots.faults),
            incidents=tuple(Incident(**row) for row in await pool.fetch(_INCIDENTS)),
        )


async def worst_lateness_s(pool: Any, *, since_ms: int) -> float:
    """From the slot to the beginning of the check, of what was recorded since."""
    return float(await pool.fetchval(_LATENESS, since_ms)) / 1000


def judge_incidents(incidents: Sequence[Incident], boxes: Iterable[Mailbox]) -> list[str]:
    """What was told to be down and was not; an outage confirmed twice is one of these.

    By the number of outages, not by times: clocks are among the things that are tampered with.
    """
    outages = {box.monitor: (box.user, box.outages) for box in boxes}
    found: dict[str, list[Incident]] = defaultdict(list)
    for incident in incidents:
        found[incident.monitor].append(incident)
    return [
        f"{name}: {len(of)} incidents of {real} outages ({', '.join(each.kind for each in of)})"
        for monitor, of in found.items()
        for name, real in [outages.get(monitor, (monitor, 0))]
        if len(of) > real
    ]


async def judge_logins(pool: Any, boxes: Iterable[Mailbox], *, strangers: int, disturbances: int) -> list[str]:
    """Logins that nothing accounts for, and checks that passed without one.

    A check whose worker dies, or whose answer is cut off, is made again and recorded once: so there may be as many more
    logins of a mailbox as there were disturbances, and never fewer than checks that passed.
    """
    vouched: Mapping[str, Any] = {row["monitor"]: row for row in await pool.fetch(_PASSED)}
    faults = [f"{strangers} logins of nobody's"] if strangers else []
    for box in boxes:
        row = vouched.get(box.monitor)
        passed, reached = (row["passed"], row["reached"]) if row else (0, 0)
        if passed > box.logins:
            faults.append(f"{box.user}: {passed} checks passed with {box.logins} logins")
        if row and box.logins > reached + disturbances:
            faults.append(f"{box.user}: {box.logins} logins for {reached} checks and {disturbances} disturbances")
    return faults


def judge_notices(
    incidents: Sequence[Incident], requests: Sequence[Request], tries: Sequence[Request] | None = None
) -> tuple[list[str], int]:
    """Promise P6: each transition told, opened before resolved, the same words under the same key.

    Args:
        requests: what the receiver took.
        tries: what it was sent, taken or not; the same where not given.

    Returns:
        what does not fit, and how many messages came again.
    """
    tries = requests if tries is None else tries
    bodies: dict[str, bytes] = {}
    faults = []
    for tried in tries:
        key = tried.headers["webhook-id"]
        if bodies.setdefault(key, tried.body) != tried.body:
            faults.append(f"message {key} came with other words")
    told: dict[str, list[str]] = defaultdict(list)
    keys: dict[tuple[str, str], set[str]] = defaultdict(set)
    taken: set[str] = set()
    for request in requests:
        key = request.headers["webhook-id"]
        if key in taken:
            continue
        taken.add(key)
        said = json.loads(request.body)
        for each in said["incidents"]:
            # A message that came late speaks of an incident as it was by then; what it is about says its event.
            status = _TRANSITIONS.get(said["event"], each["status"])
            if status == "resolved" and said["event"] not in _TRANSITIONS and not told[each["publicId"]]:
                told[each["publicId"]].append("open")  # a digest that tells both at once
            told[each["publicId"]].append(status)
            if said["event"] in _TRANSITIONS:
                keys[each["publicId"], status].add(key)
    known = {each.public_id: each for each in incidents}
    faults += [f"incident {each} was told and is not in the database" for each in told.keys() - known.keys()]
    for each in incidents:
        if each.quiet:
            continue
        wanted = ["open"] if each.is_open else ["open", "resolved"]
        if sorted(set(told[each.public_id])) != wanted:
            faults.append(f"incident {each.public_id}: told {told[each.public_id]}, not {wanted}")
        if told[each.public_id] != sorted(told[each.public_id]):
            faults.append(f"incident {each.public_id}: told in the order {told[each.public_id]}")
    faults += [
        f"incident {of}: told {status} under {len(under)} keys"
        for (of, status), under in keys.items()
        if len(under) > 1
    ]
    return faults, len(tries) - len(bodies)


_TRANSITIONS = {"incident.created": "open", "incident.resolved": "resolved"}
