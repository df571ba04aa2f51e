"""A password, or a link to one, that stops being good while somebody is on their way in with it."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services.api_gateway.people.passwords import Passwords
from tests.support.browsers import PASSWORD, Browser, browser, first_person, joined

ACCEPT = "/api/invitations/accept"
WHO = "user@example.com"

pytestmark = pytest.mark.usefixtures("cheap_passwords")


async def _item(owner: Browser) -> str:
    people = (await owner.get("/api/users")).body
    return f"/api/users/{next(each['publicId'] for each in people if each['email'] == WHO)}"


async def _link(owner: Browser) -> str:
    answer = await owner.post(f"{await _item(owner)}/reset-link")
    link: str = answer.body["link"].partition("#")[2]
    return link


def _after_the_comparison(monkeypatch: pytest.MonkeyPatch, then: Callable[[], Awaitable[None]]) -> None:
    """The first time a password is compared, this happens before anything comes of it."""
    compare = Passwords.matches

    async def matches(self: Passwords, kept: str | None, password: str) -> bool:
        found = await compare(self, kept, password)
        monkeypatch.setattr(Passwords, "matches", compare)
        await then()
        return found

    monkeypatch.setattr(Passwords, "matches", matches)


async def test_who_signs_in_while_the_password_is_chosen_anew_stays_outside(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await first_person(world)
    await joined(owner, WHO)
    token = await _link(owner)

    async def chosen_anew() -> None:
        answer = await browser(world.api).post(ACCEPT, {"token": token, "password": "another horse"})
        assert answer.status == 201

    _after_the_comparison(monkeypatch, chosen_anew)
    assert (await browser(world.api).sign_in(WHO)).status == 401
    assert (await browser(world.api).sign_in(WHO, "another horse")).status == 201


async def test_who_changes_the_password_while_it_is_chosen_anew_changes_nothing(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await first_person(world)
    there = await joined(owner, WHO)
    token = await _link(owner)

    async def chosen_anew() -> None:
        answer = await browser(world.api).post(ACCEPT, {"token": token, "password": "another horse"})
        assert answer.status == 201

    _after_the_comparison(monkeypatch, chosen_anew)
    body = {"currentPassword": PASSWORD, "newPassword": "a third horse"}
    answer = await there.patch("/api/session", body)
    assert (answer.status, answer.pointers) == (400, ["/currentPassword"])
    assert (await browser(world.api).sign_in(WHO, "another horse")).status == 201


async def test_a_link_opens_nothing_once_its_reason_is_gone(world: Any) -> None:
    owner = await first_person(world)
    there = await joined(owner, WHO)
    item = await _item(owner)

    async def chose() -> None:
        body = {"currentPassword": PASSWORD, "newPassword": PASSWORD + "!"}
        assert (await there.patch("/api/session", body)).status == 200

    async def was_kept_out() -> None:
        for disabled in (True, False):
            assert (await owner.patch(item, {"disabled": disabled})).status == 200

    async def moved() -> None:
        assert (await owner.patch(item, {"email": "elsewhere@example.com"})).status == 200

    for happened in (chose, was_kept_out, moved):
        token = await _link(owner)
        await happened()
        answer = await browser(world.api).post(ACCEPT, {"token": token, "password": "another horse"})
        assert answer.status == 404, happened.__name__
