"""Maintenance windows: planned, changed and removed, and what the pipeline reads of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

WINDOWS = "/api/maintenance-windows"
HOUR_MS = 3_600_000


def at(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="milliseconds")


def body(begins: float = 1, ends: float = 3, **more: Any) -> dict[str, Any]:
    return {"name": "Upgrade", "startTime": at(begins), "endTime": at(ends), **more}


def targets(*monitors: Any) -> list[dict[str, Any]]:
    return [{"type": "imap_pop", "id": monitor["id"]} for monitor in monitors]


async def planned(api: Any, begins: float = 1, ends: float = 3, **more: Any) -> Any:
    answer = await api.post(WINDOWS, body(begins, ends, **more))
    assert answer.status == 201, answer.text
    return answer.body


async def occurrences(world: Any, window: Any) -> list[tuple[float, float]]:
    """When it is open, in hours from now."""
    async with world.pipeline.acquire() as connection:
        rows = await connection.fetch(
            "SELECT starts_at - clock_ms() AS start, ends_at - clock_ms() AS end FROM maintenance_occurrences"
            " WHERE window_id = $1 ORDER BY starts_at",
            window["id"],
        )
    return [(round(row["start"] / HOUR_MS, 1), round(row["end"] / HOUR_MS, 1)) for row in rows]


async def in_maintenance(world: Any) -> list[int]:
    async with world.pipeline.acquire() as connection:
        rows = await connection.fetch(
            "SELECT DISTINCT monitor_id FROM monitor_maintenance"
            " WHERE starts_at <= clock_ms() AND ends_at > clock_ms() ORDER BY 1"
        )
    return [row["monitor_id"] for row in rows]


async def test_a_window_is_planned_shown_listed_and_removed(world: Any) -> None:
    api, monitor = world.api, await world.api.created()
    sent = body(imapPopMonitorId=monitor["publicId"], description="")
    made = await api.post(WINDOWS, sent)
    assert made.status == 201
    window = made.body
    assert made.headers["Location"] == f"{WINDOWS}/{window['publicId']}"
    assert datetime.fromisoformat(window["startTime"]) == datetime.fromisoformat(sent["startTime"])
    assert (window["isRecurring"], window["recurrencePattern"], window["isActive"]) == (False, None, True)
    assert (window["imapPopMonitorId"], window["targets"]) == (monitor["id"], targets(monitor))
    assert (window["customerId"], window["description"], window["timeZone"]) == (10, None, "UTC")
    assert (window["isOpen"], window["occurrence"]["startTime"]) == (False, window["startTime"])
    assert await occurrences(world, window) == [(1.0, 3.0)]
    for name in (window["id"], window["publicId"]):
        assert (await api.get(f"{WINDOWS}/{name}")).body == window
    assert (await api.get(WINDOWS)).body == [window]
    assert (await api.call("DELETE", f"{WINDOWS}/{window['id']}")).body == {"success": True}
    for method in ("GET", "PATCH", "DELETE"):
        gone = await api.call(method, f"{WINDOWS}/{window['id']}", body={} if method == "PATCH" else None)
        assert (gone.status, gone.body["message"]) == (404, "Maintenance window not found")
    assert (await api.get(WINDOWS)).body == []
    assert await occurrences(world, window) == []
    assert (await api.get(f"{WINDOWS}/tomorrow")).body["message"] == "Invalid maintenance window ID"


async def test_whom_a_window_is_for_is_read_live(world: Any) -> None:
    api = world.api
    other = await world.customer()
    first, second = await api.created(name="first"), await api.created(name="second")
    foreign = await api.created(name="foreign", customerId=other["id"])
    red = (await api.post("/api/tags", {"name": "red"})).body
    await api.post("/api/monitor-tags", {"monitorType": "imap_pop", "monitorId": foreign["id"], "tagId": red["id"]})

    async def covered(**selection: Any) -> list[int]:
        window = await planned(api, -1, 1, **selection)
        assert window["isOpen"]
        found = await in_maintenance(world)
        assert (await api.call("DELETE", f"{WINDOWS}/{window['id']}")).status == 200
        assert await in_maintenance(world) == []
        return found

    assert await covered(imapPopMonitorId=first["id"]) == [first["id"]]
    assert await covered(targets=targets(first, second)) == [first["id"], second["id"]]
    assert await covered(customerId=10) == [first["id"], second["id"]]
    assert await covered(customerId=other["publicId"]) == [foreign["id"]]
    # Tags alone are everybody's; with a customer, or targets, only its own.
    assert await covered(tagIds=[red["id"]]) == [foreign["id"]]
    assert await covered(tagIds=[red["publicId"]], customerId=10) == []
    assert await covered(tagIds=[red["id"]], targets=targets(first)) == [first["id"]]
    window = await planned(api, -1, 1, tagIds=[red["id"]])
    assert (window["customerId"], window["tags"][0]["name"], window["imapPopMonitorId"]) == (None, "red", None)
    await api.post("/api/monitor-tags", {"monitorType": "imap_pop", "monitorId": second["id"], "tagId": red["id"]})
    assert await in_maintenance(world) == [second["id"], foreign["id"]]


@pytest.mark.parametrize(
    ("change", "pointers", "said"),
    [
        ({"endTime": at(0)}, ["/endTime"], "End time must be after start time"),
        ({"timeZone": "Mars/Olympus"}, ["/timeZone"], "timeZone must be an IANA time zone, such as Europe/Berlin"),
        ({"imapPopMonitorId": 999_999}, ["/imapPopMonitorId"], "IMAP/POP monitor not found"),
        ({"imapPopMonitorId": None, "tagIds": [999_999]}, ["/tagIds/0"], "Tag not found"),
        ({"isRecurring": True}, ["/recurrencePattern"], "recurrencePattern is required for a recurring window"),
    ],
)
async def test_what_is_wrong_is_named(api: Any, change: Any, pointers: list[str], said: str) -> None:
    monitor = await api.created()
    answer = await api.post(WINDOWS, body(**{"imapPopMonitorId": monitor["id"], **change}))
    assert (answer.status, answer.pointers, answer.body["message"]) == (400, pointers, said)
    assert (await api.get(WINDOWS)).body == []


async def test_targets_are_of_one_customer_and_known(world: Any) -> None:
    api, other = world.api, await world.customer()
    mine, foreign = await api.created(), await api.created(customerId=other["id"])
    mixed = await api.post(WINDOWS, body(targets=targets(mine, foreign)))
    assert (mixed.status, mixed.pointers, mixed.body["data"]) == (400, ["/targets"], {"code": "mixedCustomers"})
    unknown = await api.post(WINDOWS, body(targets=[*targets(mine), {"type": "imap_pop", "id": 999_999}]))
    assert (unknown.status, unknown.pointers) == (400, ["/targets/1/id"])
    assert (await api.post(WINDOWS, body(customerId=999_999))).body["message"] == "Customer not found"
    window = await planned(api, targets=targets(mine))
    answer = await api.call("PATCH", f"{WINDOWS}/{window['id']}", body={"targets": targets(mine, foreign)})
    assert answer.body["data"] == {"code": "mixedCustomers"}


async def test_a_recurring_window_is_worked_out_for_five_weeks(world: Any) -> None:
    monitor = await world.api.created()
    window = await planned(
        world.api,
        1,
        2,
        imapPopMonitorId=monitor["id"],
        isRecurring=True,
        recurrencePattern={"frequency": "daily", "interval": 7},
    )
    assert window["recurrencePattern"] == {"frequency": "daily", "interval": 7}
    assert await occurrences(world, window) == [(1.0 + 168 * week, 2.0 + 168 * week) for week in range(5)]


async def test_an_open_one_is_cut_where_it_no_longer_applies_and_keeps_its_beginning(world: Any) -> None:
    api, monitor = world.api, await world.api.created()
    daily = {"isRecurring": True, "recurrencePattern": {"frequency": "daily"}}
    window = await planned(api, -1, 1, imapPopMonitorId=monitor["id"], **daily)
    item = f"{WINDOWS}/{window['id']}"
    # It opens when it is planned: what was before is past already.
    assert (await occurrences(world, window))[0] == (0.0, 1.0)

    longer = (await api.call("PATCH", item, body={"endTime": at(2)})).body
    assert longer["isOpen"]
    assert (await occurrences(world, window))[:2] == [(0.0, 2.0), (23.0, 26.0)]

    once = (await api.call("PATCH", item, body={"isRecurring": False})).body
    assert (once["isRecurring"], once["isOpen"]) == (False, True)
    assert await occurrences(world, window) == [(0.0, 2.0)]

    await world.as_pipeline("UPDATE maintenance_occurrences SET starts_at = starts_at - 1800000")
    off = (await api.call("PATCH", item, body={"isActive": False})).body
    assert (off["isActive"], off["isOpen"], off["occurrence"]) == (False, False, None)
    assert await occurrences(world, window) == [(-0.5, 0.0)]
    assert await in_maintenance(world) == []

    on = (await api.call("PATCH", item, body={"isActive": True})).body
    assert on["isOpen"]
    assert await occurrences(world, window) == [(-0.5, 0.0), (0.0, 2.0)]

    later = (await api.call("PATCH", item, body={"startTime": at(5), "endTime": at(6)})).body
    assert (later["isOpen"], later["occurrence"]["startTime"]) == (False, later["startTime"])
    assert (await occurrences(world, window))[-1] == (5.0, 6.0)
    assert await in_maintenance(world) == []


async def test_a_removed_one_ends_and_its_past_stays(world: Any) -> None:
    api, monitor = world.api, await world.api.created()
    window = await planned(api, -1, 1, imapPopMonitorId=monitor["id"])
    await world.as_pipeline("UPDATE maintenance_occurrences SET starts_at = starts_at - 3600000")
    await api.call("DELETE", f"{WINDOWS}/{window['publicId']}")
    assert await occurrences(world, window) == [(-1.0, 0.0)]
    assert await in_maintenance(world) == []
    async with world.pipeline.acquire() as connection:
        names = await connection.fetch("SELECT name FROM monitor_maintenance WHERE monitor_id = $1", monitor["id"])
    assert [row["name"] for row in names] == ["Upgrade"]


async def test_whom_it_was_for_stays_so_when_it_is_for_others(world: Any) -> None:
    api, before, after = world.api, await world.api.created(), await world.api.created()
    window = await planned(api, -1, 1, targets=targets(before))
    await world.as_pipeline("UPDATE maintenance_occurrences SET starts_at = starts_at - 3600000")
    item = f"{WINDOWS}/{window['id']}"
    changed = (await api.call("PATCH", item, body={"targets": targets(after)})).body
    assert (changed["isOpen"], changed["targets"]) == (True, targets(after))
    assert await in_maintenance(world) == [after["id"]]
    assert await occurrences(world, window) == [(0.0, 1.0)]
    async with world.pipeline.acquire() as connection:
        past = await connection.fetch(
            "SELECT monitor_id FROM monitor_maintenance WHERE starts_at < clock_ms() - 1800000"
        )
    assert [row["monitor_id"] for row in past] == [before["id"]]
    assert [each["id"] for each in (await api.get(WINDOWS)).body] == [window["id"]]
    both = (await api.call("PATCH", item, body={"targets": targets(before, after)})).body
    assert both["isOpen"]
    assert await in_maintenance(world) == [before["id"], after["id"]]


async def test_what_a_get_brought_may_be_sent_back(world: Any) -> None:
    api, monitor = world.api, await world.api.created()
    red = (await api.post("/api/tags", {"name": "red"})).body
    for selection in (
        {"imapPopMonitorId": monitor["id"]},
        {"targets": targets(monitor), "tagIds": [red["id"]]},
        {"tagIds": [red["id"]]},
        {"customerId": 10},
    ):
        window = await planned(api, **selection)
        again = await api.call("PATCH", f"{WINDOWS}/{window['id']}", body={**window, "name": "Other"})
        assert again.status == 200, again.text
        assert {**again.body, "updatedAt": None} == {**window, "name": "Other", "updatedAt": None}


async def test_a_window_whose_monitors_are_gone_does_not_become_the_customers(world: Any) -> None:
    api, monitor, other = world.api, await world.api.created(), await world.api.created()
    window = await planned(api, -1, 1, imapPopMonitorId=monitor["id"])
    await api.call("DELETE", f"/api/imap-pop-monitors/{monitor['publicId']}")
    changed = await api.call("PATCH", f"{WINDOWS}/{window['id']}", body={"name": "Other"})
    assert (changed.status, changed.body["targets"]) == (200, [])
    assert await in_maintenance(world) == []
    await api.call("PATCH", f"{WINDOWS}/{window['id']}", body={"imapPopMonitorId": other["id"]})
    assert await in_maintenance(world) == [other["id"]]


async def test_roles_and_scope(world: Any) -> None:
    other = await world.customer()
    mine, foreign = await world.api.created(), await world.api.created(customerId=other["id"])
    red = (await world.api.post("/api/tags", {"name": "red"})).body
    own = await planned(world.api, imapPopMonitorId=mine["id"])
    theirs = await planned(world.api, imapPopMonitorId=foreign["id"])
    everybodys = await planned(world.api, tagIds=[red["id"]])

    supporter = await world.client("supporter")
    assert len((await supporter.get(WINDOWS)).body) == 3
    assert (await supporter.post(WINDOWS, body(imapPopMonitorId=mine["id"]))).status == 403
    assert (await supporter.call("PATCH", f"{WINDOWS}/{own['id']}", body={"name": "x"})).status == 403
    assert (await supporter.call("DELETE", f"{WINDOWS}/{own['id']}")).status == 403

    readonly = await world.client("readonly", customer_id=10)
    assert (await readonly.post(WINDOWS, body(imapPopMonitorId=mine["id"]))).status == 201
    assert (await readonly.post(WINDOWS, body(imapPopMonitorId=foreign["id"]))).status == 403
    assert (await readonly.post(WINDOWS, body(customerId=other["id"]))).status == 403
    # Its own customer's, where tags alone would be everybody's.
    assert (await readonly.post(WINDOWS, body(tagIds=[red["id"]]))).body["customerId"] == 10
    assert (await readonly.call("PATCH", f"{WINDOWS}/{own['id']}", body={"name": "x"})).status == 200
    assert {each["id"] for each in (await readonly.get(WINDOWS)).body} >= {own["id"], everybodys["id"]}
    assert theirs["id"] not in {each["id"] for each in (await readonly.get(WINDOWS)).body}
    assert (await readonly.get(f"{WINDOWS}/{theirs['id']}")).status == 403
    assert (await readonly.get(f"{WINDOWS}/{everybodys['id']}")).status == 200
    assert (await readonly.get(f"{WINDOWS}?customerId={other['id']}")).status == 403
    for window in (theirs, everybodys):
        item = f"{WINDOWS}/{window['id']}"
        assert (await readonly.call("PATCH", item, body={"name": "x"})).status == 403
        assert (await readonly.call("DELETE", item)).status == 403
    taken = {"imapPopMonitorId": foreign["id"]}
    assert (await readonly.call("PATCH", f"{WINDOWS}/{own['id']}", body=taken)).status == 403
    assert (await readonly.call("DELETE", f"{WINDOWS}/{own['id']}")).status == 200
    wide = await world.client("readonly")
    assert (await wide.post(WINDOWS, body(tagIds=[red["id"]]))).status == 403
    assert (await wide.post(WINDOWS, body(imapPopMonitorId=mine["id"]))).status == 201
    assert (await world.api.by(None).get(WINDOWS)).status == 401


async def test_another_organizations_windows_do_not_exist(world: Any) -> None:
    others = await world.client("admin", organization_id=await world.another_organization())
    monitor = await world.api.created()
    window = await planned(world.api, imapPopMonitorId=monitor["id"])
    assert (await others.get(WINDOWS)).body == []
    for name in (window["id"], window["publicId"]):
        assert (await others.get(f"{WINDOWS}/{name}")).status == 404
        assert (await others.call("PATCH", f"{WINDOWS}/{name}", body={"name": "x"})).status == 404
        assert (await others.call("DELETE", f"{WINDOWS}/{name}")).status == 404
    stolen = await others.post(WINDOWS, body(imapPopMonitorId=monitor["id"]))
    assert (stolen.status, stolen.pointers) == (400, ["/imapPopMonitorId"])
    assert (await others.post(WINDOWS, body(customerId=10))).status == 404
    assert (await world.api.get(f"{WINDOWS}?organizationId=999")).status == 404
