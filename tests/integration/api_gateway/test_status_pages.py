"""Status pages as they are described: made, changed, revoked, and what nobody may say of them."""

import re
from typing import Any

from tests.integration.api_gateway.conftest import DOCUMENTED_CUSTOMER

PAGES = "/api/status-pages"


async def made(api: Any, **fields: Any) -> dict[str, Any]:
    answer = await api.post(PAGES, {"title": "Mail of Example", "customerId": DOCUMENTED_CUSTOMER, **fields})
    assert answer.status == 201, answer.text
    page: dict[str, Any] = answer.body
    return page


async def changed(api: Any, page: dict[str, Any], body: dict[str, Any]) -> Any:
    return await api.call("PATCH", f"{PAGES}/{page['publicId']}", body=body)


async def seen(api: Any, slug: str, what: str = "") -> int:
    status: int = (await api.by(None).get(f"/status/{slug}{what}")).status
    return status


async def test_a_page_has_an_unguessable_address_from_the_beginning(api: Any) -> None:
    page, other = await made(api), await made(api)
    assert re.fullmatch("[a-z2-7]{26}", page["slug"])
    assert page["slug"] != other["slug"]
    assert page["address"].endswith(f"/status/{page['slug']}")
    assert (page["components"], page["isPublished"], page["showsHostnames"], page["showsUsers"]) == (
        None,
        True,
        False,
        False,
    )
    listed = (await api.get(PAGES)).body
    assert [each["publicId"] for each in listed] == [page["publicId"], other["publicId"]]
    assert (await api.get(f"{PAGES}/{page['publicId']}")).body == page


async def test_what_a_get_brought_may_be_sent_back(api: Any) -> None:
    monitor = await api.created()
    page = await made(api, components=[{"monitorId": monitor["id"], "name": "Inbox"}], text="Hello")
    answer = await changed(api, page, page)
    assert answer.status == 200, answer.text
    assert {**answer.body, "updatedAt": None} == {**page, "updatedAt": None}


async def test_components_keep_their_order_and_are_replaced_as_a_whole(world: Any, api: Any) -> None:
    first, second = await api.created(name="first"), await api.created(name="second")
    tag = (await api.post("/api/tags", {"name": "red"})).body
    components = [
        {"monitorId": second["publicId"], "name": "Two"},
        {"tagId": tag["publicId"], "combined": False},
        {"monitorId": first["id"]},
    ]
    page = await made(api, components=components)
    assert [(each["monitorId"], each["tagId"], each["name"], each["combined"]) for each in page["components"]] == [
        (second["id"], None, "Two", True),
        (None, tag["id"], None, False),
        (first["id"], None, None, True),
    ]
    assert page["components"][0]["monitorPublicId"] == second["publicId"]
    less = await changed(api, page, {"components": [{"monitorId": first["id"]}]})
    assert [each["monitorId"] for each in less.body["components"]] == [first["id"]]
    assert less.body["title"] == page["title"]
    assert (await changed(api, page, {"components": None})).body["components"] is None


async def test_a_monitor_or_tag_that_goes_leaves_the_page(api: Any) -> None:
    monitor = await api.created()
    tag = (await api.post("/api/tags", {"name": "red"})).body
    page = await made(api, components=[{"monitorId": monitor["id"]}, {"tagId": tag["id"]}])
    await api.call("DELETE", f"/api/imap-pop-monitors/{monitor['publicId']}")
    await api.call("DELETE", f"/api/tags/{tag['publicId']}")
    assert (await api.get(f"{PAGES}/{page['publicId']}")).body["components"] == []


