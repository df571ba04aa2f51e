"""What SQL does about logins, grants, the ladder and hosts that refuse everybody, over `memory_database`.

For the scheduler, which asks, and for the recorder, which keeps how logins went.
"""

import uuid
from typing import Any

from services.result_recorder import host_outage_store, login_store
from services.scheduler import login_store as granting_store
from tests.simulation.memory_database import Row, Transaction, twin
from tests.simulation.statements_of_requests import ask, asked, has_result
from tests.simulation.statements_of_scheduler import key_of, live_at


def _history(tx: Transaction) -> list[Row]:
    return sorted(tx.rows("login_history"), key=lambda row: (row["at_ms"], row["check_id"]))


@twin(granting_store._EVENTS, login_store._EVENTS)
def events(tx: Transaction, hosts: list[str], users: list[str], since: int) -> list[Row]:
    accounts = set(zip(hosts, users, strict=True))
    return [
        row
        for row in _history(tx)
        if (row["host"], row["user_name"]) in accounts and row["at_ms"] > since and row["outcome"] != "undecided"
    ]


@twin(granting_store._HOST_REFUSALS, login_store._HOST_REFUSALS)
def host_refusals(tx: Transaction, hosts: list[str], since: int) -> list[Row]:
    return [
        row
        for row in _history(tx)
        if row["host"] in hosts
        and row["at_ms"] > since
        and row["outcome"] in ("refused", "unknown")
        and not (tx.get("login_credentials", row["credential_id"]) or {}).get("ever_accepted", False)
    ]


@twin(granting_store._OUTAGES, host_outage_store._READ)
def outages(tx: Transaction, hosts: list[str]) -> list[Row]:
    return [row for row in tx.rows("host_login_outages") if row["host"] in hosts]


@twin(granting_store._WITH_REFUSAL)
def with_refusal(tx: Transaction, monitors: list[int]) -> list[Row]:
    found = {
        row["monitor_id"]
        for row in tx.rows("location_health")
        if row["monitor_id"] in monitors and row["last_refusal"] is not None
    }
    return [{"monitor_id": each} for each in sorted(found)]


@twin(granting_store._TAKE)
def take_grants(tx: Transaction, *columns: Any) -> list[Row]:
    *wanted, now_ms = columns
    given = []
    for host, user, check_id, slot_at, expires_at in sorted(zip(*wanted, strict=True), key=lambda want: want[:2]):
        if has_result(tx, {"check_id": check_id, "slot_at": slot_at}) or tx.get("login_history", check_id) is not None:
            continue
        tx.lock(("login_grants", (host, user)))
        held = tx.get("login_grants", (host, user))
        if held is not None and (held["check_id"] == check_id or not _has_ended(tx, held, now_ms)):
            continue
        grant = {"host": host, "user_name": user, "check_id": check_id, "slot_at": slot_at, "expires_at": expires_at}
        tx.put("login_grants", (host, user), grant)
        given.append({"check_id": check_id})
    return given


def _has_ended(tx: Transaction, grant: Row, now_ms: int) -> bool:
    request = tx.get("check_requests", grant["check_id"])
    state = request["state"] if request else None
    return (
        has_result(tx, grant)
        or tx.get("login_history", grant["check_id"]) is not None
        or (request is not None and state == "finished" and request["not_after"] is not None)
        or (grant["expires_at"] < now_ms and state != "published")
    )


@twin(granting_store._RELEASE)
def release_grants(tx: Transaction, check_ids: list[Any], hosts: list[str], users: list[str]) -> None:
    for check_id, *account in zip(check_ids, hosts, users, strict=True):
        held = tx.get("login_grants", tuple(account))
        if held is not None and held["check_id"] == check_id:
            tx.put("login_grants", tuple(account), None)


@twin(granting_store._PULL_BACK)
def pull_grants_back(tx: Transaction, latest: int) -> None:
    for row in tx.rows("login_grants"):
        if row["expires_at"] > latest:
            tx.change("login_grants", (row["host"], row["user_name"]), expires_at=latest)


@twin(granting_store._BUSY_UNTIL)
def busy_until(tx: Transaction, hosts: list[str], users: list[str]) -> list[Row]:
    rows = [tx.get("login_grants", account) for account in zip(hosts, users, strict=True)]
    return [row for row in rows if row is not None]


