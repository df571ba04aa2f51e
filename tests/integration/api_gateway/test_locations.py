"""Locations, with their last sign of life."""

from typing import Any


async def test_locations_say_who_is_there_and_when_they_were_last_heard_of(world: Any) -> None:
    assert (await world.api.get("/api/locations")).body == []
    await world.location("fra", country="DE")
    await world.location("fra", protocol="pop3", age_ms=600_000)
    await world.location("old", age_ms=600_000)
    await world.pipeline.execute(
        "INSERT INTO location_workers VALUES (0, 'imap', 'w@h:2', 30, 4, clock_ms()), (0, 'imap', 'gone', 9, 9, 1)"
    )
    await world.pipeline.execute("INSERT INTO locations (code, name, last_seen_at) VALUES ('only-told', 'x', 0)")
    fra, old, told = (await world.api.get("/api/locations")).body
    assert (fra["id"], fra["code"], fra["name"], fra["country"], fra["live"]) == (0, "fra", "FRA", "DE", True)
    imap, pop3 = fra["protocols"]
    assert (imap["protocol"], imap["live"], imap["workers"], imap["capacity"], imap["inFlight"]) == (
        ("imap", True, 2, 40, 4)
    )
    assert (pop3["protocol"], pop3["live"], pop3["workers"], pop3["capacity"]) == ("pop3", False, 0, 0)
    assert (old["live"], old["country"], old["protocols"][0]["live"]) == (False, None, False)
    assert (told["lastSeenAt"], told["live"], told["protocols"]) == (None, False, [])


async def test_every_token_sees_them_and_nobody_else(world: Any) -> None:
    await world.location("fra")
    stranger = await world.client("readonly", organization_id=await world.another_organization())
    for client in (stranger, await world.client("user", customer_id=10)):
        assert [each["code"] for each in (await client.get("/api/locations")).body] == ["fra"]
    assert (await world.api.by(None).get("/api/locations")).status == 401


async def test_nobody_falls_silent_while_nobody_listens(world: Any) -> None:
    await world.location("fra", age_ms=600_000)
    assert [each["live"] for each in (await world.api.get("/api/locations")).body] == [False]
    await world.pipeline.execute(
        "INSERT INTO hearing VALUES (true, clock_ms() - 590000, clock_ms() - 9000000, clock_ms() - 9000000)"
    )
    assert [each["live"] for each in (await world.api.get("/api/locations")).body] == [True]
