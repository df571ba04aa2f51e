"""Browsers of a test: each keeps its own cookies and says which page a request comes from; and who sits before them.

They go through the client of a gateway's tests, which holds every answer against the OpenAPI document.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any

import pytest
from argon2.profiles import CHEAPEST

from services.api_gateway.people import passwords
from services.api_gateway.people.link_store import Purpose, make_link
from shared.database.pool import organization_transaction

PASSWORD = "correct horse battery"
OWNER = "owner@example.com"


@pytest.fixture
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that cost next to nothing, for tests of all the rest; a gateway made after this uses them."""
    monkeypatch.setattr(passwords, "COSTS", CHEAPEST)


@dataclass
class Browser:
    """One browser. `api` is the test's client of a gateway."""

    api: Any
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=lambda: {"Sec-Fetch-Site": "same-origin"})
    set_cookies: list[str] = field(default_factory=list)

    async def call(self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None) -> Any:
        sent = {**self.headers, **(headers or {})}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        self.api.client.session.cookie_jar.clear()  # it is the client's, which all browsers share
        answer = await self.api.call(method, path, body=body, headers=sent)
        self.set_cookies = answer.headers.getall("Set-Cookie", [])
        for line in self.set_cookies:
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return answer

    async def get(self, path: str) -> Any:
        return await self.call("GET", path)

    async def post(self, path: str, body: Any = None) -> Any:
        return await self.call("POST", path, body)

    async def patch(self, path: str, body: Any) -> Any:
        return await self.call("PATCH", path, body)

    async def delete(self, path: str) -> Any:
        return await self.call("DELETE", path)

    async def sign_in(self, email: str = OWNER, password: str = PASSWORD) -> Any:
        return await self.post("/api/session", {"email": email, "password": password})

    async def state(self) -> Any:
        answer = await self.get("/api/session")
        assert answer.status == 200, answer.text
        return answer.body


def browser(api: Any, *, address: str | None = None) -> Browser:
    """A fresh browser; `address`: where it stands, for a gateway that trusts the test as its proxy."""
    made = Browser(api.by(None))
    if address is not None:
        made.headers["X-Forwarded-For"] = address
    return made


async def set_up_token(pool: Any) -> str:
    """What stands after the # of a set-up link."""
    async with organization_transaction(pool, 1) as connection:
        token, _ = await make_link(connection, 1, Purpose.SET_UP)
    return token


async def first_person(world: Any, api: Any = None, *, address: str | None = None) -> Browser:
    """The browser of the first person, who was set up by the link."""
    made = browser(api or world.api, address=address)
    token = await set_up_token(world.gateway_pool)
    body = {"token": token, "email": OWNER, "name": "Olga Owner", "password": PASSWORD}
    answer = await made.post("/api/set-up", body)
    assert answer.status == 201, answer.text
    return made


async def joined(owner: Browser, email: str, *, organization_id: int | None = None, **described: Any) -> Browser:
    """The browser of somebody the owner invited, who opened the link."""
    query = "" if organization_id is None else f"?organizationId={organization_id}"
    answer = await owner.post(f"/api/users{query}", {"email": email, "name": email, **described})
    assert answer.status == 201, answer.text
    made = browser(owner.api)
    token = answer.body["invitationLink"].partition("#")[2]
    answer = await made.post("/api/invitations/accept", {"token": token, "password": PASSWORD})
    assert answer.status == 201, answer.text
    return made
