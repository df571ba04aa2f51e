"""What the recorder's SQL does about results, missed slots, health and locations, over `memory_database`.

Logins are in `statements_of_logins`, incidents in `statements_of_incidents`.
"""

import json
from typing import Any

import asyncpg

from services.result_recorder import (
    canary_store,
    event_store,
    health_store,
    host_outage_store,
    location_store,
    login_store,
    missed_store,
    monitor_store,
    result_store,
)
from services.result_recorder.host_outage_store import _ADVISORY_CLASS as _HOSTS
from services.result_recorder.incidents.incident_store import _ADVISORY_CLASS as _GROUPS
from services.result_recorder.incidents.incident_store import _LOCK_GROUPS
from services.result_recorder.rollups import rollup_store
from tests.simulation.memory_database import Row, Transaction, twin
from tests.simulation.statements_of_scheduler import key_of, live_at


def as_json(value: Any) -> Any:
    """What jsonb gives back of a value."""
    return json.loads(json.dumps(value))


# Locks


@twin(monitor_store._LOCK_WITHOUT_ROW, login_store._LOCK_ACCOUNTS, host_outage_store._LOCK_HOSTS, _LOCK_GROUPS)
def lock_advisory(tx: Transaction, lock_class: int, *columns: Any) -> None:
    assert lock_class in (monitor_store._ADVISORY_CLASS, login_store._ADVISORY_CLASS, _HOSTS, _GROUPS)
    for key in sorted(set(zip(*columns, strict=True))):
        tx.lock(("advisory", lock_class, key))


@twin(monitor_store._LOCK_ROWS)
def lock_rows(tx: Transaction, monitors: list[int]) -> None:
    for each in sorted(monitors):
        if tx.get("monitor_health", each) is not None:
            tx.lock(("monitor_health", each))


@twin(monitor_store._READ)
def read_monitors(tx: Transaction, ids: list[int]) -> list[Row]:
    found = []
    for each in ids:
        monitor = tx.get("monitors", each)
        if monitor is not None:
            package = tx.get("package_configs", 1) or {}
            found.append(
                {
                    **{name: monitor[name] for name in ("id", "public_id", "organization_id", "revision", "status")},
                    "credential_id": monitor["credential_id"],
                    "confirm_after": package["alert_consecutive_checks"],
                    "agreement": "majority",
                    "agreeing_count": package["alert_location_threshold_count"],
                    "retry_seconds": package["retry_interval_seconds"],
                    "has_health": tx.get("monitor_health", each) is not None,
                    "locations": [r["location_id"] for r in tx.rows("location_health") if r["monitor_id"] == each],
                }
            )
    return found


# Results


@twin(result_store._INSERT)
def insert_results(tx: Transaction, *columns: list[Any]) -> list[Row]:
    new = []
    for values in zip(*columns, strict=True):
        row = dict(zip(result_store._COLUMNS, values, strict=True))
        key = (row["check_id"], row["slot_at"])
        tx.lock(("results", key))
        if tx.get("results", key) is None:
            stored = {**row, "detail": json.loads(row["detail"]), "recorded_at": tx.now_ms}
            tx.put("results", key, stored)
            new.append(stored)
    return new


@twin(result_store._INSERT_NEW)
def insert_new_results(tx: Transaction, *columns: list[Any]) -> list[Row]:
    keys = list(zip(columns[0], columns[1], strict=True))
    for key in keys:
        tx.lock(("results", key))
    if len(set(keys)) < len(keys) or any(tx.get("results", key) is not None for key in keys):
        raise asyncpg.UniqueViolationError("a result is there already")
    insert_results(tx, *columns)
    return [{"max": tx.now_ms}]


# What is refused as a whole has inserted nothing to go back from.
@twin(rollup_store._NOTE, result_store._BEFORE, result_store._BACK)
def change_nothing(tx: Transaction, *_: Any) -> None:
    return None


