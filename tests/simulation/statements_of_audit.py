"""What the SQL of the scheduler's audit and reconciliation does, over the tables of `memory_database`."""

from typing import Any

from services.scheduler import audit_store, reconcile_store
from tests.simulation.memory_database import Row, Transaction, twin
from tests.simulation.statements_of_scheduler import LEASE, key_of


@twin(audit_store._COMBINATIONS)
def combinations(tx: Transaction) -> list[Row]:
    used = {(row["location_id"], row["protocol"], row["interval_ms"]) for row in tx.rows("schedule") if row["active"]}
    return [{"location_id": at, "protocol": protocol, "interval_ms": each} for at, protocol, each in sorted(used)]


def has_trace(tx: Transaction, row: Row, slot: int) -> bool:
    where = key_of(row)
    return (
        any(
            each["slot_at"] == slot and each["kind"] == "scheduled" and key_of(each) == where
            for each in tx.rows("results")
        )
        or is_missed(tx, where, slot)
        or any(
            each["slot_at"] == slot
            and each["kind"] == "scheduled"
            and each["state"] != "finished"
            and key_of(each) == where
            for each in tx.rows("check_requests")
        )
    )


def is_missed(tx: Transaction, where: tuple[int, int], slot: int) -> bool:
    ranges = [
        each
        for each in tx.rows("missed")
        if each["kind"] == "scheduled" and key_of(each) == where and each["first_slot"] <= slot
    ]
    last = max(ranges, key=lambda each: each["first_slot"], default=None)
    return last is not None and last["last_slot"] >= slot


@twin(audit_store._BY_KEYS)
def by_keys(tx: Transaction) -> None:
    return None


@twin(audit_store._UNANSWERED)
def unanswered(
    tx: Transaction,
    locations: list[int],
    protocols: list[str],
    intervals: list[int],
    lowest: list[int],
    highest: list[int],
    since: int,
    until: int,
    most: int,
) -> list[Row]:
    windows = list(zip(locations, protocols, intervals, lowest, highest, strict=True))
    found = []
    for row in sorted(tx.rows("schedule"), key=key_of):
        if not (row["active"] and row["last_slot"] >= since and row["since_slot"] < until):
            continue
        here = (row["location_id"], row["protocol"], row["interval_ms"])
        interval = row["interval_ms"]
        for at, protocol, each, low, high in windows:
            if (at, protocol, each) != here or not low <= row["phase_ms"] <= high:
                continue
            first = max(row["since_slot"] + interval, since + (row["phase_ms"] - since) % interval)
            due = range(first, min(row["last_slot"], until - 1) + 1, interval)
            found += [_unanswered(tx, row, slot) for slot in due if not has_trace(tx, row, slot)]
    return found[:most]


def _unanswered(tx: Transaction, row: Row, slot: int) -> Row:
    names = ("monitor_id", "location_id", "organization_id", "monitor_public_id", "interval_ms", "revision")
    code = (tx.get("locations", row["location_id"]) or {})["code"]
    return {**{name: row[name] for name in names}, "protocol": row.get("protocol"), "location": code, "slot": slot}


@twin(audit_store._RETIRED)
def retired(tx: Transaction, now_ms: int, most: int) -> list[Row]:
    due = sorted((row for row in tx.rows("schedule_retired") if row["audit_at"] <= now_ms), key=lambda r: r["audit_at"])
    return [{"id": row["id"]} for row in due[:most]]


@twin(audit_store._RETIRED_UNANSWERED)
def retired_unanswered(tx: Transaction, ids: list[int]) -> list[Row]:
    return [
        {**_unanswered(tx, row, slot), "id": row["id"], "reason": row["reason"]}
        for row in sorted(tx.rows("schedule_retired"), key=lambda row: row["id"])
        if row["id"] in ids
        for slot in range(row["first_slot"], row["last_slot"] + 1, row["interval_ms"])
        if not has_trace(tx, row, slot)
    ]


@twin(audit_store._FORGET_RETIRED)
def forget_retired(tx: Transaction, ids: list[int]) -> None:
    for each in ids:
        tx.put("schedule_retired", each, None)


# Reconciliation


