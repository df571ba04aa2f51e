"""What the SQL of incidents does, their states, groups, follow-ups and outbox, over `memory_database`."""

import uuid
from typing import Any

from services.result_recorder.incidents import incident_store, state_store, watched_store
from tests.simulation.memory_database import Row, Transaction, twin
from tests.simulation.statements_of_recorder import as_json
from tests.simulation.statements_of_scheduler import live_at


@twin(state_store._READ)
def read_states(tx: Transaction, monitors: list[int]) -> list[Row]:
    return [row for each in monitors if (row := tx.get("incident_states", each)) is not None]


@twin(state_store._WRITE)
def write_states(tx: Transaction, *columns: list[Any]) -> None:
    for at, organization_id, state, settles_at, follow_up_at in zip(*columns, strict=True):
        row = {"monitor_id": at, "organization_id": organization_id, "state": as_json(state)}
        tx.put("incident_states", at, {**row, "settles_at": settles_at, "follow_up_at": follow_up_at})


@twin(state_store._FORGET)
def forget_states(tx: Transaction, monitors: list[int]) -> None:
    for each in monitors:
        tx.put("incident_states", each, None)


def _is_over(tx: Transaction, row: Row, now_ms: int) -> bool:
    return (
        row["follow_up_at"] is not None
        and row["follow_up_at"] <= now_ms
        and not any(
            each["monitor_id"] == row["monitor_id"] and each["kind"] == "follow_up" and each["state"] != "finished"
            for each in tx.rows("check_requests")
        )
    )


@twin(state_store._DUE)
def due_states(tx: Transaction, now_ms: int, most: int) -> list[Row]:
    return [
        {"monitor_id": row["monitor_id"]}
        for row in sorted(tx.rows("incident_states"), key=lambda row: row["monitor_id"])
        if (row["settles_at"] is not None and row["settles_at"] <= now_ms) or _is_over(tx, row, now_ms)
    ][:most]


@twin(state_store._FOLLOW_UPS_OVER)
def follow_ups_over(tx: Transaction, now_ms: int, monitors: list[int]) -> list[Row]:
    rows = [row for each in monitors if (row := tx.get("incident_states", each)) is not None]
    return [{"monitor_id": row["monitor_id"]} for row in rows if _is_over(tx, row, now_ms)]


@twin(state_store._DISABLED)
def disabled_states(tx: Transaction, most: int) -> list[Row]:
    return [
        {"monitor_id": row["monitor_id"]}
        for row in tx.rows("incident_states")
        if (tx.get("monitors", row["monitor_id"]) or {}).get("status") == "disabled"
    ]


@twin(watched_store._READ)
def read_watched(tx: Transaction, monitors: list[int], now_ms: int, joining_ms: int) -> list[Row]:
    found = []
    for each in monitors:
        monitor = tx.get("monitors", each)
        if monitor is None:
            continue
        health = tx.get("monitor_health", each) or {}
        scheduled = [row for row in tx.rows("schedule") if row["monitor_id"] == each and row["active"]]
        outage = tx.get("host_login_outages", monitor["hostname"].lower())
        known = tx.get("login_credentials", monitor["credential_id"]) or {"ever_accepted": False}
        named = ("id", "customer_id", "name", "hostname", "protocol", "status", "interval_ms")
        found.append(
            {
                **{name: monitor[name] for name in named},
                "user_name": monitor["config"].get("user"),
                "eligible": [row["location_id"] for row in scheduled],
                "live": [row["location_id"] for row in scheduled if live_at(tx, row["location_id"], row["protocol"])],
                "in_window": False,
                "host_refuses": outage is not None
                and outage["ended_at"] is None
                and known["ever_accepted"]
                and outage["seen_at"] > now_ms - joining_ms,
                "has_passed": health.get("first_passed_at") is not None,
                "maker_knows": health.get("maker_told_revision") == monitor["revision"],
            }
        )
    return found


@twin(watched_store._MAKER_TOLD)
def maker_told(tx: Transaction, monitors: list[int]) -> None:
    for each in monitors:
        if tx.get("monitor_health", each) is not None:
            revision = (tx.get("monitors", each) or {})["revision"]
            tx.change("monitor_health", each, maker_told_revision=revision)


def _incident(tx: Transaction, row: Row) -> Row:
    group = tx.get("incident_groups", row["group_id"]) or {}
    named = ("id", "monitor_id", "organization_id", "customer_id", "group_id", "quiet", "kind", "phase")
    return {
        **{name: row[name] for name in named},
        "host": group["host"],
        "layer": group["layer"],
        "is_open": row["resolved_at"] is None,
    }


@twin(incident_store._OPEN)
def open_incidents(tx: Transaction, monitors: list[int]) -> list[Row]:
    rows = tx.rows("incidents")
    return [_incident(tx, row) for row in rows if row["monitor_id"] in monitors and row["resolved_at"] is None]


