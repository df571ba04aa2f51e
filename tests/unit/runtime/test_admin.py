"""The admin port: alive, ready, metrics."""

import asyncio

from aiohttp.test_utils import TestClient, TestServer

from shared.runtime import metrics
from shared.runtime.admin import AdminServer, ReadinessCheck, failing


async def fine() -> str | None:
    return None


async def ill() -> str | None:
    return "cannot reach RabbitMQ"


async def broken() -> str | None:
    raise RuntimeError("pool closed")


async def hanging() -> str | None:
    await asyncio.Event().wait()
    return None


async def ask(path: str, **checks: ReadinessCheck) -> tuple[int, str]:
    async with TestClient(TestServer(AdminServer("127.0.0.1", 0, checks).application())) as client:
        response = await client.get(path)
        return response.status, await response.text()


async def test_alive_does_not_depend_on_what_is_not_ready() -> None:
    assert (await ask("/livez", broker=ill))[0] == 200


async def test_ready_when_nothing_is_wrong() -> None:
    status, body = await ask("/readyz", broker=fine)
    assert status == 200
    assert '"broker": "ok"' in body


async def test_not_ready_says_which_check_failed_and_why() -> None:
    status, body = await ask("/readyz", broker=ill, database=fine, pool=broken)
    assert status == 503
    assert '"broker": "cannot reach RabbitMQ"' in body
    assert '"database": "ok"' in body
    assert '"pool": "pool closed"' in body


async def test_a_check_that_hangs_is_not_ready() -> None:
    assert await failing({"broker": hanging, "x": fine}, deadline_seconds=0.01) == {"broker": "no answer within 0.01 s"}


async def test_metrics_are_shown_in_prometheus_text() -> None:
    metrics.CHECKS_MISSED.labels(reason="stale").inc(0)
    status, body = await ask("/metrics")
    assert status == 200
    assert 'mailprobe_checks_missed_total{reason="stale"}' in body


async def test_port_0_serves_nothing() -> None:
    async with AdminServer("not a host", 0, {}):
        pass
