"""Signing in and out: the first person, cookies, what ends a session, and what no other page can do."""

from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from argon2 import PasswordHasher

from services.api_gateway.people.link_store import link_hash
from services.api_gateway.sessions import session_store
from tests.support.browsers import OWNER, PASSWORD, browser, first_person, joined, set_up_token

MONITORS = "/api/imap-pop-monitors"

pytestmark = pytest.mark.usefixtures("cheap_passwords")


async def test_the_first_person_sets_up_and_looks_after_everything(world: Any) -> None:
    made = browser(world.api)
    state = await made.state()
    assert (state["authenticated"], state["setUpNeeded"], state["user"]) == (False, True, None)
    assert (await world.api.get("/api/session")).body["setUpNeeded"] is True  # to a token too
    token = await set_up_token(world.gateway_pool)
    body = {"token": token, "email": OWNER, "name": "Olga Owner", "password": PASSWORD}
    answer = await made.post("/api/set-up", body)
    assert (answer.status, answer.body["authenticated"], answer.body["setUpNeeded"]) == (201, True, False)
    user = answer.body["user"]
    assert (user["email"], user["role"], user["globalRole"], user["customerIds"]) == (OWNER, "admin", "admin", None)
    assert answer.body["organization"]["id"] == user["organizationId"] == 1
    assert (await made.get(MONITORS)).status == 200
    again = await browser(world.api).post("/api/set-up", {**body, "email": "second@example.com"})
    assert (again.status, again.body["message"]) == (404, "Link not found")
    assert (await browser(world.api).state())["setUpNeeded"] is False


async def test_once_somebody_can_sign_in_no_set_up_link_opens_anything(world: Any) -> None:
    await first_person(world)
    body = {"token": await set_up_token(world.gateway_pool), "email": "x@example.com", "name": "x"}
    assert (await browser(world.api).post("/api/set-up", {**body, "password": PASSWORD})).status == 404


async def test_an_expired_set_up_link_opens_nothing(world: Any) -> None:
    token = await set_up_token(world.gateway_pool)
    async with world.gateway_pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('mailprobe.organization', '1', true)")
        await connection.execute("UPDATE user_links SET expires_at = now() WHERE link_hash = $1", link_hash(token))
    body = {"token": token, "email": OWNER, "name": "x", "password": PASSWORD}
    assert (await browser(world.api).post("/api/set-up", body)).status == 404


async def test_signing_in_and_out(world: Any) -> None:
    await first_person(world)
    made = browser(world.api)
    assert (await made.get(MONITORS)).status == 401
    answer = await made.sign_in(OWNER.upper())
    assert (answer.status, answer.headers["Location"]) == (201, "/api/session")
    assert answer.body["user"]["name"] == "Olga Owner"
    assert (await made.state())["authenticated"] is True
    kept = dict(made.cookies)
    assert (await made.delete("/api/session")).status == 200
    assert "mailprobe" not in made.cookies
    assert (await made.state())["authenticated"] is False
    made.cookies = kept
    assert (await made.get(MONITORS)).status == 401
    assert (await made.delete("/api/session")).status == 200


async def test_every_wrong_way_in_is_answered_alike(world: Any) -> None:
    owner = await first_person(world)
    off = await joined(owner, "off@example.com")
    (_, person) = (await owner.get("/api/users")).body
    assert (await owner.patch(f"/api/users/{person['publicId']}", {"disabled": True})).status == 200
    await owner.post("/api/users", {"email": "invited@example.com", "name": "Not here yet"})
    said = set()
    for email, password in (
        (OWNER, PASSWORD + "x"),
        ("nobody@example.com", PASSWORD),
        ("off@example.com", PASSWORD),
        ("invited@example.com", PASSWORD),
    ):
        answer = await browser(world.api).sign_in(email, password)
        said.add((answer.status, answer.body["detail"]))
    assert said == {(401, "the e-mail address or the password is wrong")}
    assert (await off.state())["authenticated"] is False


async def test_a_wrong_body_names_every_field(world: Any) -> None:
    answer = await browser(world.api).post("/api/session", {"email": "nobody", "remember": True})
    assert (answer.status, sorted(answer.pointers)) == (400, ["/email", "/password", "/remember"])
    short = {"token": "x", "email": OWNER, "name": "x", "password": "x" * 11}
    answer = await browser(world.api).post("/api/set-up", short)
    assert (answer.status, answer.pointers) == (400, ["/password"])
    answer = await browser(world.api).post("/api/set-up", {**short, "password": "x" * 1025})
    assert (answer.status, answer.pointers) == (400, ["/password"])