@twin(incident_store._NEWEST)
def newest_incidents(tx: Transaction, monitors: list[int]) -> list[Row]:
    newest: dict[int, Row] = {}
    for row in sorted(tx.rows("incidents"), key=lambda row: row["id"]):
        if row["monitor_id"] in monitors:
            newest[row["monitor_id"]] = row
    return [_incident(tx, row) for _, row in sorted(newest.items())]


@twin(incident_store._JOIN_GROUPS)
def join_groups(tx: Transaction, now_ms: int, *columns: list[Any]) -> list[Row]:
    joined = []
    for organization_id, host, layer in zip(*columns, strict=True):
        name = (organization_id, host, layer)
        tx.lock(("group", name))
        group = next(
            (
                row
                for row in tx.rows("incident_groups")
                if (row["organization_id"], row["host"], row["layer"]) == name and row["resolved_at"] is None
            ),
            None,
        )
        if group is None:
            number = tx.database.next_id()
            made = {"id": number, "public_id": uuid.uuid4(), "organization_id": organization_id, "host": host}
            group = {**made, "layer": layer, "open_members": 0, "opened_at": now_ms, "resolved_at": None}
        tx.put("incident_groups", group["id"], group)
        joined.append(group)
    return joined


@twin(incident_store._COUNT_MEMBERS)
def count_members(tx: Transaction, now_ms: int, ids: list[int], more: list[int]) -> None:
    for each, change in zip(ids, more, strict=True):
        members = (tx.get("incident_groups", each) or {})["open_members"] + change
        tx.change("incident_groups", each, open_members=members, resolved_at=now_ms if members <= 0 else None)


@twin(incident_store._INSERT)
def insert_incidents(tx: Transaction, rows: list[Row]) -> list[Row]:
    new = []
    for row in sorted(as_json(rows), key=lambda row: row["monitor_id"]):
        tx.lock(("open incident", row["monitor_id"]))
        if any(e["monitor_id"] == row["monitor_id"] and e["resolved_at"] is None for e in tx.rows("incidents")):
            continue
        number = tx.database.next_id()
        later = ("resolved_at", "recovered_at", "resolution", "acknowledged_at", "snoozed_until")
        kept = {**row, **dict.fromkeys(later), "id": number, "public_id": uuid.uuid4()}
        kept["monitor_public_id"] = uuid.UUID(row["monitor_public_id"])
        tx.put("incidents", number, kept)
        new.append({"id": number, "monitor_id": row["monitor_id"]})
    return new


@twin(incident_store._CHANGE_CAUSE)
def change_causes(tx: Transaction, ids: list[int], *columns: list[Any]) -> None:
    names = ("kind", "phase", "message", "hint", "server_words", "evidence_check_id", "evidence_slot_at")
    for each, *values in zip(ids, *columns, strict=True):
        tx.change("incidents", each, **dict(zip(names, values, strict=True)))


@twin(incident_store._RESOLVE)
def resolve_incidents(tx: Transaction, ids: list[int], *columns: list[Any]) -> None:
    for each, resolved_at, recovered_at, resolution in zip(ids, *columns, strict=True):
        row = tx.get("incidents", each)
        if row is not None and row["resolved_at"] is None:
            began = {name: min(row[name], resolved_at) for name in ("started_at", "opened_at")}
            tx.change(
                "incidents", each, resolved_at=resolved_at, recovered_at=recovered_at, resolution=resolution, **began
            )


@twin(incident_store._SPEAK_UP)
def speak_up(tx: Transaction, ids: list[int]) -> None:
    for each in ids:
        tx.change("incidents", each, quiet=False)


@twin(incident_store._NOTE)
def note_events(tx: Transaction, now_ms: int, *columns: list[Any]) -> None:
    for _, incident_id, kind, _ in zip(*columns, strict=True):
        number = tx.database.next_id()
        tx.put("incident_events", number, {"id": number, "incident_id": incident_id, "kind": kind, "at": now_ms})


@twin(incident_store._TELL)
def tell(tx: Transaction, now_ms: int, *columns: list[Any]) -> None:
    names = ("organization_id", "customer_id", "monitor_id", "kind", "incident_id", "group_id", "facts")
    for values in zip(*columns, strict=True):
        number = tx.database.next_id()
        row = as_json(dict(zip(names, values, strict=True)))
        tx.put("outbox", number, {**row, "id": number, "at": now_ms, "taken_at": None})
    tx.notes.append(("mailprobe_outbox", ""))


@twin(incident_store._COUNT_OPEN)
def count_open(tx: Transaction) -> list[Row]:
    return [{"count": sum(row["resolved_at"] is None for row in tx.rows("incidents"))}]


@twin(incident_store._LEFT_OVER)
def left_over(tx: Transaction, most: int) -> list[Row]:
    found = []
    for row in sorted(tx.rows("incidents"), key=lambda row: row["monitor_id"]):
        monitor = tx.get("monitors", row["monitor_id"])
        over = monitor is None or monitor["status"] == "disabled" or tx.get("incident_states", monitor["id"]) is None
        if row["resolved_at"] is None and over:
            found.append({"monitor_id": row["monitor_id"], "deleted": monitor is None})
    return found[:most]
