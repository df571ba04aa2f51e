"""What the notifier's SQL does about the outbox, deliveries and channels, over `memory_database`."""

from typing import Any

from services.notifier import audience_store, clock_store, delivery_store, newcomer_store, ripening_store, thread_store
from services.notifier.content import Incident
from tests.simulation.memory_database import Row, Transaction, twin
from tests.simulation.statements_of_recorder import as_json

_OF_THREADS = ("opened", "update", "reminder", "resolved")


@twin(thread_store._LOCK)
def plan_alone(tx: Transaction) -> list[Row]:
    free = not tx.is_locked("planning")
    if free:
        tx.lock("planning")
    return [{"locked": free}]


@twin(thread_store._OUTBOX)
def take_outbox(tx: Transaction, most: int, but: list[int]) -> list[Row]:
    named = ("id", "organization_id", "customer_id", "monitor_id", "kind", "incident_id", "group_id", "at", "facts")
    rows = [
        row
        for row in sorted(tx.rows("outbox"), key=lambda row: row["id"])
        if row["taken_at"] is None and row["id"] not in but and not tx.is_locked(("outbox", row["id"]))
    ][:most]
    for row in rows:
        tx.lock(("outbox", row["id"]))
    return [{name: row[name] for name in named} for row in rows]


@twin(thread_store._TAKEN)
def mark_taken(tx: Transaction, ids: list[int], now_ms: int) -> None:
    for each in ids:
        tx.change("outbox", each, taken_at=now_ms)


@twin(thread_store._FORGET, thread_store._FORGET_CONTENT)
def forget(tx: Transaction, before_ms: int) -> None:
    return None


@twin(thread_store._PENDING)
def outbox_pending(tx: Transaction) -> list[Row]:
    return [{"count": sum(row["taken_at"] is None for row in tx.rows("outbox"))}]


@twin(thread_store._NOTICES)
def notices(tx: Transaction, group_ids: list[int], target: str | None) -> list[Row]:
    found = []
    for row in sorted(tx.rows("deliveries"), key=lambda row: row["id"]):
        if row["group_id"] not in group_ids or row["event"] not in _OF_THREADS or row["state"] == "withdrawn":
            continue
        if row["fallback_for"] is None and target in (None, row["target"]):
            links = [each for each in tx.rows("delivery_incidents") if each["delivery_id"] == row["id"]]
            about = {
                name: [each["incident_id"] for each in links if each["transition"] == name]
                for name in ("opened", "resolved")
            }
            found.append({**row, **about})
    return found


@twin(thread_store._TARGET_OF)
def target_of(tx: Transaction, key: str) -> list[Row]:
    return [max((row for row in tx.rows("deliveries") if row["target"] == key), key=lambda row: row["id"])]


@twin(thread_store._STILL_OPEN)
def still_open(tx: Transaction, ids: list[int]) -> list[Row]:
    return [{"id": row["id"]} for row in tx.rows("incidents") if row["id"] in ids and row["resolved_at"] is None]


def _deliver(tx: Transaction, **columns: Any) -> Row:
    number = tx.database.next_id()
    unset = ("content", "trial", "leased_until", "sent_at", "error", "sent_with", "told_at", "fallback_for", "group_id")
    row = {**dict.fromkeys(unset), "state": "pending", "attempts": 0, "incidents": 0, "facts": {}, **columns}
    row |= {"id": number, "target": f"channel {columns['channel_id']}"}
    tx.put("deliveries", number, row)
    return row


@twin(thread_store._INSERT)
def insert_deliveries(tx: Transaction, *columns: list[Any]) -> list[Row]:
    names = [
        "public_id",
        "organization_id",
        "channel_id",
        "address",
        "channel_type",
        "channel_name",
        "group_id",
        "event",
        "created_at",
        "due_at",
        "give_up_at",
        "facts",
    ]
    rows = [_deliver(tx, **dict(zip(names, values, strict=True))) for values in zip(*columns, strict=True)]
    return [{"id": row["id"], "public_id": row["public_id"]} for row in rows]


