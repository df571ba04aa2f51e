"""Who manages a thing: kept, shown, changed, and one key of one manager is one thing."""

from typing import Any

import pytest

from tests.integration.api_gateway.conftest import DOCUMENTED_CUSTOMER, MONITORS, Api, World, monitor_body

CHANNELS = "/api/notification-channels"
WINDOWS = "/api/maintenance-windows"
TAGS = "/api/tags"

BODIES: dict[str, dict[str, Any]] = {
    MONITORS: monitor_body(),
    CHANNELS: {"type": "email", "name": "Ops", "config": {"email": "ops@example.com"}},
    WINDOWS: {
        "name": "Patches",
        "startTime": "2030-01-01T00:00:00Z",
        "endTime": "2030-01-01T01:00:00Z",
        "customerId": DOCUMENTED_CUSTOMER,
    },
    TAGS: {"name": "production"},
}


@pytest.mark.parametrize("path", BODIES)
async def test_a_manager_and_a_key_are_kept_changed_and_taken_away(api: Api, path: str) -> None:
    by_hand = await api.post(path, BODIES[path])
    assert by_hand.status == 201, by_hand.text
    assert (by_hand.body["managedBy"], by_hand.body["externalKey"]) == (None, None)
    own = f"{path}/{by_hand.body['publicId']}"
    taken = await api.call("PATCH", own, body={"managedBy": "team", "externalKey": "one"})
    assert (taken.status, taken.body["managedBy"], taken.body["externalKey"]) == (200, "team", "one"), taken.text
    listed = (await api.get(path)).body
    items = listed["items"] if isinstance(listed, dict) else listed
    assert [(each["managedBy"], each["externalKey"]) for each in items] == [("team", "one")]
    moved = await api.call("PATCH", own, body={"managedBy": "others"})
    assert (moved.body["managedBy"], moved.body["externalKey"]) == ("others", None)
    free = await api.call("PATCH", own, body={"managedBy": None})
    assert (free.status, free.body["managedBy"]) == (200, None)
    alone = await api.call("PATCH", own, body={"externalKey": "one"})
    assert (alone.status, alone.pointers) == (400, ["/externalKey"])


@pytest.mark.parametrize("path", BODIES)
async def test_a_key_is_one_things_of_its_manager(api: Api, path: str) -> None:
    first = await api.post(path, {**BODIES[path], "managedBy": "team", "externalKey": "one"})
    assert (first.status, first.body["externalKey"]) == (201, "one"), first.text
    again = {**BODIES[path], "name": "another", "managedBy": "team", "externalKey": "one"}
    second = await api.post(path, again)
    assert (second.status, second.pointers) == (400, ["/externalKey"]), second.text
    other = await api.post(path, {**again, "name": "a third", "managedBy": "others"})
    assert other.status == 201, other.text
    assert (await api.call("DELETE", f"{path}/{first.body['publicId']}")).status == 200
    assert (await api.post(path, again)).status == 201


async def test_what_is_managed_is_checked_as_before(api: Api, world: World) -> None:
    monitor = await api.created(managedBy="team", externalKey="one")
    assert await world.revision(monitor) == 1
    await api.patch(monitor, {"managedBy": "others"})
    assert await world.revision(monitor) == 1


async def test_a_tag_is_renamed_and_coloured_unless_its_name_is_taken(api: Api) -> None:
    tag = (await api.post(TAGS, {"name": "one"})).body
    await api.post(TAGS, {"name": "two"})
    changed = await api.call("PATCH", f"{TAGS}/{tag['id']}", body={"color": "red"})
    assert (changed.body["name"], changed.body["color"]) == ("one", "red")
    assert (await api.call("PATCH", f"{TAGS}/{tag['id']}", body={"name": "two"})).status == 409
    assert (await api.call("PATCH", f"{TAGS}/{tag['id']}", body={"name": "three"})).body["name"] == "three"
    wrong = await api.call("PATCH", f"{TAGS}/{tag['id']}", body={"color": "mauve"})
    assert (wrong.status, wrong.body["data"]["code"]) == (400, "invalidTagColor")
    assert (await api.call("PATCH", f"{TAGS}/999", body={"color": "red"})).status == 404