def next_rung(tx: Transaction, row: Row, *, only_earlier: bool) -> bool:
    """Insert the ladder's next try of a monitor, or move the one that waits."""
    waiting = asked(tx, row["monitor_id"], "ladder")
    if waiting is None:
        ask(tx, row)
        return True
    if only_earlier and waiting["start_at"] <= row["start_at"]:
        return False
    moved = {name: row[name] for name in ("check_id", "slot_at", "start_at", "give_up_at", "location_id")}
    if only_earlier:
        moved["location_id"] = waiting["location_id"]
    tx.put("check_requests", waiting["check_id"], None)
    tx.put("check_requests", row["check_id"], {**waiting, **moved})
    return True


def rung(waiting: Row, *, at: int, give_up_ms: int) -> Row:
    """Another try in place of one that waits."""
    return {
        "check_id": uuid.uuid4(),
        "kind": "ladder",
        **{name: waiting[name] for name in ("organization_id", "monitor_id", "monitor_public_id", "location_id")},
        "slot_at": at,
        "start_at": at,
        "give_up_at": at + give_up_ms,
    }


@twin(login_store._RUNG_LOCATIONS)
def rung_locations(tx: Transaction, monitors: list[int]) -> list[Row]:
    best: dict[int, tuple[int, int]] = {}
    for row in tx.rows("schedule"):
        at = row["monitor_id"]
        if at not in monitors or not row["active"] or not live_at(tx, row["location_id"], row["protocol"]):
            continue
        refusal = (tx.get("location_health", key_of(row)) or {}).get("last_refusal")
        order = (refusal["at_ms"] if refusal else -1, row["location_id"])
        best[at] = min(best.get(at, order), order)
    return [{"monitor_id": at, "location_id": location_id} for at, (_, location_id) in sorted(best.items())]


@twin(login_store._SET_RUNGS)
def set_rungs(tx: Transaction, give_up_ms: int, *columns: list[Any]) -> None:
    names = ("check_id", "organization_id", "monitor_id", "monitor_public_id", "location_id", "start_at")
    for values in zip(*columns, strict=True):
        row = dict(zip(names, values, strict=True))
        at = row["start_at"]
        next_rung(tx, {**row, "kind": "ladder", "slot_at": at, "give_up_at": at + give_up_ms}, only_earlier=False)


@twin(login_store._KNOWN)
def known_outcomes(tx: Transaction, *columns: list[Any]) -> list[Row]:
    return [
        {
            "place": place,
            "of_check": (tx.get("login_history", check_id) or {}).get("outcome"),
            "of_credential": (tx.get("login_credentials", credential_id) or {}).get("outcome"),
        }
        for place, check_id, credential_id in zip(*columns, strict=True)
    ]


@twin(login_store._LATER_ACCEPTANCE)
def later_acceptances(tx: Transaction, *columns: list[Any]) -> list[Row]:
    found = []
    for place, at, revision, at_ms in zip(*columns, strict=True):
        later = [
            row
            for row in tx.rows("results")
            if row["monitor_id"] == at
            and row["revision"] == revision
            and row["slot_at"] > at_ms - 600_000
            and row["started_at"] > at_ms
            and row["detail"]["login"] == "accepted"
        ]
        if later:
            newest = max(later, key=lambda row: row["slot_at"])
            found.append({"place": place, "check_id": newest["check_id"], "started_at": newest["started_at"]})
    return found


@twin(login_store._INSERT_HISTORY)
def insert_history(tx: Transaction, *columns: list[Any]) -> list[Row]:
    names = ["check_id", "organization_id", "host", "user_name", "credential_id", "outcome", "at_ms"]
    new = []
    for values in zip(*columns, strict=True):
        row = dict(zip(names, values, strict=True))
        tx.lock(("login_history", row["check_id"]))
        known = tx.get("login_history", row["check_id"])
        if known is None:
            tx.put("login_history", row["check_id"], row)
        elif known["outcome"] == "unknown" and row["outcome"] != "unknown":
            tx.change("login_history", row["check_id"], outcome=row["outcome"], at_ms=row["at_ms"])
        else:
            continue
        new.append({"check_id": row["check_id"]})
    return new


@twin(login_store._CREDENTIALS_BEFORE)
def credentials_before(tx: Transaction, ids: list[Any]) -> list[Row]:
    return [row for each in ids if (row := tx.get("login_credentials", each)) is not None]


@twin(login_store._UPDATE_CREDENTIALS)
def update_credentials(tx: Transaction, hosts: list[str], users: list[str], ids: list[Any]) -> list[Row]:
    accounts = set(zip(hosts, users, strict=True))
    updated = []
    for each in sorted(ids):
        events = [
            row
            for row in tx.rows("login_history")
            if row["credential_id"] == each
            and (row["host"], row["user_name"]) in accounts
            and row["outcome"] != "undecided"
        ]
        if not events:
            continue
        newest = max(events, key=lambda row: (row["at_ms"], row["check_id"]))
        before = tx.get("login_credentials", each) or {"ever_accepted": False}
        row = {**newest, "ever_accepted": before["ever_accepted"] or any(e["outcome"] == "accepted" for e in events)}
        row = {**row, **{name: before[name] for name in ("host", "user_name") if name in before}}
        tx.put("login_credentials", each, row)
        updated.append({name: row[name] for name in ("credential_id", "outcome", "ever_accepted")})
    return updated