@twin(result_store._SINCE_LAST_PASS)
def since_last_pass(tx: Transaction, *given: Any) -> list[Row]:
    *columns, until = given
    found = []
    for at, location_id, revision, first_late in zip(*columns, strict=True):
        rows = [r for r in tx.rows("results") if key_of(r) == (at, location_id) and r["revision"] == revision]
        passed = [r["slot_at"] for r in rows if r["passed"] and first_late - 604_800_000 <= r["slot_at"] < first_late]
        beginning = max(passed, default=first_late - 86_400_000)
        found += [row for row in rows if beginning <= row["slot_at"] <= until]
    return found


# Missed slots


@twin(missed_store._RANGES_HOLDING)
def ranges_holding(tx: Transaction, *columns: Any) -> list[Row]:
    *arrived, span = columns
    found: dict[int, Row] = {}
    for at, location_id, slot in zip(*arrived, strict=True):
        for row in tx.rows("missed"):
            if (
                row["kind"] == "scheduled"
                and key_of(row) == (at, location_id)
                and slot - span <= row["first_slot"] <= slot <= row["last_slot"]
                and (slot - row["first_slot"]) % row["interval_ms"] == 0
            ):
                found.setdefault(row["id"], {**row, "slots": []})["slots"].append(slot)
    return list(found.values())


@twin(missed_store._DELETE)
def delete_missed(tx: Transaction, ids: list[int]) -> None:
    for each in ids:
        tx.put("missed", each, None)


@twin(missed_store._RANGES_WITHIN)
def ranges_within(tx: Transaction, *columns: Any) -> list[Row]:
    *wanted, span = columns
    return [
        {**row, "place": place}
        for place, at, location_id, first, last in zip(*wanted, strict=True)
        for row in tx.rows("missed")
        if row["kind"] == "scheduled"
        and key_of(row) == (at, location_id)
        and first - span <= row["first_slot"] <= last
        and row["last_slot"] >= first
    ]


@twin(missed_store._RESULTS_WITHIN)
def results_within(tx: Transaction, *columns: Any) -> list[Row]:
    return [
        {"place": place, "slot_at": row["slot_at"]}
        for place, at, location_id, first, last in zip(*columns, strict=True)
        for row in tx.rows("results")
        if key_of(row) == (at, location_id) and row["kind"] == "scheduled" and first <= row["slot_at"] <= last
    ]


@twin(missed_store._INSERT_RANGES)
def insert_ranges(tx: Transaction, *columns: list[Any]) -> None:
    names = [
        "organization_id",
        "monitor_id",
        "location_id",
        "first_slot",
        "last_slot",
        "count",
        "interval_ms",
        "reason",
    ]
    for values in zip(*columns, strict=True):
        number = tx.database.next_id()
        row = dict(zip(names, values, strict=True))
        tx.put("missed", number, {**row, "id": number, "kind": "scheduled", "check_id": None})


@twin(missed_store._INSERT_REQUESTS)
def insert_missed_requests(tx: Transaction, *columns: list[Any]) -> list[Row]:
    names = ["organization_id", "monitor_id", "location_id", "kind", "slot_at", "interval_ms", "reason", "check_id"]
    new = []
    for values in zip(*columns, strict=True):
        row = dict(zip(names, values, strict=True))
        slot = row.pop("slot_at")
        tx.lock(("missed_requests", row["check_id"]))
        known = any(each["check_id"] == row["check_id"] for each in tx.rows("missed"))
        if tx.get("results", (row["check_id"], slot)) is None and not known:
            number = tx.database.next_id()
            tx.put("missed", number, {**row, "id": number, "first_slot": slot, "last_slot": slot, "count": 1})
            new.append({"reason": row["reason"]})
    return new


@twin(missed_store._DELETE_REQUESTS)
def delete_missed_requests(tx: Transaction, check_ids: list[Any]) -> None:
    for row in tx.rows("missed"):
        if row["kind"] != "scheduled" and row["check_id"] in check_ids:
            tx.put("missed", row["id"], None)


# Health