@twin(thread_store._CHANGE)
def change_notices(tx: Transaction, *columns: Any) -> None:
    *each, lifetime = columns
    for number, due_at, gone in zip(*each, strict=True):
        row = tx.get("deliveries", number)
        if row is not None and row["state"] == "pending":
            state = "withdrawn" if gone else row["state"]
            tx.change("deliveries", number, due_at=due_at, give_up_at=due_at + lifetime, state=state)


@twin(thread_store._UNLINK)
def unlink(tx: Transaction, *columns: list[Any]) -> None:
    for key in zip(*columns, strict=True):
        tx.put("delivery_incidents", key, None)


@twin(thread_store._LINK)
def link(tx: Transaction, *columns: list[Any]) -> None:
    for delivery, incident, _, transition in zip(*columns, strict=True):
        row = {"delivery_id": delivery, "incident_id": incident, "transition": transition}
        tx.put("delivery_incidents", (delivery, incident, transition), row)


# Whom to tell


@twin(audience_store._CHANNELS)
def channels(tx: Transaction, organizations: list[int]) -> list[Row]:
    return [row for row in tx.rows("notification_channels") if row["organization_id"] in organizations]


@twin(audience_store._PACKAGES)
def packages(tx: Transaction, customers: list[int]) -> list[Row]:
    package = tx.get("package_configs", 1) or {}
    return [{**package, "id": each} for each in customers]


@twin(audience_store._NOBODY, audience_store._ADDRESSES, audience_store._MAINTENANCE, newcomer_store._MAKERS)
def nobody(tx: Transaction, *_: Any) -> list[Row]:
    return []


@twin(newcomer_store._WAITING, newcomer_store._STILL_FAILING, newcomer_store._WITHDRAW)
def no_newcomers(tx: Transaction, *_: Any) -> list[Row]:
    return []


@twin(audience_store._INCIDENTS)
def incidents(tx: Transaction, ids: list[int]) -> list[Row]:
    named = (*Incident.model_fields, "organization_id", "group_id", "acknowledged_at", "snoozed_until")
    rows = [{**row, "customer_name": None} for row in tx.rows("incidents") if row["id"] in ids]
    return [{name: row[name] for name in named} for row in rows]


@twin(audience_store._DOWN)
def down(tx: Transaction, monitors: list[int]) -> list[Row]:
    rows = tx.rows("incidents")
    found = {row["monitor_id"] for row in rows if row["monitor_id"] in monitors and row["resolved_at"] is None}
    return [{"monitor_id": each} for each in sorted(found)]


@twin(audience_store._GROUPS)
def groups(tx: Transaction, ids: list[int]) -> list[Row]:
    return [row for each in ids if (row := tx.get("incident_groups", each)) is not None]


# Ripening


def _waits(row: Row, now_ms: int) -> bool:
    return row["state"] == "pending" and row["told_at"] is None and row["due_at"] <= now_ms


@twin(ripening_store._RIPE_TARGETS)
def ripe_targets(tx: Transaction, now_ms: int, held: list[str], most: int) -> list[Row]:
    due: dict[str, list[Row]] = {}
    for row in tx.rows("deliveries"):
        if _waits(row, now_ms) and row["target"] not in held and not on_its_way(tx, row["target"]):
            due.setdefault(row["target"], []).append(row)
    ordered = sorted(due.items(), key=lambda item: min(row["due_at"] for row in item[1]))
    return [{0: target, 1: rows[0]["channel_type"]} for target, rows in ordered][:most]


def on_its_way(tx: Transaction, target: str) -> bool:
    """Whether what this target was told last has not arrived yet."""
    return any(
        row["target"] == target
        and row["state"] == "pending"
        and row["told_at"] is not None
        and row["sent_with"] is None
        and row["fallback_for"] is None
        for row in tx.rows("deliveries")
    )


