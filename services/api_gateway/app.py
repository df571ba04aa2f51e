"""The gateway as an aiohttp application, put together from what it is given. Whoever made the parts closes them.

Run it by `http_server.make_runner`.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from functools import partial

from aiohttp import web
from aiohttp.typedefs import Handler

from services.api_gateway.admission import Crowd, Lanes, admission
from services.api_gateway.answering import answer
from services.api_gateway.audit.forgetting import forgetting_audit
from services.api_gateway.audit.refusals import Refusals
from services.api_gateway.authentication import Authenticator
from services.api_gateway.calls import AUTHENTICATOR, for_anybody, for_token_holders
from services.api_gateway.customers.leaving import finishing_cancellations
from services.api_gateway.discovery.finding import Discovery
from services.api_gateway.door import DOOR, Door
from services.api_gateway.events.feeds import Feeds
from services.api_gateway.kept_reads import KeptReads
from services.api_gateway.manners.counting import counted, tell_remaining
from services.api_gateway.manners.forgetting import forgetting
from services.api_gateway.manners.layer import resources_of, well_mannered
from services.api_gateway.openapi import openapi_document
from services.api_gateway.operation import Operation
from services.api_gateway.operations import OPERATIONS
from services.api_gateway.pages.serving import add_pages
from services.api_gateway.pages.site import Site
from services.api_gateway.people.passwords import Passwords
from services.api_gateway.rate_limits import RateLimit
from services.api_gateway.readiness import broker_answers, database_answers
from services.api_gateway.reading import BODY_CAP_BYTES
from services.api_gateway.replies import Replies
from services.api_gateway.resources import RESOURCES, Resources
from services.api_gateway.system.queue_watch import QueueWatch
from shared.broker.seam import Broker
from shared.database.pool import Pool
from shared.probing.address_policy import AddressPolicy
from shared.runtime.admin import ReadinessCheck
from shared.runtime.settings import ApiSettings
from shared.sealing import PublicKeyRing


def create_app(
    *,
    pool: Pool,
    broker: Broker,
    public_keys: PublicKeyRing,
    channel_keys: PublicKeyRing,
    settings: ApiSettings,
    instance: str,
    readiness: Mapping[str, ReadinessCheck] | None = None,
    queues: QueueWatch | None = None,
) -> web.Application:
    """The application.

    Args:
        pool: acts as the gateway's role. broker: opened by the caller, now or later.
        instance: this process's name, unique at the broker.
        readiness: checks of the caller's beside our own (database and broker).
        queues: how the broker's queues are looked at; else as the broker tells anybody.
    """
    address_policy = AddressPolicy.create(str(network) for network in settings.allowed_private_networks)
    resources = Resources(
        pool=pool,
        broker=broker,
        public_keys=public_keys,
        channel_keys=channel_keys,
        settings=settings,
        address_policy=address_policy,
        discovery=Discovery(
            address_policy,
            dns_servers=settings.dns_servers,
            fetches=settings.discovery_fetch,
            ispdb=settings.discovery_ispdb,
        ),
        replies=Replies(broker, instance),
        feeds=Feeds(pool, broker, instance),
        queues=queues or QueueWatch(broker),
        schedule=KeptReads(lambda row: int(row["scheduled"])),
        summaries=KeptReads(lambda counts: int(counts["monitors"])),
        expositions=KeptReads(lambda found: found.monitors),
        passwords=Passwords(),
        refusals=Refusals(pool),
        anonymous_limit=RateLimit(settings.rate_limit_anonymous),
        token_limit=RateLimit(settings.rate_limit_token),
        readiness={
            "database": partial(database_answers, pool),
            "broker": partial(broker_answers, broker),
            **(readiness or {}),
        },
        openapi=openapi_document(),
    )
    crowd = Crowd(Lanes.of(OPERATIONS), places=settings.requests_in_flight)
    app = web.Application(middlewares=[answer, admission(crowd), counted], client_max_size=BODY_CAP_BYTES + 1)
    app[RESOURCES] = resources
    app[AUTHENTICATOR] = authenticator = Authenticator(resources)
    app[DOOR] = Door(crowd, authenticator)
    app.on_response_prepare.append(tell_remaining)
    resources_shown = resources_of(OPERATIONS)
    for operation in OPERATIONS:
        handler = _handler(operation, resources_shown.get(operation.path))
        app.router.add_route(operation.method, operation.path, handler)
        if operation.method == "GET":
            app.router.add_route("HEAD", operation.path, handler)  # RFC 9110 §9.1; aiohttp leaves the body out
    add_pages(app, Site.load())
    app.cleanup_ctx.append(_listen_for_replies)
    app.cleanup_ctx.append(finishing_cancellations)
    app.cleanup_ctx.append(_feed_listeners)
    app.cleanup_ctx.append(forgetting_audit)
    app.on_shutdown.append(_end_streams)
    app.on_cleanup.append(lambda app: app[RESOURCES].refusals.finish())
    app.cleanup_ctx.append(forgetting)
    return app


def _handler(operation: Operation, resource: Operation | None) -> Handler:
    if operation.handler is not None:
        return for_token_holders(well_mannered(operation, resource))
    assert operation.anybody is not None  # noqa: S101 - a mistake in the list of operations, seen at start
    return for_anybody(operation.anybody, counted=operation.counted)


async def _listen_for_replies(app: web.Application) -> AsyncIterator[None]:
    listening = asyncio.create_task(app[RESOURCES].replies.run())
    yield
    listening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listening


async def _feed_listeners(app: web.Application) -> AsyncIterator[None]:
    feeding = asyncio.create_task(app[RESOURCES].feeds.run())
    yield
    feeding.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await feeding


async def _end_streams(app: web.Application) -> None:
    # They would go on for as long as we wait for requests to be answered.
    app[RESOURCES].feeds.end()
