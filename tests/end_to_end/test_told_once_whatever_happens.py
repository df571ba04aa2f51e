"""While a mailbox is down, we fall over ourselves, and people change their minds: everybody is told once, and truly.

Six processes and more, RabbitMQ and Postgres; scripted mail servers, each at an address of its own, and a webhook
receiver. Two failures in a row confirm here, so that a test takes a minute or two.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.api_gateway.token_store import issue_token
from shared.database.pool import GATEWAY_ROLE, PIPELINE_ROLE, connect, open_pool
from tests.end_to_end.test_life_of_a_check import documented_body
from tests.support.conservation import assert_conserved
from tests.support.fleet import Api, Fleet
from tests.support.mail_servers import Account, Manners, Peer, serving, sound_imap
from tests.support.receivers import Receiver, http_receiver
from tests.support.servers.rabbitmq import GivenRabbit
from tests.support.waiting import until

_CONFIRMED_SECONDS = 240


@dataclass
class Server:
    """A mail server that lets anna in, or resets every connection."""

    host: str
    port: int = 0
    down: bool = False

    async def behave(self, peer: Peer) -> None:
        if self.down:
            peer.reset()
            return
        await sound_imap(Manners(account=Account(user=b"anna", password=b"right password")))(peer)


@dataclass
class World:
    """The running system and who is told."""

    fleet: Fleet
    api: Api
    receiver: Receiver
    database_dsn: str
    start: Callable[[str], Awaitable[Server]]

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        status, answer = await self.api.call(method, path, body)
        assert status in (200, 201), answer
        return answer

    async def watch(self, name: str, server: Server) -> dict[str, Any]:
        """A monitor of this server that has passed once."""
        body = {**documented_body(server.port), "name": name, "hostname": server.host, "checkInterval": 0.5}
        body |= {"timeoutSeconds": 20}
        body["imapPopConfig"] = {"user": "anna", "password": "right password", "security": "none"}
        monitor: dict[str, Any] = await self.call("POST", "/api/imap-pop-monitors", body)
        await until(f"a check of {name}", lambda: self.api.history(monitor["publicId"]))
        return monitor

    async def change(self, monitor: dict[str, Any], body: Any) -> None:
        await self.call("PATCH", f"/api/imap-pop-monitors/{monitor['publicId']}", body)

    async def incidents(self, monitor: dict[str, Any]) -> list[dict[str, Any]]:
        answer = await self.call("GET", f"/api/imap-pop-monitors/{monitor['publicId']}/incident-history")
        return list(answer["incidents"])

    async def until_incident(self, monitor: dict[str, Any], status: str) -> None:
        path = f"/api/imap-pop-monitors/{monitor['publicId']}/incident-history"

        async def so() -> bool:
            # Where the database's connections were cut, an answer may be that it is away for the moment.
            answered, body = await self.api.call("GET", path)
            return answered == 200 and [each["status"] for each in body["incidents"]][:1] == [status]

        await until(f"an incident of {monitor['name']} {status}", so, timeout_seconds=_CONFIRMED_SECONDS)

    def told(self) -> list[tuple[str, str]]:
        """(event, what of which monitor) of every message, each counted once by its idempotency key."""
        messages = {each.headers["webhook-id"]: each for each in self.receiver.requests}
        titles = [json.loads(each.body)["title"].split(" (")[0] for each in messages.values()]
        return list(zip([each.headers["x-webhook-event"] for each in messages.values()], titles, strict=True))

    async def until_told(self, count: int) -> None:
        async def so() -> bool:
            return len(self.told()) >= count

        await until(f"{count} messages", so)

    async def window(self, monitor: dict[str, Any]) -> dict[str, Any]:
        """A maintenance window for it, from a second ago on."""
        now = datetime.now(UTC)
        times = {"startTime": _iso(now - timedelta(seconds=1)), "endTime": _iso(now + timedelta(hours=8))}
        body = {"name": "works", **times, "imapPopMonitorId": monitor["id"]}
        made: dict[str, Any] = await self.call("POST", "/api/maintenance-windows", body)
        return made

    async def assert_sound(self) -> None:
        """Nothing lost, nothing twice, nothing said in the logs that should not be."""
        async with open_pool(self.database_dsn, role=PIPELINE_ROLE, application_name="test") as pool:
            await assert_conserved(pool)
            overlapping = await pool.fetchval(
                """SELECT count(*) FROM incidents a JOIN incidents b ON b.monitor_id = a.monitor_id AND b.id > a.id
                   WHERE coalesce(a.resolved_at, b.opened_at + 1) > b.opened_at"""
            )
            ours = await pool.fetchval("SELECT count(*) FROM incidents WHERE kind IN ('internal', 'blocked_target')")
        assert (overlapping, ours) == (0, 0)
        logs = self.fleet.logs()
        assert "Traceback" not in logs
        assert "right password" not in logs


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


@pytest.fixture
async def world(
    tmp_path: Path, database_dsn: str, rabbitmq: GivenRabbit, amqp_vhost: str, amqp_url: str
) -> AsyncIterator[World]:
    async with open_pool(database_dsn, role=GATEWAY_ROLE, application_name="test", max_size=1) as pool:
        token = await issue_token(pool, organization_id=1, name="end to end", role="admin")
    async with AsyncExitStack() as opened:
        receiver = await opened.enter_async_context(http_receiver())

        async def start(host: str) -> Server:
            server = Server(host)
            server.port = (await opened.enter_async_context(serving(server.behave, host=host))).port
            return server

        fleet = await opened.enter_async_context(Fleet(tmp_path, database_dsn=database_dsn, amqp_url=amqp_url))
        api = await opened.enter_async_context(Api(fleet.address, token))
        world = World(fleet, api, receiver, database_dsn, start)
        thresholds = {"alertConsecutiveChecks": 2, "retryIntervalSeconds": 10}
        await world.call("PATCH", "/api/package-configs/standard", thresholds)
        hook = {"type": "webhook", "name": "Hook", "config": {"url": receiver.url}}
        await world.call("POST", "/api/notification-channels", hook)
        yield world
        await world.assert_sound()
        dead = await rabbitmq.api("GET", f"queues/{amqp_vhost}/mailprobe.dead-letters")
        assert dead.get("messages", 0) == 0


@pytest.mark.timeout(900)
async def test_an_outage_is_told_once_although_we_fall_over_ourselves(world: World) -> None:
    server = await world.start("127.0.5.1")
    monitor = await world.watch("mailbox", server)
    fleet = world.fleet
    for service in ("result_recorder", "notifier"):
        fleet.launch(service, name=f"second {service}")
        await fleet.until_ready(f"second {service}")

    server.down = True
    for name in ("result_recorder", "second result_recorder", "result_recorder"):
        await asyncio.sleep(3)
        await fleet.kill(name)
        fleet.launch("result_recorder", name=name)
    await world.until_incident(monitor, "active")
    await world.until_told(1)

    # Nobody is there to tell when it ends; whoever comes later does, and once.
    for name in ("notifier", "second notifier"):
        await fleet.kill(name)
    owner = await connect(world.database_dsn, role=None, application_name="test")
    await owner.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = current_user"
    )
    await owner.close()
    server.down = False
    await world.until_incident(monitor, "resolved")
    for name in ("notifier", "second notifier"):
        fleet.launch("notifier", name=name)
        await fleet.until_ready(name)
    await world.until_told(2)
    await asyncio.sleep(3)
    assert world.told() == [
        ("alert", "DOWN: mailbox"),
        ("recovery", "UP AGAIN: mailbox"),
    ]
    assert len(await world.incidents(monitor)) == 1


@pytest.mark.timeout(900)
async def test_what_people_change_while_it_is_down_ends_it_or_keeps_it_quiet(world: World) -> None:
    names = ("disabled", "deleted", "window")
    servers = {name: await world.start(f"127.0.6.{place}") for place, name in enumerate(names, 1)}
    monitors = {name: await world.watch(name, server) for name, server in servers.items()}
    window = await world.window(monitors["window"])

    for server in servers.values():
        server.down = True
    for name in ("disabled", "deleted"):
        await world.until_incident(monitors[name], "active")
    await world.until_told(2)
    assert await world.incidents(monitors["window"]) == []

    await world.change(monitors["disabled"], {"status": "disabled"})
    await world.until_incident(monitors["disabled"], "resolved")
    await world.call("DELETE", f"/api/imap-pop-monitors/{monitors['deleted']['publicId']}")
    await world.until_told(4)
    await world.call("PATCH", f"/api/maintenance-windows/{window['id']}", {"endTime": _iso(datetime.now(UTC))})
    await world.until_incident(monitors["window"], "active")
    await world.until_told(5)
    await asyncio.sleep(3)
    said = world.told()
    assert sorted(title for _, title in said) == [
        "DOWN: deleted",
        "DOWN: disabled",
        "DOWN: window",
        "NO LONGER CHECKED: deleted",
        "NO LONGER CHECKED: disabled",
    ]
    assert said[-1] == ("alert", "DOWN: window")


@pytest.mark.timeout(900)
async def test_a_worker_that_comes_back_late_tells_of_no_time_it_was_not_there(world: World) -> None:
    server = await world.start("127.0.7.1")
    monitor = await world.watch("mailbox", server)
    await world.fleet.kill("imap_worker")
    await asyncio.sleep(75)  # slots of a minute wait in its queue; the server is well all the while
    server.down = True
    came_back_at = datetime.now(UTC)
    world.fleet.launch("imap_worker")
    await world.until_incident(monitor, "active")
    failed = [each for each in await world.api.history(monitor["publicId"]) if each["status"] == "failure"]
    assert len(failed) >= 2
    assert all(datetime.fromisoformat(each["checkedAt"]) >= came_back_at for each in failed)