@twin(reconcile_store._ALL_DIFFERENCES, reconcile_store._SOME_DIFFERENCES)
def differences(tx: Transaction, most: int, monitor_ids: list[int] | None = None) -> list[Row]:
    served = sorted({(row["location_id"], row["protocol"]) for row in tx.rows("location_workers")})
    wanted = {
        (monitor["id"], location_id): monitor
        for monitor in tx.rows("monitors")
        for location_id, protocol in served
        if protocol == monitor["protocol"]
        and monitor["status"] != "disabled"
        and (monitor_ids is None or monitor["id"] in monitor_ids)
    }
    scheduled = {
        key_of(row): row
        for row in tx.rows("schedule")
        if row["active"] and (monitor_ids is None or row["monitor_id"] in monitor_ids)
    }
    compared = ("revision", "interval_ms", "protocol")
    found = []
    for place in sorted(wanted.keys() | scheduled.keys()):
        want, has = wanted.get(place), scheduled.get(place)
        if want and has and all(want[name] == has[name] for name in compared):
            continue
        found.append(
            {
                "monitor_id": place[0],
                "location_id": place[1],
                **{
                    name: want[name] if want else None
                    for name in ("organization_id", "public_id", "protocol", "interval_ms", "revision")
                },
                "scheduled_interval_ms": has["interval_ms"] if has else None,
                "scheduled_protocol": has["protocol"] if has else None,
            }
        )
    return found[:most]


@twin(reconcile_store._START)
def start(
    tx: Transaction,
    monitors: list[int],
    locations: list[int],
    organizations: list[int],
    public_ids: list[Any],
    protocols: list[str],
    intervals: list[int],
    phases: list[int],
    revisions: list[int],
    until: int,
) -> None:
    columns = (monitors, locations, organizations, public_ids, protocols, intervals, phases, revisions)
    for at, location_id, organization_id, public_id, protocol, interval, phase, revision in zip(*columns, strict=True):
        old = tx.get("schedule", (at, location_id))
        newest = max(old["last_slot"], until) if old else until
        slot = newest - (newest - phase) % interval
        tx.put(
            "schedule",
            (at, location_id),
            {
                "monitor_id": at,
                "location_id": location_id,
                "organization_id": organization_id,
                "monitor_public_id": public_id,
                "protocol": protocol,
                "interval_ms": interval,
                "phase_ms": phase,
                "revision": revision,
                "active": True,
                "since_slot": slot,
                "last_slot": slot,
                "slots_claimed": old["slots_claimed"] if old else 0,
            },
        )


@twin(reconcile_store._RETIRE)
def retire(tx: Transaction, monitors: list[int], locations: list[int], audit_after_ms: int, reason: str) -> None:
    audited = (tx.get(*LEASE) or {})["audited_until"]
    for place in zip(monitors, locations, strict=True):
        row = tx.get("schedule", place)
        if row is None or not (row["active"] and row["last_slot"] > row["since_slot"] and row["last_slot"] >= audited):
            continue
        interval, number = row["interval_ms"], tx.database.next_id()
        steps = max(1, -((row["since_slot"] - audited) // interval))
        kept = ("monitor_id", "location_id", "organization_id", "monitor_public_id", "interval_ms", "revision")
        tx.put(
            "schedule_retired",
            number,
            {
                "id": number,
                **{name: row[name] for name in kept},
                "first_slot": row["since_slot"] + interval * steps,
                "last_slot": row["last_slot"],
                "reason": reason,
                "audit_at": row["last_slot"] + audit_after_ms,
            },
        )


@twin(reconcile_store._STOP)
def stop(tx: Transaction, monitors: list[int], locations: list[int]) -> None:
    for place in zip(monitors, locations, strict=True):
        row = tx.get("schedule", place)
        if row is not None and row["active"]:
            tx.change("schedule", place, active=False, since_slot=row["last_slot"])


@twin(reconcile_store._REVISE)
def revise(tx: Transaction, monitors: list[int], locations: list[int], revisions: list[int]) -> None:
    for *place, revision in zip(monitors, locations, revisions, strict=True):
        if tx.get("schedule", tuple(place)) is not None:
            tx.change("schedule", tuple(place), revision=revision)


@twin(reconcile_store._REQUIRED_CONCURRENCY)
def required_concurrency(tx: Transaction) -> list[Row]:
    return []
