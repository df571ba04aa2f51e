"""A customer that leaves has three days to come back; then its monitors are disabled."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.api_gateway.customers.leaving import finish_cancellations


async def test_a_customer_leaves_after_three_days(world: Any) -> None:
    customer = await world.customer("Leaving")
    theirs, ours = await world.api.created(customerId=customer["id"]), await world.api.created()
    cancel = f"/api/customers/{customer['publicId']}/cancel"
    first = (await world.api.post(cancel)).body["customer"]
    assert first["status"] == "marked_for_cancellation"
    at = datetime.fromisoformat(first["cancelsAt"].replace("Z", "+00:00"))
    assert timedelta(days=2, hours=23) < at - datetime.now(UTC) <= timedelta(days=3)
    assert (await world.api.post(cancel)).body["customer"]["cancelsAt"] == first["cancelsAt"]
    assert await finish_cancellations(world.gateway_pool) == 0
    assert (await world.api.shown(theirs))["status"] == "active"
    revision = await world.revision(theirs)
    async with world.gateway_pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('mailprobe.organization', '1', true)")
        await connection.execute("UPDATE customers SET cancels_at = now() WHERE id = $1", customer["id"])
    assert await finish_cancellations(world.gateway_pool) == 1
    assert await finish_cancellations(world.gateway_pool) == 0
    shown = (await world.api.get(f"/api/customers/{customer['publicId']}")).body
    assert (shown["status"], shown["cancelsAt"]) == ("cancelled", None)
    assert (await world.api.shown(theirs))["status"] == "disabled"
    assert await world.revision(theirs) == revision + 1
    assert (await world.api.shown(ours))["status"] == "active"
    assert (await world.api.post(cancel)).status == 409
    assert (await world.api.call("DELETE", cancel)).body["customer"]["status"] == "active"


async def test_a_customer_may_come_back(world: Any) -> None:
    cancel = "/api/customers/11111111-1111-4111-8111-111111111111/cancel"
    await world.api.post(cancel)
    back = (await world.api.call("DELETE", cancel)).body["customer"]
    assert (back["status"], back["cancelsAt"]) == ("active", None)
    async with world.gateway_pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('mailprobe.organization', '1', true)")
        await connection.execute("UPDATE customers SET cancels_at = now()")
    assert await finish_cancellations(world.gateway_pool) == 0


async def test_only_admins_of_the_organization_let_a_customer_go(world: Any) -> None:
    cancel = "/api/customers/11111111-1111-4111-8111-111111111111/cancel"
    for api in (
        await world.client("user"),
        await world.client("readonly"),
        await world.client("admin", customer_id=10),
    ):
        assert (await api.post(cancel)).status == 403
        assert (await api.call("DELETE", cancel)).status == 403
    stranger = await world.client("admin", organization_id=await world.another_organization())
    assert (await stranger.post(cancel)).status == 404
    assert (await world.api.post("/api/customers/10/cancel")).status == 400


async def test_a_customer_is_made_with_all_that_can_be_changed(world: Any) -> None:
    body = {"name": "Full", "allowedCheckCountryCodes": ["de", "DE"], "alertLocationThresholdCount": 3}
    made = (await world.api.post("/api/customers", body)).body["customer"]
    assert (made["allowedCheckCountryCodes"], made["alertLocationThresholdCount"]) == (["DE"], 3)
