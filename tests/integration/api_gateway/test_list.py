"""The list: filters, search, order, pages; customers and the organization beside it."""

from typing import Any

MONITORS = "/api/imap-pop-monitors"


async def names(api: Any, query: str = "") -> list[str]:
    answer = await api.get(f"{MONITORS}?{query}")
    assert answer.status == 200, answer.text
    return [item["name"] for item in answer.body["items"]]


async def test_items_carry_customer_name_and_config_and_no_second_name_of_it(api: Any) -> None:
    await api.created()
    body = (await api.get(MONITORS)).body
    assert {key: body[key] for key in ("total", "page", "perPage")} == {"total": 1, "page": 1, "perPage": 50}
    (item,) = body["items"]
    assert item["customerName"] == "My mailboxes"
    assert item["config"]["user"] == "monitor@example.com"
    assert "imapPopConfig" not in item


async def test_pages_hold_all_and_each_once(api: Any) -> None:
    for number in range(5):
        await api.created(name=f"m{number}")
    assert await names(api, "perPage=2&page=1") == ["m0", "m1"]
    assert await names(api, "perPage=2&page=3") == ["m4"]
    beyond = (await api.get(f"{MONITORS}?perPage=2&page=9")).body
    assert (beyond["items"], beyond["total"], beyond["perPage"]) == ([], 5, 2)
    for page, found in ((2, ["m2", "m3"]), (9, [])):
        searched = (await api.get(f"{MONITORS}?search=m&perPage=2&page={page}")).body
        assert ([item["name"] for item in searched["items"]], searched["total"]) == (found, 5)


async def test_filters_and_search(world: Any) -> None:
    api, other = world.api, await world.customer("Zürich 100%_x")
    await api.created(name="a", hostname="imap.alpha.example", status="disabled")
    await api.created(name="b", hostname="imap.beta.example", customerId=other["id"])
    third = await api.created(name="c_100", hostname="c.example")
    await world.pipeline.execute(
        "INSERT INTO monitor_health (monitor_id, organization_id, health, since, last_checked_at)"
        " VALUES ($1, 1, 'down', 1772107200000, 1772107260000)",
        third["id"],
    )
    assert await names(api, f"customerId={other['id']}") == ["b"]
    assert await names(api, f"customerId={other['publicId']}") == ["b"]
    assert await names(api, "organizationId=1") == ["a", "b", "c_100"]
    assert await names(api, "search=ALPHA") == ["a"]
    assert await names(api, "search=z%C3%BCrich") == ["b"]
    assert await names(api, "search=%25_") == ["b"]
    assert await names(api, "search=_") == ["b", "c_100"]
    assert await names(api, "search=%5C") == []
    assert await names(api, "status=disabled") == await names(api, "status=paused") == ["a"]
    assert await names(api, "health=down") == ["c_100"]
    assert await names(api, "health=unknown") == ["a", "b"]
    assert (await api.get(f"{MONITORS}?customerId=4711")).body["message"] == "Customer not found"
    shown = await api.shown(third)
    assert shown["health"] == "down"
    assert shown["healthSince"] == "2026-02-26T12:00:00.000Z"
    assert shown["lastCheckedAt"] == "2026-02-26T12:01:00.000Z"


async def test_a_host_name_is_found_as_it_was_typed(api: Any) -> None:
    await api.created(name="a", hostname="imap.bücher.example")
    assert await names(api, "search=B%C3%9CCHER") == ["a"]
    assert await names(api, "search=imap.b%C3%BCcher.ex") == ["a"]
    assert await names(api, "search=xn--bcher") == ["a"]
    assert await names(api, "search=b%C3%BCch") == []


async def test_every_order_works_both_ways(api: Any) -> None:
    await api.created(name="B", hostname="z.example", checkInterval=5)
    await api.created(name="a", hostname="y.example", checkInterval=60)
    assert await names(api, "sort=name") == ["a", "B"]
    assert await names(api, "sort=-name") == ["B", "a"]
    assert await names(api, "sort=hostname") == ["a", "B"]
    assert await names(api, "sort=-checkInterval") == ["a", "B"]
    for key in ("id", "status", "health", "createdAt", "updatedAt", "lastCheckedAt", "customerName"):
        assert sorted(await names(api, f"sort={key}")) == sorted(await names(api, f"sort=-{key}")) == ["B", "a"]


async def test_details_carry_the_customer(api: Any) -> None:
    shown = await api.shown(await api.created(allowedCheckCountryCodes=["DE"]))
    assert shown["allowedCheckCountryCodes"] == ["DE"]
    customer = shown["customer"]
    assert set(customer) == {
        "id",
        "publicId",
        "organizationId",
        "name",
        "email",
        "allowedCheckCountryCodes",
        "customFields",
        "alertLocationThresholdCount",
        "createdAt",
        "updatedAt",
    }
    assert (customer["id"], customer["organizationId"], customer["name"]) == (10, 1, "My mailboxes")


async def test_customers_are_made_and_listed_as_a_bare_array(api: Any) -> None:
    sent = {"name": "New", "email": "a@b.example", "packageType": "pro", "customFields": {"vat": "x", "n": [1]}}
    answer = await api.post("/api/customers", sent)
    assert (answer.status, answer.body["success"]) == (201, True)
    made = answer.body["customer"]
    assert {key: made[key] for key in sent} == sent
    assert answer.headers["Location"] == f"/api/customers/{made['publicId']}"
    assert (await api.get(answer.headers["Location"])).body == made
    listed = (await api.get("/api/customers")).body
    assert [customer["id"] for customer in listed] == [10, made["id"]]
    assert (await api.created(customerId=made["publicId"]))["customerId"] == made["id"]


async def test_wrong_customers_are_refused(api: Any) -> None:
    answer = await api.post("/api/customers", {"email": "nobody", "customFields": [], "colour": 1})
    assert (answer.status, sorted(answer.pointers)) == (400, ["/colour", "/customFields", "/email", "/name"])
    too_large = await api.post("/api/customers", {"name": "n", "customFields": {"x": "y" * 17_000}})
    assert (too_large.status, too_large.pointers) == (400, ["/customFields"])
    assert (await api.get("/api/customers/10")).status == 400
    assert (await api.get("/api/customers/22222222-2222-4222-8222-222222222222")).status == 404


async def test_the_organization_is_shown(api: Any) -> None:
    body = (await api.get("/api/organization")).body
    documented = {"id", "name", "companyName", "street", "postalCode", "city", "country", "vatId", "billingEmail"}
    assert documented | {"createdAt", "publicId"} == set(body)
    assert (body["id"], body["name"]) == (1, "My organization")
