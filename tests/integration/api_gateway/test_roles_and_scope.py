"""Who may do what: roles, tokens of one customer, and walls between organizations."""

from typing import Any

MONITORS = "/api/imap-pop-monitors"
BODY = {"customerId": 10, "name": "n", "hostname": "mail.example.com"}


async def test_no_token_no_answer(api: Any) -> None:
    made = await api.created()
    item = f"{MONITORS}/{made['publicId']}"
    for method, path in (
        ("GET", MONITORS),
        ("POST", MONITORS),
        ("POST", f"{MONITORS}/test"),
        ("GET", item),
        ("PATCH", item),
        ("DELETE", item),
        ("POST", f"{item}/trigger-check"),
        ("GET", f"{item}/check-history"),
        ("GET", "/api/customers"),
        ("POST", "/api/customers"),
        ("GET", "/api/customers/11111111-1111-4111-8111-111111111111"),
        ("GET", "/api/organization"),
    ):
        answer = await api.by(None).call(method, path)
        assert (answer.status, answer.body["message"]) == (401, "Unauthorized"), (method, path)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_unknown_malformed_and_expired_tokens_are_unauthorized(world: Any) -> None:
    good = world.api.token
    for token in ("", "mp_", "mp_unknown", good[:-1], good + "x", good.removeprefix("mp_"), "mp_" + "x" * 5000):
        assert (await world.api.by(token).get(MONITORS)).status == 401, token[:20]
    for scheme in ("Basic", "Token", ""):
        answer = await world.api.by(None).call("GET", MONITORS, headers={"Authorization": f"{scheme} {good}"})
        assert answer.status == 401
    assert (await world.api.by(None).call("GET", MONITORS, headers={"Authorization": f"bearer {good}"})).status == 200
    expired = await world.client("admin")
    assert (await expired.get(MONITORS)).status == 200
    async with world.gateway_pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('mailprobe.organization', '1', true)")
        await connection.execute("UPDATE tokens SET expires_at = now() WHERE name = 'a admin'")
    assert (await expired.get(MONITORS)).status == 401


async def test_readonly_reads_and_changes_only_the_status(world: Any) -> None:
    made = await world.api.created()
    item = f"{MONITORS}/{made['publicId']}"
    readonly = await world.client("readonly")
    for path in (MONITORS, item, f"{item}/check-history", "/api/customers", "/api/organization"):
        assert (await readonly.get(path)).status == 200
    answer = await readonly.patch(made, {"status": "paused", "id": 5, "customerName": "x"})
    assert (answer.status, answer.body["status"]) == (200, "disabled")
    for method, path, body in (
        ("PATCH", item, {"status": "active", "name": "x"}),
        ("PATCH", item, {"config": {}}),
        ("PATCH", item, {"colour": "red"}),
        ("POST", MONITORS, BODY),
        ("POST", f"{MONITORS}/test", BODY),
        ("POST", f"{item}/trigger-check", None),
        ("POST", "/api/customers", {"name": "x"}),
        ("DELETE", item, None),
    ):
        answer = await readonly.call(method, path, body=body)
        assert (answer.status, answer.body["message"]) == (403, "Forbidden"), (method, path)
    assert (await world.api.shown(made))["name"] == "Mailbox Access"


async def test_a_supporter_reads_and_writes_nothing(world: Any) -> None:
    made = await world.api.created()
    item = f"{MONITORS}/{made['publicId']}"
    supporter = await world.client("supporter")
    assert (await supporter.get(item)).status == 200
    for method, path, body in (
        ("PATCH", item, {"status": "active"}),
        ("PATCH", item, {}),
        ("POST", MONITORS, BODY),
        ("POST", f"{MONITORS}/test", BODY),
        ("POST", f"{item}/trigger-check", None),
        ("POST", "/api/customers", {"name": "x"}),
        ("DELETE", item, None),
    ):
        assert (await supporter.call(method, path, body=body)).status == 403, (method, path)


async def test_a_user_writes(world: Any) -> None:
    user = await world.client("user")
    made = await user.created()
    assert (await user.patch(made, {"name": "x"})).status == 200
    assert (await user.call("DELETE", f"{MONITORS}/{made['publicId']}")).status == 200


async def test_a_token_of_one_customer_stays_with_it(world: Any) -> None:
    other = await world.customer("Other")
    theirs = await world.api.created(customerId=other["id"])
    ours = await world.api.created(customerId=10)
    limited = await world.client("user", customer_id=10)
    item = f"{MONITORS}/{theirs['publicId']}"
    for method, path, body in (
        ("GET", item, None),
        ("PATCH", item, {"name": "x"}),
        ("DELETE", item, None),
        ("POST", f"{item}/trigger-check", None),
        ("GET", f"{item}/check-history", None),
        ("POST", MONITORS, {**BODY, "customerId": other["publicId"]}),
        ("POST", f"{MONITORS}/test", {**BODY, "customerId": other["id"]}),
        ("PATCH", f"{MONITORS}/{ours['publicId']}", {"customerId": other["id"]}),
        ("GET", f"{MONITORS}?customerId={other['id']}", None),
        ("GET", f"/api/customers/{other['publicId']}", None),
        ("POST", "/api/customers", {"name": "x"}),
    ):
        assert (await limited.call(method, path, body=body)).status in (403, 503), (method, path)
        if "test" not in path:
            assert limited.answers[-1].status == 403, (method, path)
    listed = (await limited.get(MONITORS)).body
    assert ([item["id"] for item in listed["items"]], listed["total"]) == ([ours["id"]], 1)
    assert [customer["id"] for customer in (await limited.get("/api/customers")).body] == [10]
    assert (await limited.created(customerId=10))["customerId"] == 10


async def test_another_organization_sees_and_finds_nothing(world: Any) -> None:
    made = await world.api.created()
    stranger = await world.client("admin", organization_id=await world.another_organization())
    item = f"{MONITORS}/{made['publicId']}"
    for method, path, body in (
        ("GET", item, None),
        ("PATCH", item, {"name": "x"}),
        ("DELETE", item, None),
        ("POST", f"{item}/trigger-check", None),
        ("GET", f"{item}/check-history", None),
        ("POST", MONITORS, BODY),
        ("GET", f"{MONITORS}?customerId=10", None),
        ("GET", f"{MONITORS}?organizationId=1", None),
        ("GET", "/api/customers/11111111-1111-4111-8111-111111111111", None),
    ):
        assert (await stranger.call(method, path, body=body)).status == 404, (method, path)
    assert (await stranger.get(MONITORS)).body["total"] == 0
    assert (await stranger.get("/api/customers")).body == []
    assert (await stranger.get("/api/organization")).body["name"] == "Others"
    assert (await world.api.shown(made))["name"] == "Mailbox Access"
