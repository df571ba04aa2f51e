"""Many monitors by one request, each answered for by itself."""

import io
import json
from typing import Any
from uuid import uuid4

import pytest

MONITORS = "/api/imap-pop-monitors"
BATCH = f"{MONITORS}:batch"


def described(**changes: Any) -> dict[str, Any]:
    return {"customerId": 10, "name": "n", "hostname": "mail.example.com", **changes}


def create(**changes: Any) -> dict[str, Any]:
    return {"method": "create", "body": described(**changes)}


async def test_each_item_is_done_or_refused_by_itself(world: Any) -> None:
    await world.location("fra")
    api = world.api
    kept, gone = await api.created(name="kept"), await api.created(name="gone")
    await world.as_pipeline("UPDATE check_requests SET state = 'finished'")
    answer = await api.post(
        BATCH,
        {
            "items": [
                create(name="first", imapPopConfig={"user": "u", "password": "M4rker", "security": "none"}),
                create(name="", port=0),
                {"method": "update", "publicId": kept["publicId"], "body": {"name": "renamed"}},
                {"method": "update", "publicId": kept["publicId"], "body": {"hostname": "elsewhere.example.com"}},
                {"method": "update", "publicId": str(uuid4()), "body": {}},
                {"method": "delete", "publicId": gone["publicId"]},
                {"method": "delete", "publicId": gone["publicId"]},
                create(customerId=4711),
                create(name="last"),
            ]
        },
    )
    assert answer.status == 200
    results = answer.body["results"]
    assert [result["status"] for result in results] == [201, 400, 200, 400, 404, 200, 404, 404, 201]
    assert [result["index"] for result in results] == list(range(9))
    assert (answer.body["succeeded"], answer.body["failed"]) == (4, 5)
    first = results[0]["monitor"]
    assert first["config"]["password"] == "M4rker"
    assert [warning["code"] for warning in first["warnings"]] == ["plaintext_password"]
    pointers = sorted(error["pointer"] for error in results[1]["problem"]["errors"])
    assert pointers == ["/items/1/body/name", "/items/1/body/port"]
    assert results[3]["problem"]["errors"][0]["pointer"] == "/items/3/body/imapPopConfig/password"
    names = [item["name"] for item in (await api.get(MONITORS)).body["items"]]
    assert sorted(names) == ["first", "last", "renamed"]
    assert len(await world.requests("first")) == 4, "two new ones have their first check"


async def test_an_item_that_makes_no_sense_says_what_it_lacks(api: Any) -> None:
    made = await api.created()
    raw = json.dumps(
        {
            "items": [
                "x",
                {},
                {"method": "replace"},
                {"method": "create", "publicId": made["publicId"], "body": described()},
                {"method": "update", "body": {}},
                {"method": "update", "publicId": "x", "body": {}},
                {"method": "update", "publicId": made["publicId"]},
                {"method": "delete", "publicId": made["publicId"], "body": {}},
                {"method": "create", "body": [], "colour": 1},
                create(name="a\x00b", port=10**30),
            ]
        }
    )
    answer = await api.call("POST", BATCH, raw=raw.encode())
    found = [[error["pointer"] for error in each["problem"]["errors"]] for each in answer.body["results"]]
    assert found == [
        ["/items/0"],
        ["/items/1/method"],
        ["/items/2/method"],
        ["/items/3/publicId"],
        ["/items/4/publicId"],
        ["/items/5/publicId"],
        ["/items/6/body"],
        ["/items/7/body"],
        ["/items/8/body", "/items/8/colour"],
        ["/items/9/body/name", "/items/9/body/port"],
    ]
    assert (await api.get(MONITORS)).body["total"] == 1


async def test_a_batch_has_an_end(world: Any) -> None:
    api = await world.another_gateway(rate_limit_token=100_000)
    body = {"items": [create(name=f"m{number}", notificationEmail=f"a{number}@b.c") for number in range(500)]}
    tried = await api.post(f"{BATCH}?dryRun=true", {"items": body["items"][:3]})
    assert (tried.status, tried.body["succeeded"], tried.headers["Dry-Run"]) == (200, 3, "true")
    assert (await api.get(MONITORS)).body["total"] == 0
    for key in ("a", "a"):
        answer = await api.call("POST", BATCH, body=body, headers={"Idempotency-Key": key})
        assert (answer.status, answer.body["succeeded"]) == (200, 500)
    assert (await api.get(MONITORS)).body["total"] == 500
    for items in ([], [create()] * 501, {}, None, ...):
        wrong = await api.post(BATCH, {} if items is ... else {"items": items})
        assert (wrong.status, wrong.pointers) == (400, ["/items"])
    assert (await api.post(BATCH, {"items": [create()], "x": 1})).pointers == ["/x"]
    assert (await api.call("POST", BATCH, raw=io.BytesIO(b" " * (4 * 1024 * 1024 + 1)))).status == 413
    assert (await api.call("POST", BATCH, raw=b" " * 200_000)).status == 400
    too_many_wrong = json.dumps({"items": [create(name="\x00")] * 60}).encode()
    assert (await api.call("POST", BATCH, raw=too_many_wrong)).status == 400


@pytest.mark.parametrize(
    ("role", "expected"), [("user", [201, 200, 200]), ("readonly", [403, 200, 403]), ("supporter", 403)]
)
async def test_each_item_is_judged_by_who_sends_it(world: Any, role: str, expected: Any) -> None:
    made = await world.api.created()
    caller = await world.client(role)
    items = [
        create(),
        {"method": "update", "publicId": made["publicId"], "body": {"status": "paused"}},
        {"method": "delete", "publicId": made["publicId"]},
    ]
    answer = await caller.post(BATCH, {"items": items})
    if expected == 403:
        assert answer.status == 403
    else:
        assert [result["status"] for result in answer.body["results"]] == expected


async def test_another_customers_monitor_is_out_of_its_reach(world: Any) -> None:
    made = await world.api.created()
    other = await world.customer()
    caller = await world.client("user", customer_id=other["id"])
    items = [{"method": "delete", "publicId": made["publicId"]}, create(), create(customerId=other["id"])]
    answer = await caller.post(BATCH, {"items": items})
    assert [result["status"] for result in answer.body["results"]] == [403, 403, 201]
