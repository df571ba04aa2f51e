"""How many messages a second notifiers bring to a webhook that takes each at once.

Tests of a channel, since they wait for nothing but a notifier: leased, sent and marked like all others.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from benchmarks.scale.fleet import Fleet

_PATIENT_SECONDS = 240

_CHANNEL = """
INSERT INTO notification_channels (organization_id, name, type, config)
VALUES (1, 'a webhook', 'webhook', jsonb_build_object('url', $1::text)) RETURNING id"""

_ORDER = """
INSERT INTO deliveries (organization_id, channel_id, channel_type, channel_name, event, due_at, give_up_at)
SELECT 1, $1, 'webhook', 'a webhook', 'test', clock_ms(), clock_ms() + 3600000 FROM generate_series(1, $2)
RETURNING id"""

_SENT = """
SELECT count(*) FILTER (WHERE state = 'sent') AS sent, count(*) FILTER (WHERE state = 'failed') AS failed,
    max(error) AS error, max(sent_at) - min(sent_at) AS took_ms
FROM deliveries WHERE id = ANY ($1::bigint[])"""


async def sent_per_second(fleet: Fleet, *, messages: int) -> float:
    """Of so many messages due at once, by the notifiers that run. Raises RuntimeError where one does not arrive."""
    owner = fleet.at.owner
    async with _webhook() as url:
        channel = await owner.fetchval(_CHANNEL, url)
        ids = [row["id"] for row in await owner.fetch(_ORDER, channel, messages)]
        deadline = time.monotonic() + _PATIENT_SECONDS
        while True:
            row = await owner.fetchrow(_SENT, ids)
            if row["sent"] == messages:
                return float(messages / max(row["took_ms"], 1) * 1000)
            if row["failed"] or time.monotonic() > deadline:
                raise RuntimeError(f"{row['sent']} of {messages} messages were sent ({row['error']})")
            await asyncio.sleep(0.2)


@asynccontextmanager
async def _webhook() -> AsyncIterator[str]:
    """A receiver that answers at once; its address."""

    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.Response()

    application = web.Application()
    application.router.add_post("/", take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()
