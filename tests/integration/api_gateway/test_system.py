"""How mailprobe itself is doing: told to those who look after it, in figures that follow what is stored."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from services.api_gateway.principal import GlobalRole
from shared.broker.topology import CHECKS, checks_key, core_topology, location_topology
from tests.support.broker_contract import a_message
from tests.support.browsers import first_person, joined
from tests.support.kept_history import KeptHistory

SYSTEM = "/api/system"
MINUTE_MS = 60_000


async def state(api: Any) -> Any:
    answer = await api.get(SYSTEM)
    assert answer.status == 200, answer.text
    return answer.body


async def clock_ms(world: Any) -> int:
    return int(await world.pipeline.fetchval("SELECT clock_ms()"))


async def test_an_installation_where_nothing_ever_ran_says_so(world: Any) -> None:
    told = await state(world.api)
    assert told["schedule"] == {"scheduled": 0, "late": 0, "lagSeconds": 0, "scheduler": None, "since": None}
    assert told["results"] == {"sampled": 0, "waitSeconds": None, "storeSeconds": None, "listeningAt": None}
    assert told["canaries"] == []
    assert {queue["name"]: queue["standing"] for queue in told["queues"]["items"]} == {
        "mailprobe.dead-letters": "well",
        "mailprobe.presence": "act",
        "mailprobe.results": "act",
    }
    assert told["notifier"] == {"pending": 0, "oldestAt": None, "unsent": 0, "unsentSince": None, "failed": 0}
    today = datetime.now(UTC).date().isoformat()
    kept = told["retention"]
    assert kept["resultsFrom"] < today < kept["resultsUntil"]
    assert (kept["days"], kept["astray"]) == (9, False)
    assert [kept[f"{what}Days"] for what in ("results", "hours", "history", "audit")] == [90, 190, 800, 400]
    assert kept["bytes"] > 0


async def test_a_slot_that_nobody_asked_for_is_lag(world: Any) -> None:
    monitor = await world.api.created()
    now_ms = await clock_ms(world)
    for location_id, last_slot in ((0, now_ms - 7 * MINUTE_MS), (1, now_ms)):
        await world.as_pipeline(
            """INSERT INTO schedule (monitor_id, location_id, organization_id, monitor_public_id, protocol, interval_ms,
                   phase_ms, revision, active, since_slot, last_slot)
               VALUES ($1, $2, 1, $3, 'imap', 120000, 0, 1, true, 0, $4)""",
            monitor["id"],
            location_id,
            UUID(monitor["publicId"]),
            last_slot,
        )
    await world.as_pipeline("UPDATE shard_leases SET holder = 'scheduler@here:1', taken_at = $1", now_ms)
    told = (await state(world.api))["schedule"]
    assert (told["scheduled"], told["late"], told["scheduler"]) == (2, 1, "scheduler@here:1")
    assert 300 <= told["lagSeconds"] < 600  # five minutes ago, and however long this took
    assert told["since"] is not None


async def test_delays_are_those_of_the_newest_checks(world: Any) -> None:
    now_ms = await clock_ms(world)
    await world.location("fra")
    history = KeptHistory(world.pipeline)
    for number in range(20):
        monitor = await world.api.created(name=f"{number}")
        await history.result(monitor, now_ms - 30 * MINUTE_MS, total_ms=40)
        await history.result(monitor, now_ms - MINUTE_MS, total_ms=40)
    forgotten = await world.api.created(name="long ago")
    await history.result(forgotten, now_ms - 90 * MINUTE_MS)
    # All of the newest waited two seconds and were stored three later, but one that took longer, and the older ones.
    await world.as_pipeline(
        "UPDATE results SET started_at = start_at + 2000, recorded_at = start_at + 5040 WHERE slot_at = $1",
        now_ms - MINUTE_MS,
    )
    await world.as_pipeline(
        "UPDATE results SET recorded_at = recorded_at + 50000 WHERE monitor_id = $1 AND slot_at = $2",
        monitor["id"],
        now_ms - MINUTE_MS,
    )
    told = (await state(world.api))["results"]
    assert (told["sampled"], told["waitSeconds"], told["storeSeconds"]) == (20, 2.0, 3.0)


async def test_checks_of_our_own_say_how_long_all_of_it_took(world: Any) -> None:
    location_id = await world.location("fra")
    now_ms = await clock_ms(world)
    await world.as_pipeline(
        "INSERT INTO canaries (location_id, protocol, slot_at, stored_at, passed, message) VALUES ($1, 'imap', $2, $3, "
        "false, 'Nobody answered.')",
        location_id,
        now_ms - 4500,
        now_ms,
    )
    (canary,) = (await state(world.api))["canaries"]
    assert (canary["location"], canary["protocol"], canary["passed"]) == ("fra", "imap", False)
    assert (canary["tookSeconds"], canary["message"]) == (4.5, "Nobody answered.")


async def test_queues_are_told_with_what_they_mean(world: Any) -> None:
    await world.location("fra")
    await world.broker.declare(core_topology())
    await world.broker.declare(location_topology("imap", "fra"))
    await world.broker.publish([a_message(CHECKS, checks_key("imap", "fra", "due")) for _ in range(3)])
    queues = (await state(world.api))["queues"]
    assert (queues["problem"], queues["dead"], queues["consoleUrl"]) == (None, 0, None)
    due = next(each for each in queues["items"] if each["name"] == "mailprobe.checks.imap.fra")
    assert (due["ready"], due["unacknowledged"], due["consumers"], due["standing"]) == (3, 0, 0, "act")
    assert "no worker takes imap checks at fra" in due["meaning"]


async def test_what_was_not_told_is_counted(world: Any) -> None:
    now_ms = await clock_ms(world)
    await world.as_pipeline("INSERT INTO outbox (organization_id, kind, at) VALUES (1, 'opened', $1)", now_ms - 9000)
    await world.as_pipeline("INSERT INTO outbox (organization_id, kind, taken_at) VALUES (1, 'opened', 1)")
    async with world.gateway_pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('mailprobe.organization', '1', true)")
        for due_at in (now_ms - 60_000, now_ms + 3_600_000):
            await connection.execute(
                """INSERT INTO deliveries (organization_id, address, channel_type, channel_name, event, due_at,
                       give_up_at) VALUES (1, 'ops@example.com', 'email', 'x', 'opened', $1::bigint, $1::bigint)""",
                due_at,
            )
    told = (await state(world.api))["notifier"]
    assert (told["pending"], told["unsent"], told["failed"]) == (1, 1, 0)
    assert told["oldestAt"] is not None
    assert told["unsentSince"] < told["oldestAt"]


async def test_results_of_a_day_without_room_are_noticed(world: Any) -> None:
    monitor = await world.api.created()
    await KeptHistory(world.pipeline).result(monitor, await clock_ms(world) - 90 * 86_400_000)
    assert (await state(world.api))["retention"]["astray"] is True


@pytest.mark.parametrize("role", ["user", "readonly", "supporter"])
async def test_nobody_but_an_admin_of_everything_is_told(world: Any, role: str) -> None:
    assert (await (await world.client(role)).get(SYSTEM)).status == 403
    assert (await (await world.client("admin", customer_id=10)).get(SYSTEM)).status == 403


@pytest.mark.usefixtures("cheap_passwords")
async def test_among_several_organizations_it_takes_a_global_role(world: Any) -> None:
    owner = await first_person(world)
    local = await joined(owner, "admin@example.com", role="admin")
    assert (await local.get(SYSTEM)).status == 200
    other = await world.another_organization()
    refused = await local.get(SYSTEM)
    assert (refused.status, "there are several organizations" in refused.body["detail"]) == (403, True)
    assert (await world.api.get(SYSTEM)).status == 403
    supporter = await joined(owner, "support@example.com", globalRole=GlobalRole.SUPPORTER.value)
    for person in (owner, supporter):
        assert (await person.get(SYSTEM)).status == 200
        assert (await person.get(f"{SYSTEM}?organizationId={other}")).status == 200
