"""Lists without end are gone through by cursor: nothing is skipped or shown twice while rows arrive."""

import base64
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import pytest

from shared.database.pool import NOTIFIER_ROLE, open_pool
from tests.support.kept_history import KeptHistory, delivery

MONITORS = "/api/imap-pop-monitors"
AT = 1_772_107_200_000
Arrive = Callable[[int], Awaitable[None]]


async def gone_through(api: Any, path: str, member: str, arrive: Arrive) -> list[Any]:
    """Every row that a client sees which follows nextCursor; one more arrives after each page."""
    seen, cursor, number = [], "", 0
    while True:
        answer = await api.get(f"{path}{cursor}")
        assert answer.status == 200, answer.text
        seen += [row["id"] for row in answer.body[member]]
        following = answer.body["nextCursor"]
        assert ("Link" in answer.headers) is (following is not None)
        if following is None:
            return seen
        cursor = f"&cursor={quote(following)}"
        await arrive(number := number + 1)


@pytest.mark.parametrize("name", ["check-history", "incident-history", "alert-history", "incidents"])
async def test_what_was_there_is_shown_once_and_what_arrives_moves_nothing(world: Any, name: str) -> None:
    monitor = await world.api.created()
    kept = KeptHistory(world.pipeline)
    async with open_pool(world.dsn, role=NOTIFIER_ROLE, application_name="test") as notifier:

        async def arrive(number: int) -> None:
            """Newer than everything there; of checks also an older one that came late, at the slot of another."""
            at = AT + number * 60_000
            if name == "check-history":
                await kept.result(monitor, at)
                return
            incident = await kept.incident(monitor, at, opened_at=at, resolved_at=at + 1)
            await delivery(notifier, incident, sent_at=at)
            await delivery(notifier, incident, state="failed", error="gone")

        for number in range(7):
            await arrive(number)
        if name == "check-history":
            await kept.result(monitor, AT, location_id=1)  # two of one slot
        path, member = {
            "check-history": (f"{MONITORS}/{monitor['publicId']}/check-history?limit=3", "data"),
            "incident-history": (f"{MONITORS}/{monitor['publicId']}/incident-history?limit=3", "incidents"),
            "alert-history": (f"{MONITORS}/{monitor['publicId']}/alert-history?limit=3", "alerts"),
            "incidents": ("/api/incidents?includeTotal=1&limit=3", "incidents"),
        }[name]
        whole = (await world.api.get(path.replace("limit=3", "limit=100"))).body[member]
        seen = await gone_through(world.api, path, member, lambda number: arrive(number + 100))
    assert len(whole) in (7, 8, 14)
    assert seen == [row["id"] for row in whole]


async def test_the_bare_array_leads_on_by_its_header(world: Any) -> None:
    monitor = await world.api.created()
    kept = KeptHistory(world.pipeline)
    for number in range(3):
        await kept.incident(monitor, AT + number, opened_at=AT + number, resolved_at=AT + 9)
    first = await world.api.get("/api/incidents?limit=2&status=resolved")
    assert len(first.body) == 2
    address, _, relation = first.headers["Link"].partition("; ")
    assert relation == 'rel="next"'
    last = await world.api.get(address.strip("<>"))
    assert [row["id"] for row in last.body] == [first.body[1]["id"] - 1]
    assert "Link" not in last.headers


async def test_a_cursor_of_another_list_or_hand_is_refused(world: Any) -> None:
    monitor, other = await world.api.created(), await world.api.created()
    kept = KeptHistory(world.pipeline)
    for number in range(3):
        await kept.result(monitor, AT + number)
        await kept.incident(monitor, AT + number, opened_at=AT + number, resolved_at=AT + 9)
    of_checks = (await world.api.get(f"{MONITORS}/{monitor['publicId']}/check-history?limit=1")).body["nextCursor"]
    raw = bytearray(base64.urlsafe_b64decode(of_checks + "=" * (-len(of_checks) % 4)))
    raw[-3] ^= 1
    forged = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    lists = [f"{MONITORS}/{monitor['publicId']}/{name}" for name in ("incident-history", "alert-history")]
    for path in (*lists, "/api/incidents", f"{MONITORS}/{other['publicId']}/check-history"):
        for wrong in (of_checks, forged, "x", "%00", "A" * 199, "%E2%93%9B", ""):
            answer = await world.api.get(f"{path}?cursor={wrong}")
            assert (answer.status, answer.pointers) == (400, ["/cursor"]), (path, wrong)
        assert (await world.api.get(f"{path}?cursor={'A' * 201}")).pointers == ["/cursor"]
    own = f"{MONITORS}/{monitor['publicId']}/check-history"
    assert (await world.api.get(f"{own}?cursor={forged}")).status == 400
    assert (await world.api.get(f"{own}?cursor={of_checks}")).status == 200
    page = await world.api.get("/api/incidents?limit=1&includeTotal=1")
    both = await world.api.get(f"/api/incidents?offset=1&cursor={page.body['nextCursor']}")
    assert (both.status, both.pointers) == (400, ["/offset"])