async def test_over_http_the_cookie_is_plain_and_over_https_bound_to_the_host(world: Any) -> None:
    made = await first_person(world)
    assert (await made.state())["insecure"] is True
    assert set(made.cookies) == {"mailprobe", "mailprobe-device"}
    await made.sign_in()
    for line in made.set_cookies:
        assert "HttpOnly" in line
        assert "SameSite=Lax" in line
        assert "Path=/" in line
        assert "Secure" not in line
    secure = browser(await world.another_gateway(public_url="https://mailprobe.example.com"))
    assert (await secure.sign_in()).status == 201
    assert set(secure.cookies) == {"__Host-mailprobe", "__Host-mailprobe-device"}
    for line in secure.set_cookies:
        assert "; Secure" in line
        assert "HttpOnly" in line
        assert "Domain" not in line
    assert (await secure.state())["insecure"] is False
    # Somebody on the way may set a plain cookie; over https it means nothing.
    planted = browser(secure.api)
    planted.cookies = {"mailprobe": secure.cookies["__Host-mailprobe"]}
    assert (await planted.state())["authenticated"] is False


async def test_a_trusted_proxy_says_whether_it_was_https(world: Any) -> None:
    await first_person(world)
    trusting = browser(await world.another_gateway(trusted_proxies=(ip_network("127.0.0.0/8"),)))
    trusting.headers["X-Forwarded-Proto"] = "https"
    assert (await trusting.sign_in()).status == 201
    assert "__Host-mailprobe" in trusting.cookies
    wary = browser(world.api)
    wary.headers["X-Forwarded-Proto"] = "https"
    assert (await wary.sign_in()).status == 201
    assert "mailprobe" in wary.cookies


async def test_the_cookie_is_kept_as_its_hash_only(world: Any) -> None:
    made = await first_person(world)
    async with world.gateway_pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('mailprobe.organization', '1', true)")
        rows = await connection.fetch(
            "SELECT s::text AS row FROM user_sessions s UNION ALL SELECT d::text FROM user_devices d"
            " UNION ALL SELECT u::text FROM users u"
        )
    text = " ".join(row["row"] for row in rows)
    assert len(rows) == 3
    assert "$argon2id$" in text
    for secret in (*made.cookies.values(), PASSWORD):
        assert secret not in text


async def test_another_page_can_change_nothing_by_the_cookie(world: Any) -> None:
    made = await first_person(world)
    name = {"name": "changed"}
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://[broken"},
        {},
    ):
        made.headers = headers
        answer = await made.patch("/api/session", name)
        assert answer.status == 403, headers
        assert "another page" in answer.body["detail"]
        assert (await made.post("/api/customers", name)).status == 403
        assert (await made.delete("/api/session")).status == 403
        if headers:
            fresh = browser(made.api)
            fresh.headers = headers
            assert (await fresh.sign_in()).status == 403
    assert (await made.get(MONITORS)).status == 200  # reading is not acting, and the answer is not for that page
    host = f"{made.api.client.host}:{made.api.client.port}"
    made.headers = {"Origin": f"http://{host}"}
    assert (await made.patch("/api/session", name)).status == 200
    behind = browser(await world.another_gateway(public_url="https://mailprobe.example.com"))
    await behind.sign_in()
    behind.headers = {"Origin": "https://mailprobe.example.com"}
    assert (await behind.patch("/api/session", name)).status == 200
    behind.headers = {"Origin": "http://mailprobe.example.com"}
    assert (await behind.patch("/api/session", name)).status == 403
    host = f"{behind.api.client.host}:{behind.api.client.port}"
    # Whoever stands on the way can make a page of our very name, but in clear.
    behind.headers = {"Origin": f"http://{host}"}
    answer = await behind.patch("/api/session", name)
    assert (answer.status, "another page" in answer.body["detail"]) == (403, True)
    behind.headers = {"Origin": f"https://{host}"}
    assert (await behind.patch("/api/session", name)).status == 200


async def test_a_bearer_token_goes_before_the_cookie(world: Any) -> None:
    made = await first_person(world)
    readonly = await world.token("readonly")
    answer = await made.call("POST", "/api/customers", {"name": "x"}, headers={"Authorization": f"Bearer {readonly}"})
    assert answer.status == 403
    answer = await made.call("GET", MONITORS, headers={"Authorization": "Bearer mp_wrong"})
    assert answer.status == 401
    state = (await made.call("GET", "/api/session", headers={"Authorization": f"Bearer {readonly}"})).body
    assert (state["authenticated"], state["user"], state["organization"]["id"]) == (True, None, 1)
    # A program with a token is no browser: nobody else's page could have sent it.
    admin = await world.token("admin")
    other = browser(world.api)
    other.headers = {"Authorization": f"Bearer {admin}", "Origin": "https://dashboard.example"}
    assert (await other.post("/api/customers", {"name": "x"})).status == 201


