"""What SQL does about check_requests, whichever service asks, over the tables of `memory_database`."""

import uuid
from collections.abc import Iterable
from typing import Any

from services.result_recorder import result_store
from services.result_recorder.incidents import follow_up_store
from services.scheduler import reconcile_store, request_store
from tests.simulation.memory_database import Row, Transaction, twin
from tests.simulation.statements_of_audit import is_missed
from tests.simulation.statements_of_scheduler import OF_MONITOR, key_of, proven

_ASKED_ONCE = ("trigger", "first", "follow_up")


def ask(tx: Transaction, row: Row) -> None:
    """A new row, with the columns' defaults."""
    defaults: Row = dict.fromkeys(
        ("reply_to", "target", "credential_id", "not_after", "revision", "waits_for"), None
    ) | {"state": "waiting", "login_allowed": False, "inserted_at": tx.now_ms}
    tx.put("check_requests", row["check_id"], {**defaults, **row})


def asked(tx: Transaction, monitor_id: int, kind: str, *, location_id: int | None = None) -> Row | None:
    """The one of this kind that waits; its place in the index stays ours until the transaction ends."""
    tx.lock(("asked", monitor_id, location_id, kind))
    return next(
        (
            row
            for row in tx.rows("check_requests")
            if row["state"] == "waiting"
            and row["kind"] == kind
            and row["monitor_id"] == monitor_id
            and location_id in (None, row["location_id"])
        ),
        None,
    )


def _request(tx: Transaction, **columns: Any) -> Row:
    return {"check_id": uuid.uuid4(), **columns}


def has_result(tx: Transaction, row: Row) -> bool:
    return tx.get("results", (row["check_id"], row["slot_at"])) is not None


def _of_check(tx: Transaction, row: Row, credential_id: Any) -> Row:
    monitor = tx.get("monitors", row["monitor_id"])
    named = ("protocol", "interval_ms", *OF_MONITOR)
    return {
        **row,
        "location": (tx.get("locations", row["location_id"]) or {})["code"],
        "published_revision": row["revision"],
        "known_credential_id": row["credential_id"] or (monitor or {}).get("credential_id"),
        "stands": monitor is not None and monitor["status"] != "disabled",
        **{name: monitor[name] if monitor else None for name in named},
        **proven(tx, credential_id),
    }


def _credential(tx: Transaction, row: Row) -> Any:
    return (tx.get("monitors", row["monitor_id"]) or {}).get("credential_id")


@twin(request_store._NEAR_QUEUES)
def near_queues(tx: Transaction, within_ms: int) -> list[Row]:
    found = {
        (row["location_id"], (tx.get("monitors", row["monitor_id"]) or {}).get("protocol"))
        for row in tx.rows("check_requests")
        if row["state"] == "waiting" and row["start_at"] <= tx.now_ms + within_ms
    }
    return [{"location_id": at, "protocol": protocol} for at, protocol in sorted(found, key=str)]


@twin(request_store._NEAR)
def near(tx: Transaction, location_id: int, protocol: str, until: int, most: int) -> list[Row]:
    found = []
    for row in sorted(tx.rows("check_requests"), key=lambda row: (row["kind"] == "scheduled", row["start_at"])):
        here = row["state"] == "waiting" and row["start_at"] <= until and row["location_id"] == location_id
        if not here or tx.is_locked(("check_requests", row["check_id"])):
            continue
        if (tx.get("monitors", row["monitor_id"]) or {}).get("protocol", protocol) != protocol:
            continue
        tx.lock(("check_requests", row["check_id"]))
        found.append({**_of_check(tx, row, _credential(tx, row)), "ended": _has_ended(tx, row)})
    return found[:most]


@twin(request_store._ABANDONED)
def abandoned(tx: Transaction, now_ms: int, most: int) -> list[Row]:
    found = []
    for row in sorted(tx.rows("check_requests"), key=lambda row: row["start_at"]):
        late = row["state"] == "waiting" and row["start_at"] <= now_ms and row["give_up_at"] < now_ms
        if late and not tx.is_locked(("check_requests", row["check_id"])):
            tx.lock(("check_requests", row["check_id"]))
            found.append({**_of_check(tx, row, row["credential_id"] or _credential(tx, row))})
    return found[:most]


_KEPT = [
    "check_id",
    "kind",
    "organization_id",
    "monitor_id",
    "monitor_public_id",
    "location_id",
    "slot_at",
    "start_at",
    "give_up_at",
    "reply_to",
    "state",
    "not_after",
    "revision",
    "login_allowed",
    "waits_for",
    "credential_id",
]
_KEPT_ANEW = [
    "slot_at",
    "start_at",
    "give_up_at",
    "state",
    "not_after",
    "revision",
    "login_allowed",
    "waits_for",
    "credential_id",
]


@twin(request_store._KEEP)
def keep(tx: Transaction, *columns: list[Any]) -> None:
    for values in zip(*columns, strict=True):
        row = dict(zip(_KEPT, values, strict=True))
        if tx.get("check_requests", row["check_id"]) is None:
            ask(tx, row)
        else:
            tx.change("check_requests", row["check_id"], **{name: row[name] for name in _KEPT_ANEW})


@twin(request_store._FINISH)
def finish(tx: Transaction, check_ids: Iterable[Any]) -> None:
    for each in check_ids:
        if tx.get("check_requests", each) is not None:
            tx.change("check_requests", each, state="finished", target=None)