@twin(health_store._MAKE_MONITORS)
def make_monitors(tx: Transaction, *columns: list[Any]) -> None:
    for at, organization_id, slot_at, started_at in zip(*columns, strict=True):
        tx.lock(("monitor_health", at))
        if tx.get("monitor_health", at) is None:
            known = {"monitor_id": at, "organization_id": organization_id, "health": "unknown", "since": slot_at}
            empty = ("last_counted_at", "outcome", "phase", "message", "location_id", "total_ms", "first_passed_at")
            row = {**dict.fromkeys(empty), **known, "last_checked_at": started_at, "maker_told_revision": None}
            tx.put("monitor_health", at, row)


@twin(health_store._MAKE_LOCATIONS)
def make_locations(tx: Transaction, *columns: list[Any]) -> None:
    for at, location_id, organization_id in zip(*columns, strict=True):
        if tx.get("location_health", (at, location_id)) is None:
            known = {"monitor_id": at, "location_id": location_id, "organization_id": organization_id}
            rest = {"health": "unknown", "since": 0, "last_slot": 0, "failures": 0, "last_refusal": None}
            row = {**known, **rest, "outcome": "", "phase": "", "message": ""}
            tx.put("location_health", (at, location_id), row)


_OF_MONITOR_STATE = health_store.MonitorState.__slots__
_OF_LOCATION_STATE = [
    "monitor_id",
    "location_id",
    "health",
    "since",
    "last_slot",
    "failures",
    "outcome",
    "phase",
    "message",
    "last_refusal",
]


@twin(health_store._READ_MONITORS)
def read_monitor_states(tx: Transaction, monitors: list[int]) -> list[Row]:
    rows = [tx.get("monitor_health", each) for each in monitors]
    return [{name: row[name] for name in _OF_MONITOR_STATE} for row in rows if row is not None]


@twin(health_store._READ_LOCATIONS)
def read_location_states(tx: Transaction, monitors: list[int]) -> list[Row]:
    return [
        {name: row[name] for name in _OF_LOCATION_STATE}
        for row in sorted(tx.rows("location_health"), key=key_of)
        if row["monitor_id"] in monitors
    ]


@twin(health_store._WRITE_LOCATIONS)
def write_locations(tx: Transaction, *columns: list[Any]) -> None:
    for at, location_id, *values in zip(*columns, strict=True):
        if tx.get("location_health", (at, location_id)) is not None:
            changes = dict(zip(_OF_LOCATION_STATE[2:], values, strict=True))
            changes["last_refusal"] = as_json(changes["last_refusal"])
            tx.change("location_health", (at, location_id), **changes)


@twin(health_store._WRITE_MONITORS)
def write_monitors(tx: Transaction, *columns: list[Any]) -> None:
    for values in zip(*columns, strict=True):
        row = dict(zip(_OF_MONITOR_STATE, values, strict=True))
        tx.change("monitor_health", row["monitor_id"], **row)


@twin(health_store._LOCATIONS_HEARD)
def locations_heard(tx: Transaction, *columns: list[Any]) -> None:
    for at, location_id, last_slot in zip(*columns, strict=True):
        if tx.get("location_health", (at, location_id)) is not None:
            tx.change("location_health", (at, location_id), last_slot=last_slot)


@twin(health_store._MONITORS_CHECKED)
def monitors_checked(tx: Transaction, *columns: list[Any]) -> None:
    for at, *values in zip(*columns, strict=True):
        names = ("last_checked_at", "last_counted_at", "total_ms", "first_passed_at")
        tx.change("monitor_health", at, **dict(zip(names, values, strict=True)))


@twin(health_store._UNHEARD)
def unheard(tx: Transaction, monitors: list[int]) -> list[Row]:
    counts: dict[int, int] = {}
    for row in tx.rows("schedule"):
        if (
            row["monitor_id"] in monitors
            and row["active"]
            and live_at(tx, row["location_id"], row["protocol"])
            and tx.get("location_health", key_of(row)) is None
        ):
            counts[row["monitor_id"]] = counts.get(row["monitor_id"], 0) + 1
    return [{"monitor_id": at, "locations": count} for at, count in sorted(counts.items())]