@twin(ripening_store._RIPE)
def ripe(tx: Transaction, target: str, now_ms: int, most: int) -> list[Row]:
    named = [
        "id",
        "public_id",
        "organization_id",
        "channel_id",
        "address",
        "channel_type",
        "channel_name",
        "group_id",
        "event",
        "due_at",
        "facts",
    ]
    rows = [row for row in tx.rows("deliveries") if row["target"] == target and _waits(row, now_ms)]
    return [{name: row[name] for name in named} for row in sorted(rows, key=lambda row: row["id"])][:most]


@twin(ripening_store._TOLD_LATELY)
def told_lately(tx: Transaction, target: str, since: int) -> list[Row]:
    rows = [
        row
        for row in tx.rows("deliveries")
        if row["target"] == target and (row["told_at"] or 0) > since and row["fallback_for"] is None
    ]
    digests = [row["told_at"] for row in rows if row["event"] == "digest"]
    singles = sum(row["event"] != "digest" and row["sent_with"] is None for row in rows)
    return [{"singles": singles, "last_digest_at": max(digests, default=None)}]


@twin(ripening_store._WITHDRAW_ORPHANS)
def withdraw_orphans(tx: Transaction, now_ms: int) -> None:
    return None


@twin(ripening_store._GIVE_UP)
def give_up(tx: Transaction, number: int, now_ms: int, error: str) -> None:
    tx.change("deliveries", number, state="failed", told_at=now_ms, error=error)


@twin(clock_store._MESSAGES)
def pull_back_messages(tx: Transaction, now_ms: int, latest_ms: int) -> None:
    for row in list(tx.rows("deliveries")):
        told_ahead = row["told_at"] is not None and row["told_at"] > latest_ms
        if told_ahead or row["created_at"] > latest_ms:
            by_ms = max(0, row["created_at"] - now_ms)
            tx.change(
                "deliveries",
                row["id"],
                due_at=min(row["due_at"], now_ms) if told_ahead else row["due_at"] - by_ms,
                give_up_at=row["give_up_at"] - by_ms,
                created_at=min(row["created_at"], now_ms),
                told_at=None if row["told_at"] is None else min(row["told_at"], now_ms),
            )


@twin(clock_store._TRIES)
def pull_back_tries(tx: Transaction, now_ms: int, latest_ms: int) -> None:
    for row in list(tx.rows("deliveries")):
        if row["state"] == "pending" and row["told_at"] is not None and row["due_at"] > latest_ms:
            tx.change("deliveries", row["id"], due_at=now_ms)


@twin(clock_store._LEASES)
def pull_back_leases(tx: Transaction, until_ms: int) -> None:
    for row in list(tx.rows("deliveries")):
        if row["state"] == "pending" and (row["leased_until"] or 0) > until_ms:
            tx.change("deliveries", row["id"], leased_until=until_ms)


@twin(clock_store._RESTS)
def pull_back_rests(tx: Transaction, now_ms: int, latest_ms: int) -> None:
    for row in list(tx.rows("notification_channels")):
        if (row["resting_until"] or 0) > latest_ms:
            tx.change("notification_channels", row["id"], resting_until=now_ms)


@twin(ripening_store._FIX)
def fix(tx: Transaction, number: int, now_ms: int, give_up_at: int, content: Row, incidents: int) -> None:
    row = tx.get("deliveries", number)
    if row is not None and row["state"] == "pending":
        said = {"content": as_json(content), "incidents": incidents}
        tx.change("deliveries", number, told_at=now_ms, due_at=now_ms, give_up_at=give_up_at, **said)