@twin(login_store._HASTEN)
def hasten(tx: Transaction, now_ms: int, give_up_ms: int, hosts: list[str], users: list[str]) -> list[Row]:
    accounts = set(zip(hosts, users, strict=True))
    moved = []
    for row in _rungs_later_than(tx, now_ms):
        known = _credential(tx, row)
        behind = (
            known is not None and known["outcome"] != "accepted" and (known["host"], known["user_name"]) in accounts
        )
        if behind and next_rung(tx, rung(row, at=now_ms, give_up_ms=give_up_ms), only_earlier=True):
            moved.append({"monitor_id": row["monitor_id"]})
    return moved


@twin(host_outage_store._LIFT)
def lift(tx: Transaction, now_ms: int, hosts: list[str], give_up_ms: int, apart_ms: int, turns: int) -> list[Row]:
    moved = []
    for row in _rungs_later_than(tx, now_ms):
        known = _credential(tx, row) or {"outcome": "accepted"}
        if known["outcome"] == "accepted" or known["host"] not in hosts:
            continue
        outage = tx.get("host_login_outages", known["host"])
        at = now_ms + apart_ms * (sum(known["user_name"].encode()) % turns)
        if outage is None or known["at_ms"] < outage["began_at"] or row["start_at"] <= at:
            continue
        if next_rung(tx, rung(row, at=at, give_up_ms=give_up_ms), only_earlier=True):
            moved.append({"monitor_id": row["monitor_id"]})
    return moved


def _rungs_later_than(tx: Transaction, now_ms: int) -> list[Row]:
    return [
        row
        for row in sorted(tx.rows("check_requests"), key=lambda row: row["monitor_id"])
        if row["state"] == "waiting" and row["kind"] == "ladder" and row["start_at"] > now_ms
    ]


def _credential(tx: Transaction, row: Row) -> Row | None:
    monitor = tx.get("monitors", row["monitor_id"])
    return tx.get("login_credentials", monitor["credential_id"]) if monitor else None


@twin(host_outage_store._FIRST_REFUSALS)
def first_refusals(tx: Transaction, hosts: list[str], since: int) -> list[Row]:
    first: dict[tuple[str, str], int] = {}
    for row in tx.rows("login_history"):
        known = tx.get("login_credentials", row["credential_id"])
        if known is None or row["host"] not in hosts or row["at_ms"] <= since or row["outcome"] != "refused":
            continue
        before = [
            each
            for each in tx.rows("login_history")
            if each["credential_id"] == row["credential_id"]
            and (each["host"], each["user_name"]) == (row["host"], row["user_name"])
            and each["at_ms"] < row["at_ms"]
            and each["outcome"] != "undecided"
        ]
        last = max(before, key=lambda each: each["at_ms"])["outcome"] if before else "accepted"
        if known["ever_accepted"] and known["outcome"] in ("refused", "unknown") and last == "accepted":
            account = (row["host"], row["user_name"])
            first[account] = min(first.get(account, row["at_ms"]), row["at_ms"])
    return [{"host": host, "user_name": user, "at_ms": at} for (host, user), at in sorted(first.items())]


@twin(host_outage_store._WRITE)
def write_outage(tx: Transaction, host: str, began_at: int, seen_at: int, sentinels: list[str]) -> None:
    row = {"host": host, "began_at": began_at, "seen_at": seen_at, "sentinels": sentinels, "ended_at": None}
    tx.put("host_login_outages", host, row)


@twin(host_outage_store._END)
def end_outages(tx: Transaction, hosts: list[str], users: list[str], times: list[int], now_ms: int) -> list[Row]:
    ended = []
    for row in tx.rows("host_login_outages"):
        let_in = any(
            (event["host"], event["user_name"]) == (host, user)
            and event["outcome"] in ("refused", "unknown")
            and row["began_at"] <= event["at_ms"] < at
            for host, user, at in zip(hosts, users, times, strict=True)
            if host == row["host"]
            for event in tx.rows("login_history")
        )
        if row["ended_at"] is None and let_in:
            tx.change("host_login_outages", row["host"], ended_at=now_ms)
            ended.append({"host": row["host"]})
    return ended
