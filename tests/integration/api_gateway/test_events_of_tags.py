"""Tags are told of like every other change of a monitor."""

from typing import Any

from tests.support.event_stream import EventReader

MONITORS = "/api/imap-pop-monitors"


async def _tag(api: Any, name: str) -> Any:
    return (await api.post("/api/tags", {"name": name})).body


async def test_each_change_of_a_tag_is_told_of_the_monitors_that_have_it(world: Any) -> None:
    api = world.api
    first, second = await api.created(name="first"), await api.created(name="second")
    red, blue = await _tag(api, "red"), await _tag(api, "blue")
    response = await api.client.get("/api/events", headers={"Authorization": f"Bearer {api.token}"})
    async with EventReader(response) as reader:
        await reader.until_position()

        async def told(count: int) -> set[str]:
            events = [await reader.next() for _ in range(count)]
            assert {(each.name, each.data["change"]) for each in events} == {("monitor", "changed")}
            return {each.data["monitorId"] for each in events}

        for monitor in (first, second):
            on = {"monitorType": "imap_pop", "monitorId": monitor["id"], "tagId": red["id"]}
            assert (await api.post("/api/monitor-tags", on)).status == 200
            assert await told(1) == {monitor["publicId"]}
            assert (await api.post("/api/monitor-tags", on)).status == 200  # once more changes nothing
        both = {first["publicId"], second["publicId"]}
        assert (await api.call("PATCH", f"/api/tags/{red['id']}", body={"color": "green"})).status == 200
        assert await told(2) == both
        assert (await api.call("PATCH", f"/api/tags/{blue['id']}", body={"color": "green"})).status == 200
        off = {"monitorType": "imap_pop", "monitorId": first["id"], "tagId": red["id"]}
        assert (await api.call("DELETE", "/api/monitor-tags", body=off)).status == 204
        assert await told(1) == {first["publicId"]}
        assert (await api.call("DELETE", f"/api/tags/{red['id']}")).status == 200
        assert await told(1) == {second["publicId"]}

        # A monitor that goes takes its tags along, and is told of once.
        on = {"monitorType": "imap_pop", "monitorId": second["id"], "tagId": blue["id"]}
        assert (await api.post("/api/monitor-tags", on)).status == 200
        assert await told(1) == {second["publicId"]}
        await api.call("DELETE", f"{MONITORS}/{second['publicId']}")
        assert (await reader.next()).data == {"monitorId": second["publicId"], "change": "deleted"}
        await api.call("DELETE", f"{MONITORS}/{first['publicId']}")
        assert (await reader.next()).data == {"monitorId": first["publicId"], "change": "deleted"}
