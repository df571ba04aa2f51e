"""Tokens are made by people who are signed in, for no more than they may do themselves."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.browsers import first_person, joined

OF_ORGANIZATION, OF_CUSTOMER = "/api/organization/tokens", "/api/customer/tokens"
MONITORS = "/api/imap-pop-monitors"

pytestmark = pytest.mark.usefixtures("cheap_passwords")


async def test_a_token_is_shown_once_listed_by_its_end_and_revoked(world: Any) -> None:
    owner = await first_person(world)
    answer = await owner.post(OF_ORGANIZATION, {"name": "ci", "expiresInDays": 30})
    assert answer.status == 201, answer.text
    made, token = answer.body, answer.body["token"]
    assert (made["role"], made["customerId"], made["tokenHint"]) == ("admin", None, f"mp_…{token[-4:]}")
    expires = datetime.fromisoformat(made["expiresAt"].replace("Z", "+00:00"))
    assert timedelta(days=29, hours=23) < expires - datetime.now(UTC) <= timedelta(days=30)
    assert (await world.api.by(token).get(MONITORS)).status == 200
    listed = await owner.get(OF_ORGANIZATION)
    assert token not in listed.text
    (shown,) = [each for each in listed.body if each["name"] == "ci"]
    assert shown["lastUsedAt"] is not None
    assert (await owner.delete(answer.headers["Location"])).status == 200
    assert (await world.api.by(token).get(MONITORS)).status == 401
    assert (await owner.delete(f"{OF_ORGANIZATION}/{made['id']}")).status == 404
    assert (await owner.delete(f"{OF_ORGANIZATION}/x")).status == 400


async def test_a_wrong_expiry_is_named(world: Any) -> None:
    owner = await first_person(world)
    for days in (0, 366, 1.5, "30", True):
        answer = await owner.post(OF_ORGANIZATION, {"name": "x", "expiresInDays": days})
        assert (answer.status, answer.pointers) == (400, ["/expiresInDays"]), days
    assert (await owner.post(OF_ORGANIZATION, {"name": "x", "expiresInDays": None})).body["expiresAt"] is None


async def test_a_token_cannot_make_tokens_nor_see_them(world: Any) -> None:
    for path, body in ((OF_ORGANIZATION, {"name": "x"}), (OF_CUSTOMER, {"name": "x", "customerId": 10})):
        for method, address in (("GET", path), ("POST", path), ("DELETE", f"{path}/1")):
            answer = await world.api.call(method, address, body=body if method == "POST" else None)
            assert answer.status == 403, (method, address)
            assert "signed in" in answer.body["detail"]


async def test_a_customers_token_stays_with_the_customer(world: Any) -> None:
    owner = await first_person(world)
    other = await world.customer("Other")
    made = (await owner.post(OF_CUSTOMER, {"name": "theirs", "customerId": other["publicId"]})).body
    assert (made["role"], made["customerId"]) == ("user", other["id"])
    limited = world.api.by(made["token"])
    assert (await limited.post(MONITORS, {"customerId": 10, "name": "n", "hostname": "a.example"})).status == 403
    assert [each["id"] for each in (await limited.get("/api/customers")).body] == [other["id"]]
    assert [each["name"] for each in (await owner.get(OF_CUSTOMER)).body] == ["theirs"]
    assert made["id"] not in [each["id"] for each in (await owner.get(OF_ORGANIZATION)).body]
    assert (await owner.get(f"{OF_CUSTOMER}?customerId=10")).body == []
    assert (await owner.delete(f"{OF_ORGANIZATION}/{made['id']}")).status == 404
    unknown = await owner.post(OF_CUSTOMER, {"name": "x", "customerId": 4711})
    assert (unknown.status, unknown.body["message"]) == (404, "Customer not found")
    assert (await owner.delete(f"{OF_CUSTOMER}/{made['publicId']}")).status == 200


async def test_a_limited_user_makes_tokens_of_their_customers_that_may_do_no_more(world: Any) -> None:
    owner = await first_person(world)
    other = await world.customer("Other")
    user = await joined(owner, "user@example.com", customerIds=[10])
    theirs = (await owner.post(OF_CUSTOMER, {"name": "theirs", "customerId": other["id"]})).body
    boss = (await owner.post(OF_CUSTOMER, {"name": "boss", "customerId": 10, "role": "admin"})).body
    assert (await user.post(OF_CUSTOMER, {"name": "mine", "customerId": 10})).status == 201
    for answer in (
        await user.post(OF_CUSTOMER, {"name": "x", "customerId": 10, "role": "admin"}),
        await user.post(OF_CUSTOMER, {"name": "x", "customerId": other["id"]}),
        await user.get(f"{OF_CUSTOMER}?customerId={other['id']}"),
        await user.delete(f"{OF_CUSTOMER}/{theirs['id']}"),
        await user.delete(f"{OF_CUSTOMER}/{boss['id']}"),
        await user.post(OF_ORGANIZATION, {"name": "x"}),
        await user.get(OF_ORGANIZATION),
    ):
        assert answer.status == 403
    assert sorted(each["name"] for each in (await user.get(OF_CUSTOMER)).body) == ["boss", "mine"]