@twin(ripening_store._INSERT_DIGEST)
def insert_digest(
    tx: Transaction, first: int, public_id: Any, now_ms: int, give_up_at: int, content: Row, incidents: int
) -> list[Row]:
    like = tx.get("deliveries", first) or {}
    same = {name: like[name] for name in ("organization_id", "channel_id", "address", "channel_type", "channel_name")}
    times = {"created_at": now_ms, "due_at": now_ms, "give_up_at": give_up_at, "told_at": now_ms}
    said = {"content": as_json(content), "incidents": incidents}
    return [{"id": _deliver(tx, public_id=public_id, event="digest", **same, **times, **said)["id"]}]


@twin(ripening_store._JOIN_DIGEST)
def join_digest(tx: Transaction, ids: list[int], counts: list[int], now_ms: int, digest: int) -> None:
    for each, count in zip(ids, counts, strict=True):
        if (tx.get("deliveries", each) or {})["state"] == "pending":
            tx.change("deliveries", each, told_at=now_ms, incidents=count, sent_with=digest)


# Sending


@twin(delivery_store._LEASE)
def lease(tx: Transaction, most: int, lease_ms: int) -> list[Row]:
    now = tx.now_ms
    due = []
    for row in tx.rows("deliveries"):
        channel = tx.get("notification_channels", row["channel_id"]) or {}
        if (
            row["state"] == "pending"
            and row["due_at"] <= now
            and row["told_at"] is not None
            and row["sent_with"] is None
            and (row["leased_until"] or 0) <= now
            and (channel["resting_until"] or 0) <= now
            and not tx.is_locked(("deliveries", row["id"]))
        ):
            due.append(row)
    named = [
        "id",
        "public_id",
        "organization_id",
        "channel_id",
        "address",
        "channel_type",
        "channel_name",
        "trial",
        "event",
        "content",
        "attempts",
        "give_up_at",
        "fallback_for",
    ]
    leased = []
    for row in sorted(due, key=lambda row: (row["due_at"], row["id"]))[:most]:
        changed = tx.change("deliveries", row["id"], leased_until=now + lease_ms, attempts=row["attempts"] + 1)
        leased.append({**{name: changed[name] for name in named}, "now_ms": now})
    return leased


@twin(delivery_store._CHANNELS)
def sending_channels(tx: Transaction, ids: list[int]) -> list[Row]:
    named = ("id", "public_id", "type", "config", "sealed_secrets", "failures", "resting_until")
    fallback = dict.fromkeys(("fallback_id", "fallback_type", "fallback_name"))
    rows = [tx.get("notification_channels", each) for each in ids]
    return [{**{name: row[name] for name in named}, **fallback} for row in rows if row is not None]


@twin(delivery_store._SENT)
def mark_sent(tx: Transaction, number: int, remark: str | None) -> None:
    for row in tx.rows("deliveries"):
        if number in (row["id"], row["sent_with"]) and row["state"] == "pending":
            tx.change("deliveries", row["id"], state="sent", sent_at=tx.now_ms, leased_until=None)


@twin(delivery_store._RETRY)
def mark_retry(tx: Transaction, number: int, attempts: int, due_at: int, error: str) -> None:
    row = tx.get("deliveries", number) or {}
    if row["attempts"] == attempts and row["state"] == "pending":
        tx.change("deliveries", number, due_at=due_at, error=error, leased_until=None)


@twin(delivery_store._FAILED)
def mark_failed(tx: Transaction, number: int, attempts: int, error: str) -> None:
    for row in tx.rows("deliveries"):
        ours = (row["id"], row["attempts"]) == (number, attempts) or row["sent_with"] == number
        if ours and row["state"] == "pending":
            tx.change("deliveries", row["id"], state="failed", error=error, leased_until=None)


@twin(delivery_store._CHANNEL_TOOK)
def channel_took(tx: Transaction, number: int) -> None:
    tx.change("notification_channels", number, failures=0, resting_until=None)


@twin(delivery_store._CHANNEL_REFUSED)
def channel_refused(tx: Transaction, number: int, failures: int, error: str, resting_until: int | None) -> None:
    tx.change("notification_channels", number, failures=failures, resting_until=resting_until)