@twin(request_store._FINISH_ANSWERED)
def finish_answered(tx: Transaction) -> None:
    for row in tx.rows("check_requests"):
        if row["state"] == "published" and _has_ended(tx, row):
            tx.change("check_requests", row["check_id"], state="finished", target=None)


def _has_ended(tx: Transaction, row: Row) -> bool:
    return has_result(tx, row) or _is_told_missed(tx, row)


def _is_told_missed(tx: Transaction, row: Row) -> bool:
    if row["kind"] == "scheduled":
        return is_missed(tx, key_of(row), row["slot_at"])
    return any(each["kind"] != "scheduled" and each["check_id"] == row["check_id"] for each in tx.rows("missed"))


@twin(request_store._UNANSWERED)
def unanswered(tx: Transaction, now_ms: int, grace_ms: int, most: int) -> list[Row]:
    found = []
    for row in tx.rows("check_requests"):
        if row["state"] != "published":
            continue
        timeout = (tx.get("monitors", row["monitor_id"]) or {"timeout_seconds": 60})["timeout_seconds"] * 1000
        if row["not_after"] + timeout + grace_ms > now_ms:
            continue
        grant = next((g for g in tx.rows("login_grants") if g["check_id"] == row["check_id"]), {})
        known = _of_check(tx, row, row["credential_id"] or _credential(tx, row))
        found.append({**known, "granted_host": grant.get("host"), "granted_user": grant.get("user_name")})
    return sorted(found, key=lambda row: row["not_after"])[:most]


@twin(request_store._PULL_BACK)
def pull_back(tx: Transaction, location_id: int, latest: int) -> None:
    for row in tx.rows("check_requests"):
        if row["location_id"] == location_id and row["state"] == "published" and row["not_after"] > latest:
            tx.change("check_requests", row["check_id"], not_after=latest)


@twin(request_store._DELETE_OLD)
def delete_old(tx: Transaction, before: int, most: int) -> int:
    old = [row for row in tx.rows("check_requests") if row["state"] == "finished" and row["inserted_at"] < before]
    for row in old[:most]:
        tx.put("check_requests", row["check_id"], None)
    return len(old[:most])


@twin(request_store._RESERVED)
def reserved(tx: Transaction) -> list[Row]:
    return [
        {"host": monitor["hostname"].lower(), "check_id": row["check_id"], "start_at": row["start_at"]}
        for row in sorted(tx.rows("check_requests"), key=lambda row: row["start_at"])
        if row["state"] == "waiting"
        and row["kind"] == "scheduled"
        and row["waits_for"] in ("paced", "outage")
        and (monitor := tx.get("monitors", row["monitor_id"])) is not None
    ]


@twin(request_store._LAST_CHECKED)
def last_checked(tx: Transaction, monitors: list[int], locations: list[int]) -> list[Row]:
    rows = [tx.get("location_health", place) for place in zip(monitors, locations, strict=True)]
    return [row for row in rows if row is not None]


@twin(request_store._RECORDED)
def recorded(tx: Transaction, check_ids: list[Any], slots: list[int]) -> list[Row]:
    return [
        {"check_id": each}
        for each, slot in zip(check_ids, slots, strict=True)
        if tx.get("results", (each, slot)) is not None or tx.get("login_history", each) is not None
    ]


@twin(reconcile_store._ASK_FOR_FIRST)
def ask_for_first(tx: Transaction, kind: str, monitors: list[int], locations: list[int], *columns: Any) -> None:
    organizations, public_ids, starts, give_up_ms = columns
    for at, location_id, organization_id, public_id, start_at in zip(
        monitors, locations, organizations, public_ids, starts, strict=True
    ):
        known = tx.get("monitor_health", at) is not None
        if known or any(key_of(row) == (at, location_id) for row in tx.rows("check_requests")):
            continue
        ask(
            tx,
            _request(
                tx,
                kind=kind,
                organization_id=organization_id,
                monitor_id=at,
                monitor_public_id=public_id,
                location_id=location_id,
                slot_at=start_at,
                start_at=start_at,
                give_up_at=start_at + give_up_ms,
            ),
        )


@twin(follow_up_store._WITHDRAW)
def withdraw(tx: Transaction, monitors: list[int]) -> None:
    for row in tx.rows("check_requests"):
        if row["monitor_id"] in monitors and row["kind"] == "follow_up" and row["state"] == "waiting":
            tx.put("check_requests", row["check_id"], None)


@twin(follow_up_store._ASK)
def ask_follow_up(tx: Transaction, give_up_ms: int, *columns: list[Any]) -> None:
    for check_id, organization_id, at, public_id, location_id, start_at in zip(*columns, strict=True):
        if asked(tx, at, "follow_up", location_id=location_id) is None:
            ask(
                tx,
                {
                    "check_id": check_id,
                    "kind": "follow_up",
                    "organization_id": organization_id,
                    "monitor_id": at,
                    "monitor_public_id": public_id,
                    "location_id": location_id,
                    "slot_at": start_at,
                    "start_at": start_at,
                    "give_up_at": start_at + give_up_ms,
                },
            )


@twin(follow_up_store._TELL)
def tell_scheduler(tx: Transaction) -> None:
    tx.notes.append(("mailprobe_requests", ""))


@twin(result_store._FINISH_TESTS)
def finish_tests(tx: Transaction, check_ids: list[Any]) -> None:
    return None