async def test_every_wrong_component_is_named(world: Any, api: Any) -> None:
    monitor = await api.created()
    theirs = await api.created(customerId=(await world.customer())["id"])
    answer = await api.post(
        PAGES,
        {
            "title": "x",
            "customerId": 10,
            "components": [
                {"monitorId": monitor["id"]},
                {"monitorId": theirs["id"]},
                {"monitorId": 999_999},
                {"tagId": 999_999},
                {"monitorId": monitor["publicId"]},
            ],
        },
    )
    assert (answer.status, answer.pointers) == (
        400,
        ["/components/1/monitorId", "/components/2/monitorId", "/components/3/tagId", "/components/4"],
    )
    neither = await api.post(PAGES, {"title": "x", "customerId": 10, "components": [{}, {"monitorId": 1, "tagId": 1}]})
    assert (neither.status, neither.pointers) == (400, ["/components/0", "/components/1"])


async def test_a_page_stays_with_its_customer_and_nobody_chooses_its_address(world: Any, api: Any) -> None:
    page = await made(api)
    another = await world.customer()
    for body, pointer in (({"customerId": another["id"]}, "/customerId"), ({"slug": "a" * 26}, "/slug")):
        answer = await changed(api, page, body)
        assert (answer.status, answer.pointers) == (400, [pointer])
    assert (await changed(api, page, {"slug": "mine"})).status == 400


async def test_an_address_is_revoked_made_anew_and_gone_with_its_page(api: Any) -> None:
    page = await made(api)
    old = page["slug"]
    assert await seen(api, old) == 200
    anew = (await changed(api, page, {"slug": "new"})).body
    assert anew["slug"] not in (None, old)
    assert (await seen(api, old), await seen(api, anew["slug"])) == (404, 200)
    revoked = (await changed(api, page, {"slug": None})).body
    assert (revoked["slug"], revoked["address"]) == (None, None)
    assert await seen(api, anew["slug"]) == 404
    again = (await changed(api, page, {"slug": "new"})).body
    hidden = (await changed(api, page, {"isPublished": False})).body
    assert (hidden["slug"], hidden["address"]) == (again["slug"], None)
    assert await seen(api, again["slug"]) == 404
    await changed(api, page, {"isPublished": True})
    assert await seen(api, again["slug"]) == 200
    assert (await api.call("DELETE", f"{PAGES}/{page['publicId']}")).status == 200
    assert await seen(api, again["slug"]) == 404
    assert (await api.get(f"{PAGES}/{page['publicId']}")).status == 404


async def test_whatever_is_not_there_is_answered_alike(api: Any) -> None:
    page = await made(api)
    await changed(api, page, {"slug": None})
    for what in ("", "/summary.json", "/badge.svg", "/history.atom"):
        answers = [
            await api.by(None).get(f"/status/{slug}{what}") for slug in (page["slug"], "a" * 26, "x", "%00", "A" * 26)
        ]
        said = {(each.status, each.body["detail"], each.headers["Cache-Control"]) for each in answers}
        assert said == {(404, "Status page not found", "no-store")}


async def test_changes_are_in_the_audit_log_and_the_address_is_not(api: Any) -> None:
    monitor = await api.created()
    page = await made(api, components=[{"monitorId": monitor["id"], "name": "Inbox"}])
    anew = (await changed(api, page, {"slug": "new"})).body
    await api.call("DELETE", f"{PAGES}/{page['publicId']}")
    answer = await api.get("/api/audit?objectKind=status_page")
    entries = answer.body["items"]
    assert [each["action"] for each in entries] == ["deleted", "changed", "changed", "created"]
    assert entries[1]["changes"] == {"slug": {"old": "********", "new": "********"}}
    assert entries[2]["changes"] == {"components": {"old": None, "new": ["Inbox"]}}
    assert page["slug"] not in answer.text
    assert anew["slug"] not in answer.text


async def test_what_is_only_tried_makes_no_page(api: Any) -> None:
    answer = await api.post(f"{PAGES}?dryRun=true", {"title": "x", "customerId": 10})
    assert answer.status == 200
    assert (await api.get(PAGES)).body == []
    assert await seen(api, answer.body["slug"]) == 404