def _silent(tx: Transaction, now_ms: int) -> list[Row]:
    return [
        row
        for row in tx.rows("location_health")
        if row["health"] != "unknown"
        and (monitor := tx.get("monitors", row["monitor_id"])) is not None
        and row["last_slot"] < now_ms - max(3 * monitor["interval_ms"], 300_000)
    ]


@twin(health_store._LOCK_SILENT)
def lock_silent(tx: Transaction, now_ms: int, most: int) -> list[Row]:
    found = sorted({row["monitor_id"] for row in _silent(tx, now_ms)})
    free = [each for each in found if not tx.is_locked(("monitor_health", each))][:most]
    for each in free:
        tx.lock(("monitor_health", each))
    return [{"monitor_id": each} for each in free]


@twin(health_store._FORGET_SILENT)
def forget_silent(tx: Transaction, now_ms: int, monitors: list[int]) -> None:
    for row in _silent(tx, now_ms):
        if row["monitor_id"] in monitors:
            tx.change("location_health", key_of(row), health="unknown", since=now_ms)


@twin(health_store._FORGET_CHANGES, health_store._WRITE_CHANGES)
def keep_changes(tx: Transaction, *_: Any) -> None:
    return None


# Locations, workers, and what is kept beside


@twin(location_store._NUMBERS)
def numbers(tx: Transaction, codes: list[str]) -> list[Row]:
    return [{"code": row["code"], "id": row["id"]} for row in tx.rows("locations") if row["code"] in codes]


@twin(location_store._LIVE)
def live(tx: Transaction, codes: list[str], silent_ms: int) -> list[Row]:
    places = {row["id"]: row["code"] for row in tx.rows("locations")}
    found = {
        (places[row["location_id"]], row["protocol"])
        for row in tx.rows("location_workers")
        if row["last_seen_at"] > tx.now_ms - silent_ms
    }
    return [{"code": code, "protocol": protocol} for code, protocol in sorted(found) if code in codes]


@twin(location_store._SEEN)
def seen(tx: Transaction, codes: list[str], names: list[str], countries: list[str | None]) -> list[Row]:
    return numbers(tx, codes)


@twin(location_store._WORKERS_SEEN)
def workers_seen(tx: Transaction, *columns: list[Any]) -> None:
    places = {row["code"]: row["id"] for row in tx.rows("locations")}
    for code, protocol, worker, *_ in zip(*columns, strict=True):
        key = (places[code], protocol, worker)
        before = (tx.get("location_workers", key) or {"last_seen_at": 0})["last_seen_at"]
        row = {"location_id": places[code], "protocol": protocol, "last_seen_at": max(before, tx.now_ms)}
        tx.put("location_workers", key, row)


@twin(location_store._TELL)
def tell_locations(tx: Transaction, codes: list[str]) -> None:
    tx.notes.extend(("mailprobe_locations", code) for code in codes)


@twin(canary_store._HEAR)
def hear(tx: Transaction, gap_ms: int) -> None:
    now = tx.now_ms
    tx.lock(("hearing", True))
    old = tx.get("hearing", True)
    if old is None:
        tx.put("hearing", True, {"until_at": now, "since_at": now, "before_gap": now})
        return
    gone_on = abs(now - old["until_at"]) <= gap_ms
    if gone_on:
        before_gap = old["before_gap"]
    elif old["until_at"] - old["since_at"] < 120_000:
        before_gap = min(old["before_gap"], now)
    else:
        before_gap = min(old["until_at"], now)
    tx.put(
        "hearing", True, {"until_at": now, "since_at": old["since_at"] if gone_on else now, "before_gap": before_gap}
    )


@twin(canary_store._AGES, event_store._TOLD)
def none(tx: Transaction) -> list[Row]:
    return []
