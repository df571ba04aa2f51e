"""Metrics and summary over HTTP."""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from services.api_gateway.calls import Call, json_answer
from services.api_gateway.field_types import moment_if_known
from services.api_gateway.standing.exposition import CONTENT_TYPE, PARAMETERS, exposition
from services.api_gateway.standing.models import Summary
from services.api_gateway.standing.standing_store import read_counts, read_subjects

METRICS_PATH = "/api/metrics"
SUMMARY_PATH = "/api/summary"


async def show_metrics(call: Call) -> web.Response:
    """`GET /api/metrics`: the monitors in scope, for a Prometheus with a bearer token."""
    async with call.transaction() as connection:
        subjects = await read_subjects(connection, call.organization_id, call.principal.customers_wanted())
    text = await asyncio.to_thread(exposition, subjects)
    parameters = "; ".join(f"{name}={value}" for name, value in PARAMETERS.items())
    return web.Response(body=text, headers={"Content-Type": f"{CONTENT_TYPE}; {parameters}"})


async def show_summary(call: Call) -> web.Response:
    """`GET /api/summary`: the monitors in scope, in a few numbers."""
    async with call.transaction() as connection:
        counts = await read_counts(connection, call.organization_id, call.principal.customers_wanted())
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


def _worst(counts: Mapping[str, Any]) -> Any:
    # Not knowing is no fault of a mailbox, and yet no reason to call all well.
    return next((health for health in ("down", "degraded", "unknown", "up") if counts[health]), "none")
