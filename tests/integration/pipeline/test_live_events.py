"""From a worker's answer on RabbitMQ to everybody who listens, whichever gateway they listen to."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from services.api_gateway.app import create_app
from services.api_gateway.events import feed
from services.api_gateway.http_server import make_runner
from services.api_gateway.token_store import issue_token
from services.result_recorder.service import serve_recorder
from shared.broker.envelope import result_message
from shared.broker.rabbitmq import RabbitBroker
from shared.broker.topology import EVENTS
from shared.checks.messages import ResultBatch
from shared.checks.vocabulary import OutcomeKind
from shared.database.pool import GATEWAY_ROLE, PIPELINE_ROLE, open_pool
from shared.runtime.settings import GatewaySettings
from shared.sealing import generate_key_rings
from tests.support.answers import answer, public_id_of, slot
from tests.support.event_stream import EventReader
from tests.support.recorder_desk import recorder_desk
from tests.support.servers.rabbitmq import GivenRabbit
from tests.support.waiting import until


class _Server(TestServer):
    async def _make_runner(self, **_others: Any) -> web.AppRunner:
        return make_runner(self.app)


@dataclass
class Fleet:
    """A recorder and two gateways, each with connections of its own."""

    gateways: list[str]
    session: ClientSession
    worker: RabbitBroker

    async def listen(self, gateway: str) -> EventReader:
        watch = public_id_of(1)
        reader = EventReader(await self.session.get(f"{gateway}/api/events?watch={watch}"))
        assert reader.response.status == 200
        await reader.until_position()
        return reader


@pytest_asyncio.fixture
async def fleet(
    database_dsn: str, rabbitmq: GivenRabbit, amqp_vhost: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Fleet]:
    # Nobody looks by themselves: what arrives was told.
    monkeypatch.setattr(feed, "LOOK_SECONDS", 3600.0)
    async with contextlib.AsyncExitStack() as opened:
        desk = await opened.enter_async_context(recorder_desk(database_dsn))
        await desk.add_monitor()
        public, _ = generate_key_rings()

        async def broker(name: str) -> RabbitBroker:
            made = RabbitBroker(rabbitmq.amqp_url(amqp_vhost), service=name, instance=f"{name}@here:1")
            await made.open(timeout_seconds=60)
            opened.push_async_callback(made.close)
            return made

        pipeline = await opened.enter_async_context(
            open_pool(database_dsn, role=PIPELINE_ROLE, application_name="recorder")
        )
        stop = asyncio.Event()
        recording = asyncio.create_task(
            serve_recorder(pool=pipeline, broker=await broker("recorder"), stop=stop, instance="recorder")
        )
        opened.push_async_callback(asyncio.wait, [recording])
        opened.callback(stop.set)
        pool = await opened.enter_async_context(open_pool(database_dsn, role=GATEWAY_ROLE, application_name="gateway"))
        token = await issue_token(pool, 1, "test", "admin")
        settings = GatewaySettings.load(
            database_url=database_dsn,
            amqp_url=rabbitmq.amqp_url(amqp_vhost),
            public_keys=public.to_json(),
            channel_public_keys=public.to_json(),
        )
        gateways = []
        for number in (1, 2):
            server = _Server(
                create_app(
                    pool=pool,
                    broker=await broker(f"gateway{number}"),
                    public_keys=public,
                    channel_keys=public,
                    settings=settings,
                    instance=f"gateway{number}@here:1",
                )
            )
            await server.start_server()
            opened.push_async_callback(server.close)
            gateways.append(str(server.make_url("")).rstrip("/"))
        session = await opened.enter_async_context(ClientSession(headers={"Authorization": f"Bearer {token}"}))

        async def both_listen() -> bool:
            bound = await rabbitmq.api("GET", f"exchanges/{amqp_vhost}/{EVENTS}/bindings/source")
            return len(bound) == len(gateways)

        # They do so in their own time, and what was told before would be looked for by nobody here.
        await until("both gateways listen to the broker", both_listen)
        yield Fleet(gateways, session, await broker("worker"))


async def test_what_is_stored_reaches_the_listeners_of_every_gateway(fleet: Fleet) -> None:
    async with await fleet.listen(fleet.gateways[0]) as first, await fleet.listen(fleet.gateways[1]) as second:
        batch = ResultBatch(results=(answer(slot(1), OutcomeKind.CONNECT_REFUSED),))
        await fleet.worker.publish([result_message(batch)])
        for reader in (first, second):
            seen = {each.name: each.data for each in (await reader.next(), await reader.next())}
            assert (seen["health"]["health"], seen["health"]["monitorId"]) == ("down", str(public_id_of(1)))
            assert seen["result"]["check"]["id"] == str(batch.results[0].check_id)


async def test_what_one_gateway_changes_the_other_tells(fleet: Fleet) -> None:
    async with await fleet.listen(fleet.gateways[1]) as reader:
        changed = await fleet.session.patch(
            f"{fleet.gateways[0]}/api/imap-pop-monitors/{public_id_of(1)}", json={"name": "Renamed"}
        )
        assert changed.status == 200, await changed.text()
        event = await reader.next()
        assert (event.name, event.data) == ("monitor", {"monitorId": str(public_id_of(1)), "change": "changed"})
