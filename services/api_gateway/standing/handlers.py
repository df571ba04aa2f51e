"""Metrics and summary over HTTP."""

import asyncio
from collections.abc import Hashable, Mapping
from typing import Any

from aiohttp import web

from services.api_gateway.calls import Call, json_answer
from services.api_gateway.field_types import moment_if_known
from services.api_gateway.standing.exposition import CONTENT_TYPE, PARAMETERS, Exposition
from services.api_gateway.standing.exposition_body import ExpositionBody
from services.api_gateway.standing.models import Summary
from services.api_gateway.standing.standing_store import read_counts, read_subjects

METRICS_PATH = "/api/metrics"
SUMMARY_PATH = "/api/summary"


async def show_metrics(call: Call) -> web.Response:
    """`GET /api/metrics`: the monitors in scope, for a Prometheus with a bearer token."""
    found = await call.resources.expositions.look(_asked(call), lambda: _exposition(call))
    parameters = "; ".join(f"{name}={value}" for name, value in PARAMETERS.items())
    return web.Response(body=ExpositionBody(found, call.request, content_type=f"{CONTENT_TYPE}; {parameters}"))


async def _exposition(call: Call) -> Exposition:
    found = Exposition()
    writing: asyncio.Future[None] | None = None
    async with call.transaction() as connection:
        try:
            async for some in read_subjects(connection, call.organization_id, call.principal.customers_wanted()):
                if writing is not None:
                    await writing
                # What was read is written while the database looks for the next.
                writing = asyncio.ensure_future(asyncio.to_thread(found.add, some))
        finally:
            if writing is not None:
                await writing
    return found


async def show_summary(call: Call) -> web.Response:
    """`GET /api/summary`: the monitors in scope, in a few numbers."""
    counts = dict(await call.resources.summaries.look(_asked(call), lambda: _counts(call)))
    worst = counts.pop("worst")
    return json_answer(
        Summary(
            **{**counts, "last_checked_at": moment_if_known(counts["last_checked_at"])},
            worst=_worst(counts),
            worst_monitor=worst["name"] if worst else None,
            worst_since=moment_if_known(worst["since"]) if worst else None,
            worst_message=worst["message"] if worst else None,
        )
    )


async def _counts(call: Call) -> Mapping[str, Any]:
    async with call.transaction() as connection:
        return await read_counts(connection, call.organization_id, call.principal.customers_wanted())


def _asked(call: Call) -> Hashable:
    """Whose monitors are asked for, and which of them."""
    customers = call.principal.customers_wanted()
    return call.organization_id, None if customers is None else tuple(customers)


def _worst(counts: Mapping[str, Any]) -> Any:
    # Not knowing is no fault of a mailbox, and yet no reason to call all well.
    return next((health for health in ("down", "degraded", "unknown", "up") if counts[health]), "none")
