"""A request sent again with its `Idempotency-Key` does nothing twice and gets the same answer."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.api_gateway.manners.forgetting import forget_now
from services.api_gateway.manners.request_keys import request_key
from shared.database.pool import organization_transaction
from tests.support.browsers import cheap_passwords, first_person, joined

__all__ = ["cheap_passwords"]

MONITORS = "/api/imap-pop-monitors"
GOOD = {
    "customerId": 10,
    "name": "n",
    "hostname": "mail.example.com",
    "imapPopConfig": {"user": "u", "password": "M4rker-once", "tls": True},
}
UNKNOWN = UUID(int=7)


def key(value: str) -> Mapping[str, str]:
    return {"Idempotency-Key": value}


async def total(api: Any) -> int:
    return int((await api.get(MONITORS)).body["total"])


async def kept(world: Any) -> list[Any]:
    async with organization_transaction(world.gateway_pool, 1) as connection:
        return list(await connection.fetch("SELECT *, k::text AS whole FROM kept_answers k"))


async def test_it_is_made_once_and_answered_alike_but_for_the_password(world: Any) -> None:
    api = world.api
    first = await api.call("POST", MONITORS, body=GOOD, headers=key("once"))
    again = await api.call("POST", MONITORS, body=GOOD, headers=key('"once"'))
    assert (first.status, again.status, await total(api)) == (201, 201, 1)
    assert (first.headers.get("Idempotent-Replayed"), again.headers["Idempotent-Replayed"]) == (None, "true")
    for name in ("Location", "ETag", "Content-Type"):
        assert again.headers[name] == first.headers[name]
    assert first.headers["X-Request-Id"] != again.headers["X-Request-Id"]
    shown = first.body
    assert shown["config"]["password"] == "M4rker-once"
    for config in ("config", "imapPopConfig"):
        shown[config]["password"] = "********"
    assert again.body == shown
    rows = await kept(world)
    assert len(rows) == 1
    assert "M4rker" not in rows[0]["whole"]
    assert "once" not in rows[0]["whole"]


async def test_another_request_with_the_same_key_is_422_and_other_keys_are_others(world: Any) -> None:
    api = world.api
    await api.call("POST", MONITORS, body=GOOD, headers=key("k"))
    for path, body in ((MONITORS, {**GOOD, "name": "m"}), ("/api/tags", {"name": "t"}), (f"{MONITORS}?x=1", GOOD)):
        answer = await api.call("POST", path, body=body, headers=key("k"))
        assert (answer.status, answer.pointers) == (422, ["/Idempotency-Key"]), path
    other_token = await world.client("admin")
    for caller, name in ((api, "k2"), (other_token, "k")):
        assert (await caller.call("POST", MONITORS, body=GOOD, headers=key(name))).status == 201
    assert await total(api) == 3


async def test_while_it_runs_the_same_key_is_409_and_has_a_second_try_after_it(world: Any) -> None:
    api = world.api
    answers = await asyncio.gather(
        *(api.call("POST", MONITORS, body=GOOD, headers=key("at-once")) for _ in range(4)),
    )
    statuses = sorted(answer.status for answer in answers)
    assert set(statuses) <= {201, 409}
    assert statuses[0] == 201
    assert all(answer.headers["Retry-After"] for answer in answers if answer.status == 409)
    assert (await api.call("POST", MONITORS, body=GOOD, headers=key("at-once"))).status == 201
    assert await total(api) == 1


async def test_a_transaction_that_holds_the_key_is_409_until_it_dies_with_its_connection(world: Any) -> None:
    """What a gateway that is killed in the middle leaves behind: nothing."""
    api = world.api
    first = await api.call("POST", MONITORS, body=GOOD, headers=key("k"))
    async with organization_transaction(world.gateway_pool, 1) as connection:
        await connection.execute("DELETE FROM kept_answers")
    number = request_key("k", method="POST", address="", body=b"", credential="").lock_number(1, "token:1")
    async with world.gateway_pool.acquire() as dying:
        held = dying.transaction()
        await held.start()
        await dying.execute("SELECT pg_advisory_xact_lock($1)", number)
        waiting = await api.call("POST", MONITORS, body=GOOD, headers=key("k"))
        assert (waiting.status, waiting.headers["Retry-After"]) == (409, "1")
        dying.terminate()
    await world.until(lambda: _made(api))
    assert await total(api) == 2
    assert first.status == 201


async def _made(api: Any) -> bool:
    return bool((await api.call("POST", MONITORS, body=GOOD, headers=key("k"))).status == 201)


async def test_a_refusal_is_not_kept_so_the_corrected_request_may_use_the_key(world: Any) -> None:
    api = world.api
    wrong = await api.call("POST", MONITORS, body={**GOOD, "port": 0}, headers=key("k"))
    right = await api.call("POST", MONITORS, body=GOOD, headers=key("k"))
    assert (wrong.status, right.status) == (400, 201)
    assert len(await kept(world)) == 1


@pytest.mark.parametrize("wrong", ["", " ", "a b", "ü", "x" * 256, '"', '""', '"a'])
async def test_a_key_that_is_none_is_told_by_the_headers_name(api: Any, wrong: str) -> None:
    answer = await api.call("POST", MONITORS, body=GOOD, headers=key(wrong))
    assert (answer.status, answer.pointers) == (400, ["/Idempotency-Key"])
    assert await total(api) == 0


async def test_a_body_over_its_size_is_413_with_a_key_too(api: Any) -> None:
    answer = await api.call("POST", MONITORS, raw=b" " * 70_000, headers=key("k"))
    assert answer.status == 413


async def test_trigger_check_asks_once(world: Any) -> None:
    await world.location("fra")
    made = await world.api.created()
    await world.as_pipeline("UPDATE check_requests SET state = 'finished'")
    for _ in range(2):
        answer = await world.api.call("POST", f"{MONITORS}/{made['publicId']}/trigger-check", headers=key("k"))
        assert answer.status == 200
        await world.as_pipeline("UPDATE check_requests SET state = 'finished' WHERE kind = 'trigger'")
    assert answer.headers["Idempotent-Replayed"] == "true"
    assert len(await world.requests("trigger")) == 1


async def test_a_test_that_came_to_nothing_gives_its_key_back(world: Any) -> None:
    """It cannot share a transaction with its answer: the check begins after the commit."""
    api = world.api
    for _ in range(2):
        answer = await api.call("POST", f"{MONITORS}/test", body=GOOD, headers=key("k"))
        assert answer.status == 503  # nobody there to make it
    assert await kept(world) == []


async def test_a_test_whose_gateway_died_blocks_its_key_for_its_longest_only(world: Any) -> None:
    api, channel = world.api, {"type": "webhook", "config": {"url": "https://example.com/"}, "dryRun": True}
    path = "/api/notification-channels/test"
    assert (await api.call("POST", path, body=channel, headers=key("k"))).status == 200
    unanswered = "UPDATE kept_answers SET status = NULL, body = NULL, busy_until = now() + interval '1 minute' * $1"
    async with organization_transaction(world.gateway_pool, 1) as connection:
        await connection.execute(unanswered, 1)
    waiting = await api.call("POST", path, body=channel, headers=key("k"))
    assert (waiting.status, waiting.headers["Retry-After"]) == (409, "10")
    async with organization_transaction(world.gateway_pool, 1) as connection:
        await connection.execute(unanswered, -1)
    again = await api.call("POST", path, body=channel, headers=key("k"))
    assert (again.status, "Idempotent-Replayed" in again.headers) == (200, False)
    assert (await api.call("POST", path, body=channel, headers=key("k"))).headers["Idempotent-Replayed"] == "true"


async def test_answers_a_day_old_are_forgotten_of_every_organization(world: Any) -> None:
    other = await world.client("admin", organization_id=await world.another_organization())
    for caller in (world.api, other):
        for name in ("old", "new"):
            answer = await caller.call("POST", "/api/tags", body={"name": name}, headers=key(name))
            assert answer.status == 201
    await world.as_owner("UPDATE kept_answers SET created_at = now() - interval '25 hours' WHERE body LIKE '%old%'")
    # What is old counts no more, though nobody has removed it yet.
    late = await world.api.call("POST", "/api/tags", body={"name": "old"}, headers=key("old"))
    assert late.status == 409
    assert await forget_now(world.gateway_pool, step=1) == 2
    assert await forget_now(world.gateway_pool) == 0
    assert len(await world.as_owner("SELECT FROM kept_answers")) == 2


async def test_what_was_only_tried_uses_up_no_key(api: Any) -> None:
    for _ in range(2):
        tried = await api.call("POST", f"{MONITORS}?dryRun=true", body=GOOD, headers=key("k"))
        assert (tried.status, tried.headers.get("Idempotent-Replayed")) == (200, None)
    assert (await api.call("POST", MONITORS, body=GOOD, headers=key(str(uuid4())))).status == 201


@pytest.mark.usefixtures("cheap_passwords")
async def test_what_is_shown_once_is_shown_once_to_people_too(world: Any) -> None:
    """An invitation's link, and a token: the answer sent again has neither, and neither is kept."""
    owner = await first_person(world)
    for path, body, secret in (
        ("/api/users", {"email": "somebody@example.com", "name": "Somebody"}, "invitationLink"),
        ("/api/organization/tokens", {"name": "ci"}, "token"),
    ):
        first = await owner.call("POST", path, body, headers=key("k" + secret))
        again = await owner.call("POST", path, body, headers=key("k" + secret))
        assert (first.status, again.status, again.headers["Idempotent-Replayed"]) == (201, 201, "true")
        assert again.body == {**first.body, secret: "********"}
        assert not [row for row in await kept(world) if first.body[secret].rpartition("#")[2] in row["whole"]]
    person = (await owner.get("/api/users")).body[-1]
    address = f"/api/users/{person['publicId']}"
    shown = await owner.get(address)
    stale = await owner.call("PATCH", address, {"name": "Another"}, headers={"If-Match": '"x"'})
    assert (stale.status, stale.headers["ETag"]) == (412, shown.headers["ETag"])
    changed = await owner.call("PATCH", address, {"name": "Another"}, headers={"If-Match": shown.headers["ETag"]})
    assert (changed.status, changed.headers["ETag"]) == (200, (await owner.get(address)).headers["ETag"])


@pytest.mark.usefixtures("cheap_passwords")
async def test_an_answer_is_not_sent_again_to_somebody_who_would_not_get_it_now(world: Any) -> None:
    owner = await first_person(world)
    other = await world.customer("Other")
    somebody = await joined(owner, "somebody@example.com", role="user")
    assert (await somebody.call("POST", MONITORS, GOOD, headers=key("k"))).status == 201
    item = f"/api/users/{(await owner.get('/api/users')).body[-1]['publicId']}"
    for changes in ({"customerIds": [other["id"]]}, {"role": "readonly"}):
        assert (await owner.patch(item, changes)).status == 200
        await somebody.sign_in("somebody@example.com")
        answer = await somebody.call("POST", MONITORS, GOOD, headers=key("k"))
        assert answer.status == 422, changes
