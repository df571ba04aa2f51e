"""While a host refuses everybody, its sentinels are tried and the others wait; once it lets one in, nobody waits."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from shared.checks.logins import RUNGS_MS
from shared.checks.messages import CheckJob
from shared.checks.vocabulary import CheckKind, LoginOutcome, LoginPermission
from tests.integration.scheduler.world import HOUR, MINUTE, SECOND, START_MS, World

HOST = "mail.example.com"


@pytest.fixture
async def world(database_dsn: str) -> AsyncIterator[World]:
    async with World.opened(database_dsn) as world:
        yield world


async def refused_account(world: World, user: str, *, ago: int) -> int:
    """One that worked, until it was refused."""
    monitor = await world.add_monitor(user=user, interval_ms=HOUR)
    credential: UUID = await world.pool.fetchval("SELECT credential_id FROM monitors WHERE id = $1", monitor)
    await world.remember_login(LoginOutcome.ACCEPTED, user=user, credential_id=credential, ago=5 * HOUR)
    await world.remember_login(LoginOutcome.REFUSED, user=user, credential_id=credential, ago=ago)
    return monitor


async def an_outage(world: World, *, ended_at: int | None = None) -> None:
    await world.pool.execute(
        "INSERT INTO host_login_outages (host, began_at, seen_at, sentinels, ended_at) VALUES ($1, $2, $2, $3, $4)",
        HOST,
        world.now - 20 * MINUTE,
        ["anna", "ben", "carl"],
        ended_at,
    )


def sent(world: World, monitor: int) -> list[CheckJob]:
    return [job for job in world.broker.jobs if job.monitor_id == monitor]


async def only_request(world: World) -> Any:
    (row,) = await world.waiting()
    return row


async def test_a_sentinel_is_tried_and_the_others_rung_waits_with_its_slot(world: World) -> None:
    sentinel = await refused_account(world, "anna", ago=10 * MINUTE)
    other = await refused_account(world, "dora", ago=10 * MINUTE)
    await an_outage(world)
    for monitor in (sentinel, other):
        await world.ask(CheckKind.LADDER, monitor, give_up_in=10 * MINUTE)
    await world.tick()
    assert [job.login for job in sent(world, sentinel)] == [LoginPermission.ALLOWED]
    assert sent(world, other) == []
    waits = await only_request(world)
    refused_at = START_MS - 10 * MINUTE
    assert waits["monitor_id"] == other
    assert RUNGS_MS[-1] <= waits["start_at"] - refused_at < RUNGS_MS[-1] + HOUR
    assert waits["slot_at"] == waits["start_at"]
    assert waits["give_up_at"] > waits["start_at"]


async def test_somebody_who_presses_the_button_is_not_kept_waiting(world: World) -> None:
    other = await refused_account(world, "dora", ago=10 * MINUTE)
    await an_outage(world)
    await world.ask(CheckKind.TRIGGER, other)
    await world.tick()
    assert [job.login for job in sent(world, other)] == [LoginPermission.ALLOWED]


async def test_once_one_was_let_in_each_has_one_try(world: World) -> None:
    other = await refused_account(world, "dora", ago=10 * MINUTE)
    await an_outage(world, ended_at=world.now - SECOND)
    await world.ask(CheckKind.LADDER, other, give_up_in=10 * MINUTE)
    await world.tick()
    (job,) = sent(world, other)
    assert job.login is LoginPermission.ALLOWED
    await world.answer(login=LoginOutcome.REFUSED)
    await world.set_clock(world.now + MINUTE)
    await world.tick()
    assert len(sent(world, other)) == 1
    assert (await only_request(world))["start_at"] == world.now - MINUTE + RUNGS_MS[1]


async def test_accounts_that_still_work_go_on(world: World) -> None:
    monitor = await world.add_monitor(user="emil", interval_ms=MINUTE)
    credential: UUID = await world.pool.fetchval("SELECT credential_id FROM monitors WHERE id = $1", monitor)
    await world.remember_login(LoginOutcome.ACCEPTED, user="emil", credential_id=credential, ago=HOUR)
    await an_outage(world)
    await world.reconcile()
    await world.run_until(START_MS + 3 * MINUTE)
    assert {job.login for job in sent(world, monitor)} == {LoginPermission.ALLOWED}
    assert len(sent(world, monitor)) == 3
