"""Entity tags, the conditions that go by them, and `?dryRun=true`."""

import asyncio
from typing import Any

import pytest

MONITORS = "/api/imap-pop-monitors"
WINDOW = {
    "name": "w",
    "startTime": "2026-07-10T22:00:00.000Z",
    "endTime": "2026-07-11T01:00:00.000Z",
    "customerId": 10,
}
CHANNEL = {"type": "webhook", "name": "c", "config": {"url": "https://example.com/"}}
NEW = {
    MONITORS: {"customerId": 10, "name": "n", "hostname": "mail.example.com"},
    "/api/customers": {"name": "n"},
    "/api/maintenance-windows": WINDOW,
    "/api/notification-channels": CHANNEL,
}


def part(tag: str) -> str:
    return tag.strip('"').partition(".")[0]


async def made(api: Any, path: str) -> tuple[str, str]:
    """The address of something new, and its tag."""
    answer = await api.post(path, NEW[path])
    assert answer.status == 201, answer.text
    return answer.headers["Location"], answer.headers["ETag"]


@pytest.mark.parametrize("path", list(NEW))
async def test_a_tag_names_what_was_read_and_changes_with_the_description(api: Any, path: str) -> None:
    address, tag = await made(api, path)
    shown = await api.get(address)
    assert (shown.status, shown.headers["ETag"]) == (200, tag)
    same = await api.call("GET", address, headers={"If-None-Match": f'"x", W/{tag}'})
    assert (same.status, same.text, same.headers["ETag"]) == (304, "", tag)
    stale = await api.call("PATCH", address, body={"name": "m"}, headers={"If-Match": '"x"'})
    assert (stale.status, stale.headers["ETag"], stale.pointers) == (412, tag, ["/If-Match"])
    changed = await api.call("PATCH", address, body={"name": "m"}, headers={"If-Match": f'"x", {tag}'})
    assert (changed.status, changed.body["name"]) == (200, "m")
    assert part(changed.headers["ETag"]) != part(tag)
    assert (await api.get(address)).headers["ETag"] == changed.headers["ETag"]
    assert (await api.call("PATCH", address, body={"name": "o"}, headers={"If-Match": tag})).status == 412
    weak = {"If-Match": f"W/{changed.headers['ETag']}"}
    assert (await api.call("PATCH", address, body={"name": "o"}, headers=weak)).status == 412
    assert (await api.call("PATCH", address, body={"name": "o"}, headers={"If-Match": "*"})).status == 200
    assert (await api.call("GET", address, headers={"If-None-Match": tag})).status == 200
    if path != "/api/customers":
        assert (await api.call("DELETE", address, headers={"If-Match": tag})).status == 412
        current = (await api.get(address)).headers["ETag"]
        assert (await api.call("DELETE", address, headers={"If-Match": current})).status == 200
        assert (await api.call("DELETE", address, headers={"If-Match": current})).status == 404


async def test_packages_tags_and_incidents_have_tags_too(world: Any) -> None:
    api = world.api
    package = "/api/package-configs/pro"
    made = await api.call("PATCH", package, body={"displayName": "Pro"})
    assert (await api.get(package)).headers["ETag"] == made.headers["ETag"]
    stale = await api.call("PATCH", package, body={"displayName": "P"}, headers={"If-Match": '"x"'})
    assert stale.status == 412
    tag = await api.post("/api/tags", {"name": "t"})
    assert (await api.get(tag.headers["Location"])).headers["ETag"] == tag.headers["ETag"]
    removal = await api.call("DELETE", tag.headers["Location"], headers={"If-Match": '"x"'})
    assert removal.status == 412
    assert (await api.get("/api/tags/0")).status == 400
    assert (await api.get("/api/tags/4711")).status == 404


async def test_of_two_who_read_the_same_one_writes(world: Any) -> None:
    unlimited = await world.another_gateway(rate_limit_token=100_000)
    for path in NEW:
        address, tag = await made(unlimited, path)
        for round_number in range(3):
            names = [f"{round_number}-{writer}" for writer in range(4)]
            answers = await asyncio.gather(
                *(unlimited.call("PATCH", address, body={"name": name}, headers={"If-Match": tag}) for name in names)
            )
            assert sorted(answer.status for answer in answers) == [200, 412, 412, 412], path
            (won,) = [name for name, answer in zip(names, answers, strict=True) if answer.status == 200]
            shown = await unlimited.get(address)
            assert shown.body["name"] == won
            tag = shown.headers["ETag"]


