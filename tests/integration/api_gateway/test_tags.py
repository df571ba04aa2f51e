"""Tags: made, put on monitors, shown with them and asked for by them."""

from typing import Any

import pytest

MONITORS = "/api/imap-pop-monitors"
TAGS = "/api/tags"
MONITOR_TAGS = "/api/monitor-tags"


async def tag(api: Any, name: str = "Production", **more: Any) -> Any:
    answer = await api.post(TAGS, {"name": name, **more})
    assert answer.status == 201, answer.text
    return answer.body


def on(monitor: Any, tag: Any, **more: Any) -> dict[str, Any]:
    return {"monitorType": "imap_pop", "monitorId": monitor["id"], "tagId": tag["id"], **more}


async def test_a_tag_is_made_listed_and_removed(api: Any) -> None:
    assert (await api.get(TAGS)).body == []
    made = await api.post(TAGS, {"name": "Production", "color": "red"})
    assert made.headers["Location"] == f"{TAGS}/{made.body['publicId']}"
    assert (made.body["name"], made.body["color"], made.body["organizationId"]) == ("Production", "red", 1)
    await tag(api, "archive")
    assert [each["name"] for each in (await api.get(TAGS)).body] == ["archive", "Production"]
    assert (await api.call("DELETE", f"{TAGS}/{made.body['publicId']}")).body == {"success": True}
    assert (await api.call("DELETE", f"{TAGS}/{made.body['id']}")).body["message"] == "Tag not found"
    assert (await api.call("DELETE", f"{TAGS}/production")).status == 400


async def test_a_name_is_taken_once(api: Any) -> None:
    await tag(api)
    twice = await api.post(TAGS, {"name": "Production"})
    assert (twice.status, twice.pointers) == (409, ["/name"])


async def test_wrong_fields_are_named(api: Any) -> None:
    answer = await api.post(TAGS, {"name": " ", "color": "vermilion", "shade": 1})
    assert (answer.status, sorted(answer.pointers)) == (400, ["/color", "/name", "/shade"])
    assert answer.body["data"] == {"code": "invalidTagColor"}
    assert "data" not in (await api.post(TAGS, {"name": "x" * 51})).body
    assert (await api.post(TAGS, {"name": "a\nb"})).pointers == ["/name"]


async def test_a_monitor_shows_its_tags_and_is_found_by_them(api: Any) -> None:
    tagged, other = await api.created(name="tagged"), await api.created(name="other")
    assert tagged["tags"] == []
    red, blue = await tag(api, "red one", color="red"), await tag(api, "2024", color="blue")
    first = await api.post(MONITOR_TAGS, on(tagged, red))
    assert (first.status, first.body["monitorType"], first.body["tagId"]) == (200, "imap_pop", red["id"])
    by_uuid = {"monitorType": "imap_pop", "monitorId": tagged["publicId"], "tagId": blue["publicId"]}
    assert (await api.post(MONITOR_TAGS, by_uuid)).status == 200
    again = await api.post(MONITOR_TAGS, on(tagged, red))
    assert again.body == first.body
    shown = await api.shown(tagged)
    assert shown["tags"] == [
        {"id": blue["id"], "name": "2024", "color": "blue"},
        {"id": red["id"], "name": "red one", "color": "red"},
    ]
    # What a GET brought may be sent back.
    assert (await api.patch(tagged, shown)).body["tags"] == shown["tags"]
    for wanted in (red["id"], red["publicId"], "red%20one", "2024"):
        items = (await api.get(f"{MONITORS}?tag={wanted}")).body["items"]
        assert [item["id"] for item in items] == [tagged["id"]], wanted
    assert (await api.get(f"{MONITORS}?tag=nothing")).body["message"] == "Tag not found"
    assert (await api.call("DELETE", MONITOR_TAGS, body=on(tagged, red))).status == 204
    assert (await api.call("DELETE", MONITOR_TAGS, body=on(tagged, red))).status == 404
    assert (await api.get(f"{MONITORS}?tag={red['id']}")).body["items"] == []
    assert (await api.shown(other))["tags"] == []
    await api.call("DELETE", f"{TAGS}/{blue['id']}")
    assert (await api.shown(tagged))["tags"] == []


@pytest.mark.parametrize(
    ("change", "status", "pointers"),
    [
        ({"monitorType": "website"}, 400, ["/monitorType"]),
        ({"monitorId": "5"}, 400, ["/monitorId"]),
        ({"tagId": None}, 400, ["/tagId"]),
        ({"tagId": True}, 400, ["/tagId"]),
        ({"tagId": 999_999}, 404, []),
        ({"monitorId": 999_999}, 404, []),
        ({"monitorId": "22222222-2222-4222-8222-222222222222"}, 404, []),
    ],
)
async def test_what_cannot_be_tagged_is_told(api: Any, change: Any, status: int, pointers: list[str]) -> None:
    body = on(await api.created(), await tag(api), **change)
    for method in ("POST", "DELETE"):
        answer = await api.call(method, MONITOR_TAGS, body=body)
        assert (answer.status, answer.pointers) == (status, pointers), method


async def test_roles_and_scope(world: Any) -> None:
    monitor, red = await world.api.created(), await tag(world.api)
    other = await world.customer()
    foreign = await world.api.created(customerId=other["id"])
    for role in ("readonly", "supporter"):
        client = await world.client(role)
        assert (await client.get(TAGS)).status == 200
        assert (await client.post(TAGS, {"name": "x"})).status == 403
        assert (await client.call("DELETE", f"{TAGS}/{red['id']}")).status == 403
        assert (await client.post(MONITOR_TAGS, on(monitor, red))).status == 403
        assert (await client.call("DELETE", MONITOR_TAGS, body=on(monitor, red))).status == 403
    of_customer = await world.client("admin", customer_id=10)
    assert [each["id"] for each in (await of_customer.get(TAGS)).body] == [red["id"]]
    assert (await of_customer.post(TAGS, {"name": "x"})).status == 403
    assert (await of_customer.call("DELETE", f"{TAGS}/{red['id']}")).status == 403
    assert (await of_customer.post(MONITOR_TAGS, on(monitor, red))).status == 200
    assert (await of_customer.post(MONITOR_TAGS, on(foreign, red))).status == 403
    assert (await of_customer.call("DELETE", MONITOR_TAGS, body=on(foreign, red))).status == 403


async def test_another_organizations_tags_do_not_exist(world: Any) -> None:
    others = await world.client("admin", organization_id=await world.another_organization())
    monitor, red = await world.api.created(), await tag(world.api)
    assert (await others.get(TAGS)).body == []
    theirs = await tag(others)  # the same name is free there
    assert (await others.call("DELETE", f"{TAGS}/{red['id']}")).status == 404
    assert (await others.call("DELETE", f"{TAGS}/{red['publicId']}")).status == 404
    assert (await others.post(MONITOR_TAGS, on(monitor, theirs))).status == 404
    assert (await world.api.post(MONITOR_TAGS, on(monitor, theirs))).status == 404
    assert (await others.get(f"{MONITORS}?tag={red['id']}")).status == 404
