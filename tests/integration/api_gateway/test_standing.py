"""How everything stands, for other programs: metrics that Prometheus takes, and a flat summary."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from services.api_gateway.standing import handlers, standing_store
from services.api_gateway.standing.exposition import Exposition
from services.api_gateway.standing.standing_store import Subject

METRICS = "/api/metrics"
SUMMARY = "/api/summary"


async def health(world: Any, monitor: Any, health: str, *, since: int, total_ms: float | None = 250.0) -> None:
    """What the recorder would have found."""
    await world.as_pipeline(
        """INSERT INTO monitor_health (monitor_id, organization_id, health, since, last_checked_at, message, total_ms)
           VALUES ($1, $2, $3, $4::bigint, $4, 'Nobody listens there.', $5)""",
        monitor["id"],
        monitor["organizationId"],
        health,
        since,
        total_ms,
    )


async def samples(api: Any) -> dict[str, dict[str, Any]]:
    """By name and monitor, the value; of `mailbox_info` its labels."""
    answer = await api.get(METRICS)
    assert answer.status == 200, answer.text
    found: dict[str, dict[str, Any]] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            value: Any = sample.labels if sample.name == "mailbox_info" else sample.value
            assert sample.name == "mailbox_info" or set(sample.labels) == {"monitor"}
            found.setdefault(sample.name, {})[sample.labels["monitor"]] = value
    return found


async def test_each_monitor_has_its_metrics_by_its_public_id(world: Any) -> None:
    location = await world.location("fra")
    now_ms = await world.pipeline.fetchval("SELECT clock_ms()")
    named = 'Say "hi"\\ there'
    up, down, new, paused = [
        await world.api.created(name=name, status="disabled" if name == "paused" else "active")
        for name in (named, "down", "new", "paused")
    ]
    await health(world, up, "degraded", since=now_ms)
    await health(world, down, "down", since=now_ms)
    await health(world, paused, "up", since=now_ms)
    certificate = {"certificate": {"notAfterMs": 1_900_000_000_000}}
    await world.result(up, location, slot_at=now_ms - 120_000, detail=certificate)
    await world.result(up, location, slot_at=now_ms - 60_000, passed=False, detail={"certificate": None})
    found = await samples(world.api)
    assert found["mailbox_up"] == {up["publicId"]: 1.0, down["publicId"]: 0.0}
    assert found["mailbox_degraded"] == {up["publicId"]: 1.0, down["publicId"]: 0.0}
    assert found["mailbox_response_seconds"][up["publicId"]] == 0.25
    assert found["mailbox_last_check_timestamp_seconds"][up["publicId"]] == now_ms / 1000
    assert found["mailbox_certificate_not_after_timestamp_seconds"] == {up["publicId"]: 1_900_000_000.0}
    assert set(found["mailbox_incident_open"]) == {each["publicId"] for each in (up, down, new)}
    assert set(found["mailbox_info"]) == {each["publicId"] for each in (up, down, new, paused)}
    assert found["mailbox_info"][up["publicId"]] == {
        "monitor": up["publicId"],
        "name": named,
        "hostname": "mail.example.com",
        "protocol": "imap",
        "customer": "My mailboxes",
        "status": "active",
    }


async def test_monitors_read_in_slices_are_each_told_of_once(world: Any, monkeypatch: Any) -> None:
    sliced: list[int] = []
    monkeypatch.setattr(standing_store, "_SLICE", 2)
    monkeypatch.setattr(handlers, "Exposition", lambda: Counted(sliced))
    monitors = [await world.api.created(name=f"number {number}") for number in range(5)]
    for each in monitors:
        await health(world, each, "up", since=1)
    answer = await world.api.get(METRICS)
    told = re.findall(r'^mailbox_(?:info|up)\{.*?monitor="([^"]+)"', answer.text, re.MULTILINE)
    assert told == [each["publicId"] for each in monitors] * 2
    assert sliced == [2, 2, 1]


class Counted(Exposition):
    """Says how many monitors came at once."""

    def __init__(self, sliced: list[int]) -> None:
        super().__init__()
        self._sliced = sliced

    def add(self, subjects: Sequence[Subject]) -> None:
        self._sliced.append(len(subjects))
        super().add(subjects)


async def test_promtool_finds_nothing_wrong(world: Any, promtool: Path) -> None:
    location = await world.location("fra")
    now_ms = await world.pipeline.fetchval("SELECT clock_ms()")
    for name in ("plain", 'quoted "and" back\\slashed', "Ümläut 邮件"):
        monitor = await world.api.created(name=name)
        await health(world, monitor, "up", since=now_ms)
        await world.result(monitor, location, slot_at=now_ms, detail={"certificate": {"notAfterMs": now_ms}})
    answer = await world.api.get(METRICS)
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    process = await asyncio.create_subprocess_exec(
        promtool,
        "check",
        "metrics",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        said, _ = await process.communicate(answer.text.encode())
    assert (process.returncode, said.decode()) == (0, "")
    assert answer.text.count("\nmailbox_up{") == 3


async def test_metrics_and_summary_are_of_what_one_may_see(world: Any) -> None:
    other = await world.customer("Other")
    ours, theirs = await world.api.created(), await world.api.created(customerId=other["id"])
    await health(world, theirs, "down", since=1)
    limited = await world.client("readonly", customer_id=10)
    stranger = await world.client("admin", organization_id=await world.another_organization())
    assert set((await samples(limited))["mailbox_info"]) == {ours["publicId"]}
    assert "mailbox_info" not in await samples(stranger)
    assert (await limited.get(SUMMARY)).body["down"] == 0
    assert (await stranger.get(SUMMARY)).body["monitors"] == 0
    for path in (METRICS, SUMMARY):
        assert (await world.api.by(None).get(path)).status == 401


async def test_the_summary_counts_and_names_the_worst(world: Any) -> None:
    empty = (await world.api.get(SUMMARY)).body
    assert (empty["monitors"], empty["worst"], empty["worstMonitor"]) == (0, "none", None)
    made = {}
    for name in ("up", "degraded", "down", "later", "new", "paused", "quiet"):
        status = {"paused": "disabled", "quiet": "maintenance"}.get(name, "active")
        made[name] = await world.api.created(name=name, status=status)
    for name, of in (("up", "up"), ("degraded", "degraded"), ("down", "down"), ("paused", "down"), ("quiet", "up")):
        await health(world, made[name], of, since=1_772_107_200_000)
    await health(world, made["later"], "down", since=1_772_107_300_000)
    summary = (await world.api.get(SUMMARY)).body
    assert {name: summary[name] for name in ("monitors", "up", "degraded", "down", "unknown", "paused")} == {
        "monitors": 7,
        "up": 2,
        "degraded": 1,
        "down": 2,
        "unknown": 1,
        "paused": 1,
    }
    assert (summary["maintenance"], summary["openIncidents"], summary["unacknowledgedIncidents"]) == (1, 0, 0)
    assert (summary["worst"], summary["worstMonitor"], summary["worstSince"], summary["worstMessage"]) == (
        "down",
        "down",
        "2026-02-26T12:00:00.000Z",
        "Nobody listens there.",
    )
    assert all(not isinstance(value, dict | list) for value in summary.values()), "flat"