async def test_a_check_changes_what_is_known_and_stands_in_nobodys_way(world: Any) -> None:
    address, tag = await made(world.api, MONITORS)
    monitor = (await world.api.get(address)).body

    async def believed(health: str, at: int) -> str:
        await world.as_pipeline(
            """INSERT INTO monitor_health (monitor_id, organization_id, health, since, last_checked_at)
               VALUES ($1, 1, $2, 1000, $3)
               ON CONFLICT (monitor_id) DO UPDATE SET health = $2, last_checked_at = $3""",
            monitor["id"],
            health,
            at,
        )
        return str((await world.api.get(address)).headers["ETag"])

    up = await believed("up", 5_000)
    assert up == await believed("up", 6_000), "each check moves it"
    down = await believed("down", 7_000)
    assert down != up, "304 would hide an outage"
    assert part(down) == part(up) == part(tag)
    changed = await world.api.call("PATCH", address, body={"name": "m"}, headers={"If-Match": tag})
    assert changed.status == 200


async def test_what_others_put_on_a_monitor_is_in_its_tag(world: Any) -> None:
    address, tag = await made(world.api, MONITORS)
    monitor = (await world.api.get(address)).body
    label = (await world.api.post("/api/tags", {"name": "t"})).body
    sent = {"monitorType": "imap_pop", "monitorId": monitor["id"], "tagId": label["id"]}
    assert (await world.api.post("/api/monitor-tags", sent)).status == 200
    assert part((await world.api.get(address)).headers["ETag"]) != part(tag)


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize("wrong", ["x", '"a', '"a" "b"', "W/x", ",", '*, "a"', '"ü'])
async def test_a_condition_that_cannot_be_read_is_told(api: Any, header: str, wrong: str) -> None:
    address, _ = await made(api, "/api/customers")
    method, body = ("PATCH", {"name": "m"}) if header == "If-Match" else ("GET", None)
    answer = await api.call(method, address, body=body, headers={header: wrong})
    assert (answer.status, answer.pointers) == (400, [f"/{header}"])


@pytest.mark.parametrize("path", list(NEW))
async def test_what_is_only_tried_is_judged_and_not_kept(api: Any, path: str) -> None:
    tried = await api.post(f"{path}?dryRun=true", NEW[path])
    assert (tried.status, tried.headers["Dry-Run"], "Location" in tried.headers) == (200, "true", False)
    assert "ETag" not in tried.headers
    assert not [each for each in _listed(await api.get(path)) if each["name"] in ("n", "w", "c")]
    assert (await api.post(f"{path}?dryRun=true", {**NEW[path], "name": ""})).status == 400
    address, tag = await made(api, path)
    changed = await api.call("PATCH", f"{address}?dryRun=true", body={"name": "other"})
    assert (changed.status, changed.headers["Dry-Run"], changed.body["name"]) == (200, "true", "other")
    judged = await api.call("PATCH", f"{address}?dryRun=true", body={"name": "o"}, headers={"If-Match": '"x"'})
    assert judged.status == 412
    if path != "/api/customers":
        assert (await api.call("DELETE", f"{address}?dryRun=true")).headers["Dry-Run"] == "true"
    assert (await api.get(address)).headers["ETag"] == tag


async def test_nobody_is_asked_to_check_what_is_only_tried(world: Any) -> None:
    await world.location("fra")
    answer = await world.api.post(f"{MONITORS}?dryRun=true", NEW[MONITORS])
    assert answer.body["hostname"] == "mail.example.com"
    assert await world.requests() == []


async def test_tags_and_packages_can_be_tried_and_what_cannot_be_says_so(world: Any) -> None:
    api = world.api
    assert (await api.post("/api/tags?dryRun=1", {"name": "t"})).status == 200
    assert (await api.get("/api/tags")).body == []
    assert (await api.call("PATCH", "/api/package-configs/pro?dryRun=true", body={})).status == 200
    assert (await api.get("/api/package-configs/pro")).status == 404
    monitor = await api.created()
    for path in (f"{MONITORS}/test", f"{MONITORS}/{monitor['publicId']}/trigger-check"):
        answer = await api.post(f"{path}?dryRun=true", NEW[MONITORS])
        assert (answer.status, answer.pointers) == (400, ["/dryRun"])
    for wrong in ("yes", "", "true&dryRun=true"):
        answer = await api.post(f"/api/tags?dryRun={wrong}", {"name": "t"})
        assert (answer.status, answer.pointers) == (400, ["/dryRun"])
    assert (await api.post("/api/tags?dryRun=false", {"name": "t"})).status == 201


def _listed(answer: Any) -> list[Any]:
    body = answer.body
    return list(body["items"] if isinstance(body, dict) else body)


async def test_the_organization_and_its_people_have_tags_too(world: Any) -> None:
    api = world.api
    shown = await api.get("/api/organization")
    stale = await api.call("PATCH", "/api/organization", body={"city": "Berlin"}, headers={"If-Match": '"x"'})
    assert (stale.status, stale.headers["ETag"]) == (412, shown.headers["ETag"])
    headers = {"If-Match": shown.headers["ETag"]}
    changed = await api.call("PATCH", "/api/organization", body={"city": "Berlin"}, headers=headers)
    assert (changed.status, changed.headers["ETag"]) == (200, (await api.get("/api/organization")).headers["ETag"])
