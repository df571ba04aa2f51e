"""Tokens as they are kept, and how often an address or a token may ask."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from services.api_gateway.token_store import issue_token, list_tokens, revoke_token, token_hash
from shared.database.errors import DatabaseRejected

MONITORS = "/api/imap-pop-monitors"


async def test_a_token_is_kept_as_its_hash_only(world: Any) -> None:
    expires = datetime.now(UTC) + timedelta(days=1)
    token = await issue_token(world.gateway_pool, 1, "ci", "readonly", 10, expires)
    assert token.startswith("mp_")
    assert len(token) >= 46
    (_, facts) = await list_tokens(world.gateway_pool, 1)
    assert (facts.name, facts.role, facts.customer_id, facts.expires_at) == ("ci", "readonly", 10, expires)
    assert facts.token_hint == f"mp_…{token[-4:]}"
    async with world.gateway_pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('mailprobe.organization', '1', true)")
        rows = await connection.fetch("SELECT t::text AS row, token_hash FROM tokens t")
    assert not [row for row in rows if token in row["row"]]
    assert token_hash(token) in [row["token_hash"] for row in rows]


async def test_a_revoked_token_is_refused_at_once(world: Any) -> None:
    api = await world.client("admin")
    assert (await api.get(MONITORS)).status == 200
    newest = (await list_tokens(world.gateway_pool, 1))[-1]
    assert await revoke_token(world.gateway_pool, 1, newest.id)
    assert not await revoke_token(world.gateway_pool, 1, newest.id)
    assert (await api.get(MONITORS)).status == 401


async def test_a_token_for_a_customer_there_is_not_is_refused(world: Any) -> None:
    with pytest.raises(DatabaseRejected):
        await issue_token(world.gateway_pool, 1, "x", "user", 4711)
    with pytest.raises(ValueError, match="root"):
        await issue_token(world.gateway_pool, 1, "x", "root")


async def test_when_a_token_was_last_used_is_noted_at_most_once_a_minute(world: Any) -> None:
    async def last_used() -> Any:
        return (await list_tokens(world.gateway_pool, 1))[0].last_used_at

    assert await last_used() is None
    await world.api.get(MONITORS)
    first = await last_used()
    assert first is not None
    await world.api.get(MONITORS)
    other = await world.another_gateway()
    await other.by(world.api.token).get(MONITORS)
    assert await last_used() == first


async def test_a_token_may_ask_so_often_a_minute(world: Any) -> None:
    api = await world.another_gateway(rate_limit_token=3)
    remaining = []
    for _ in range(3):
        answer = await api.get(MONITORS)
        assert answer.status == 200
        remaining.append(answer.headers["X-RateLimit-Remaining"])
    assert remaining == ["2", "1", "0"]
    answer = await api.get(MONITORS)
    assert (answer.status, answer.headers["X-RateLimit-Remaining"]) == (429, "0")
    assert int(answer.headers["Retry-After"]) in range(1, 21)
    assert (await api.by(world.api.token).get(MONITORS)).status == 200


async def test_an_address_without_a_token_may_ask_so_often_and_known_tokens_go_on(world: Any) -> None:
    api = await world.another_gateway(rate_limit_anonymous=2)
    assert (await api.get(MONITORS)).status == 200
    anonymous = api.by("mp_guess")
    assert [(await anonymous.get(MONITORS)).status for _ in range(4)] == [401, 401, 429, 429]
    assert (await api.by(None).get("/api/openapi.json")).status == 429
    assert (await api.get(MONITORS)).status == 200
    assert (await api.by(None).get("/livez")).status == 200


async def test_addresses_are_told_apart_only_by_trusted_proxies(world: Any) -> None:
    trusting = await world.another_gateway(rate_limit_anonymous=1, trusted_proxies=(ip_network("127.0.0.0/8"),))
    doubting = await world.another_gateway(rate_limit_anonymous=1)

    async def statuses(api: Any) -> list[int]:
        return [
            (await api.by(None).call("GET", MONITORS, headers={"X-Forwarded-For": f"198.51.100.{n}"})).status
            for n in range(3)
        ]

    assert await statuses(trusting) == [401, 401, 401]
    assert await statuses(doubting) == [401, 429, 429]


async def test_the_request_id_is_answered_as_it_was_sent_where_it_is_harmless(api: Any) -> None:
    answer = await api.call("GET", MONITORS, headers={"X-Request-Id": "trace-1.2_3"})
    assert answer.headers["X-Request-Id"] == "trace-1.2_3"
    for harmful in ("a b", "x" * 200, "<script>", "ü"):
        answer = await api.call("GET", MONITORS, headers={"X-Request-Id": harmful})
        assert answer.headers["X-Request-Id"] != harmful


async def test_answers_are_not_to_be_kept_by_caches(api: Any) -> None:
    made = await api.post(MONITORS, {"customerId": 10, "name": "n", "hostname": "h"})
    assert made.headers["Cache-Control"] == "no-store"


async def test_every_answer_says_how_often_one_may_still_ask(world: Any) -> None:
    api = await world.another_gateway(rate_limit_anonymous=5, rate_limit_token=50)
    made = await api.created()
    for method, path, body, status in (
        ("GET", f"{MONITORS}/{made['publicId']}", None, 200),
        ("GET", f"{MONITORS}/x", None, 400),
        ("POST", MONITORS, {}, 400),
        ("DELETE", "/api/tags/4711", None, 404),
        ("PATCH", f"{MONITORS}/{made['publicId']}", {"x": 1}, 400),
    ):
        answer = await api.call(method, path, body=body)
        assert (answer.status, int(answer.headers["X-RateLimit-Remaining"]) in range(40, 50)) == (status, True)
    await world.as_owner("ALTER TABLE tags RENAME TO gone")
    broken = await api.get("/api/tags")
    assert (broken.status, int(broken.headers["X-RateLimit-Remaining"]) > 40) == (500, True)


async def test_addresses_that_do_not_exist_are_counted_and_probes_are_not(world: Any) -> None:
    api = (await world.another_gateway(rate_limit_anonymous=3)).by(None)
    found = [await api.get(path) for path in ("/api/nothing", "/api/imap-pop-monitors/a/b/c")]
    found.append(await api.call("PUT", MONITORS, body={}))
    assert [(answer.status, answer.headers["X-RateLimit-Remaining"]) for answer in found] == [
        (404, "2"),
        (404, "1"),
        (405, "0"),
    ]
    last = await api.get("/api/nothing")
    assert (last.status, last.headers["X-RateLimit-Remaining"]) == (429, "0")
    assert int(last.headers["Retry-After"]) > 0
    probe = await api.get("/livez")
    assert (probe.status, "X-RateLimit-Remaining" in probe.headers) == (200, False)