async def test_a_new_password_ends_every_other_session(world: Any) -> None:
    here = await first_person(world)
    there = browser(world.api)
    await there.sign_in()
    answer = await here.patch("/api/session", {"newPassword": "another horse battery"})
    assert (answer.status, answer.pointers) == (400, ["/currentPassword"])
    body = {"currentPassword": "not it at all", "newPassword": "another horse battery"}
    answer = await here.patch("/api/session", body)
    assert (answer.status, answer.pointers) == (400, ["/currentPassword"])
    assert (await there.state())["authenticated"] is True
    assert (await here.patch("/api/session", {**body, "currentPassword": PASSWORD})).status == 200
    assert (await here.state())["authenticated"] is True
    assert (await there.state())["authenticated"] is False
    assert (await there.sign_in()).status == 401
    assert (await there.sign_in(password="another horse battery")).status == 201


async def test_whoever_finds_a_browser_open_cannot_guess_the_password_there(world: Any) -> None:
    here = await first_person(world)
    body = {"currentPassword": "a guess of mine", "newPassword": "another horse battery"}
    statuses = [(await here.patch("/api/session", body)).status for _ in range(12)]
    assert statuses == [400] * 10 + [429] * 2


async def test_signing_in_makes_a_new_session_and_ends_the_browsers_last(world: Any) -> None:
    made = await first_person(world)
    before = dict(made.cookies)
    await made.sign_in()
    assert made.cookies["mailprobe"] != before["mailprobe"]
    assert made.cookies["mailprobe-device"] == before["mailprobe-device"]
    old = browser(world.api)
    old.cookies = before
    assert (await old.state())["authenticated"] is False


async def test_one_sees_and_ends_ones_own_sessions(world: Any) -> None:
    here = await first_person(world)
    there, elsewhere = browser(world.api), browser(world.api)
    there.headers["User-Agent"] = "Lynx/2.9"
    await there.sign_in()
    await elsewhere.sign_in()
    listed = (await here.get("/api/sessions")).body
    assert [each["current"] for each in listed].count(True) == 1
    (lynx,) = [each for each in listed if each["userAgent"] == "Lynx/2.9"]
    assert lynx["address"] == "127.0.0.1"
    assert (await here.delete(f"/api/sessions/{lynx['publicId']}")).status == 200
    assert (await here.delete(f"/api/sessions/{lynx['publicId']}")).status == 404
    assert (await there.state())["authenticated"] is False
    stranger = await joined(here, "user@example.com")
    assert len((await stranger.get("/api/sessions")).body) == 1
    other = next(each for each in listed if each["current"])
    assert (await stranger.delete(f"/api/sessions/{other['publicId']}")).status == 404
    assert (await here.delete("/api/session?everywhere=true")).status == 200
    assert (await elsewhere.state())["authenticated"] is False
    assert (await stranger.state())["authenticated"] is True
    assert (await world.api.get("/api/sessions")).status == 403


@pytest.mark.parametrize("column", ["expires_at = now()", "last_seen_at = now() - interval '8 days'"])
async def test_a_session_ends_by_itself(world: Any, column: str) -> None:
    made = await first_person(world)
    async with world.gateway_pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('mailprobe.organization', '1', true)")
        await connection.execute(f"UPDATE user_sessions SET {column}")
    assert (await made.get(MONITORS)).status == 401
    assert timedelta(days=7) == session_store.IDLE


async def test_a_session_may_ask_so_often_a_minute(world: Any) -> None:
    await first_person(world)
    made = browser(await world.another_gateway(rate_limit_token=3))
    await made.sign_in()
    statuses = [(await made.get(MONITORS)).status for _ in range(4)]
    assert statuses == [200, 200, 200, 429]


async def test_a_password_kept_with_other_costs_is_kept_anew(world: Any) -> None:
    await first_person(world)
    older = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(PASSWORD)
    async with world.gateway_pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('mailprobe.organization', '1', true)")
        await connection.execute("UPDATE users SET password_hash = $1", older)
    assert (await browser(world.api).sign_in()).status == 201
    async with world.gateway_pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('mailprobe.organization', '1', true)")
        kept = await connection.fetchval("SELECT password_hash FROM users")
    assert kept.split("$")[1:4] == ["argon2id", "v=19", "m=8,t=1,p=1"]
    assert (await browser(world.api).sign_in()).status == 201
