"""Guessing gets nowhere, and keeps nobody else out."""

import asyncio
import itertools
from ipaddress import ip_network
from typing import Any

import pytest

from tests.support.browsers import OWNER, Browser, browser, first_person

pytestmark = pytest.mark.usefixtures("cheap_passwords")

HOME, STRANGER = "198.51.100.7", "203.0.113.66"


async def _trusting(world: Any) -> Any:
    """A gateway that believes where the test says it stands, and counts only what goes wrong."""
    return await world.another_gateway(
        trusted_proxies=(ip_network("127.0.0.0/8"),), rate_limit_anonymous=100_000, rate_limit_token=100_000
    )


async def _guesses(made: Browser, count: int, email: str = OWNER) -> list[int]:
    return [(await made.sign_in(email, f"a guess, number {number}")).status for number in range(count)]


async def test_a_thousand_guesses_of_a_stranger_get_nowhere_and_do_not_keep_the_owner_out(world: Any) -> None:
    api = await _trusting(world)
    known = await first_person(world, api, address=HOME)
    guessing = [_guesses(browser(api, address=STRANGER), 50) for _ in range(20)]
    statuses = sorted(itertools.chain(*await asyncio.gather(*guessing)))
    assert statuses == [401] * 10 + [429] * 990
    refused = await browser(api, address=STRANGER).sign_in()
    assert refused.status == 429  # the right password, and yet no answer to the guess
    assert int(refused.headers["Retry-After"]) in range(1, 901)
    # From anywhere else, in a browser never seen before.
    assert (await browser(api, address=HOME).sign_in()).status == 201
    # From the stranger's own address, in the owner's browser.
    known.headers["X-Forwarded-For"] = STRANGER
    await known.delete("/api/session")
    assert (await known.sign_in()).status == 201


async def test_guesses_are_counted_over_all_gateways(world: Any) -> None:
    one, other = await _trusting(world), await _trusting(world)
    await first_person(world, one, address=HOME)
    assert await _guesses(browser(one, address=STRANGER), 6) == [401] * 6
    assert await _guesses(browser(other, address=STRANGER), 6) == [401] * 4 + [429] * 2


async def test_guesses_made_at_once_are_counted_each(world: Any) -> None:
    api = await _trusting(world)
    await first_person(world, api, address=HOME)
    body = {"email": OWNER, "password": "a guess of mine"}
    tried = await asyncio.gather(
        *(
            api.by(None).call("POST", "/api/session", body=body, headers={"X-Forwarded-For": STRANGER})
            for _ in range(30)
        )
    )
    assert sorted(answer.status for answer in tried) == [401] * 10 + [429] * 20


async def test_an_address_that_tries_many_accounts_is_stopped_as_well(world: Any) -> None:
    api = await _trusting(world)
    made = browser(api, address=STRANGER)
    statuses = [(await made.sign_in(f"{number}@example.com", "a guess of mine")).status for number in range(55)]
    assert statuses == [401] * 50 + [429] * 5


async def test_a_success_begins_the_count_anew_and_forgives_only_itself(world: Any) -> None:
    api = await _trusting(world)
    await first_person(world, api, address=HOME)
    made = browser(api, address=STRANGER)
    assert await _guesses(made, 9) == [401] * 9
    assert (await made.sign_in()).status == 201
    fresh = browser(api, address=STRANGER)
    assert await _guesses(fresh, 11) == [401] * 10 + [429]


async def test_a_known_browser_has_a_limit_of_its_own(world: Any) -> None:
    api = await _trusting(world)
    known = await first_person(world, api, address=HOME)
    assert await _guesses(known, 11) == [401] * 10 + [429]
    # The cookie of one person is no key to another's account.
    assert (await known.sign_in("nobody@example.com")).status == 401
    planted = browser(api, address=STRANGER)
    planted.cookies = {"mailprobe-device": "a guess of what it holds"}
    assert await _guesses(planted, 11) == [401] * 10 + [429]


async def test_a_limit_ends(world: Any) -> None:
    api = await _trusting(world)
    await first_person(world, api, address=HOME)
    made = browser(api, address=STRANGER)
    assert (await _guesses(made, 11))[-1] == 429
    async with world.gateway_pool.acquire() as connection:
        await connection.execute("UPDATE sign_in_attempts SET ends_at = now() - interval '1 second'")
    assert (await made.sign_in()).status == 201
    async with world.gateway_pool.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM sign_in_attempts WHERE ends_at < now()") == 0


async def test_what_was_typed_is_not_kept(world: Any) -> None:
    await _guesses(browser(world.api), 2, "hunter2-typed-into-the-wrong-field@example.com")
    async with world.gateway_pool.acquire() as connection:
        rows = await connection.fetch("SELECT encode(key, 'escape') AS key FROM sign_in_attempts")
    assert rows
    assert not [row for row in rows if "hunter2" in row["key"] or "127.0.0.1" in row["key"]]
