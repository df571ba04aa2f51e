"""What the scheduler's SQL does, over the tables of `memory_database`: lease, schedule, queues.

Rows and columns are those of the migrations. The audit and the reconciliation are in `statements_of_audit`, what waits
in check_requests in `statements_of_requests`.
"""

from collections.abc import Iterator
from typing import Any

from services.scheduler import lease_store, location_store, schedule_store, upkeep_store
from tests.simulation.memory_database import Row, Transaction, twin

LEASE = ("shard_leases", 0)
_FENCE_ON = ("shard_leases", "key")


@twin(lease_store._TRY_LOCK)
def try_lock(tx: Transaction, lock_class: int, shard: int) -> list[Row]:
    holder = tx.database.session_locks.setdefault((lock_class, shard), tx.session)
    return [{"locked": holder is tx.session}]


@twin(lease_store._UNLOCK)
def unlock(tx: Transaction, lock_class: int, shard: int) -> None:
    if tx.database.session_locks.get((lock_class, shard)) is tx.session:
        del tx.database.session_locks[lock_class, shard]


@twin(lease_store._LOCK_LEASE)
def lock_lease(tx: Transaction, shard: int) -> None:
    tx.lock(_FENCE_ON)


@twin(lease_store._RAISE_EPOCH)
def raise_epoch(tx: Transaction, shard: int, holder: str) -> list[Row]:
    lease = tx.change(*LEASE, holder=holder, epoch=(tx.get(*LEASE) or {})["epoch"] + 1)
    return [{"epoch": lease["epoch"]}]


@twin(lease_store._FENCE)
def fence(tx: Transaction, shard: int, epoch: int) -> list[Row]:
    tx.share(_FENCE_ON)
    tx.epoch = epoch
    lease = tx.get(*LEASE)
    return [{"clock_ms": tx.now_ms}] if lease and lease["epoch"] == epoch else []


@twin("SELECT clock_ms()")
def clock(tx: Transaction) -> list[Row]:
    return [{"clock_ms": tx.now_ms}]


@twin("SELECT 1", "SET lock_timeout = '20000'")
def nothing(tx: Transaction, *_: Any) -> None:
    return None


@twin(lease_store._AUDITED_UNTIL)
def audited_until(tx: Transaction, shard: int, epoch: int) -> list[Row]:
    lease = tx.get(*LEASE)
    return [{"audited_until": lease["audited_until"]}] if lease and lease["epoch"] == epoch else []


@twin(lease_store._SET_AUDITED_UNTIL)
def set_audited_until(tx: Transaction, shard: int, epoch: int, until: int) -> list[Row]:
    lease = tx.get(*LEASE)
    if lease is None or lease["epoch"] != epoch:
        return []
    tx.change(*LEASE, audited_until=until)
    return [{"epoch": epoch}]


# The schedule


def of_queue(tx: Transaction, location_id: int, protocol: str) -> Iterator[Row]:
    """Its active rows in the order of ids."""
    for row in sorted(tx.rows("schedule"), key=lambda row: row["monitor_id"]):
        if row["active"] and row["location_id"] == location_id and row["protocol"] == protocol:
            yield row


@twin(schedule_store._INTERVALS)
def intervals(tx: Transaction, location_id: int, protocol: str) -> list[Row]:
    return [
        {"interval_ms": each} for each in sorted({row["interval_ms"] for row in of_queue(tx, location_id, protocol)})
    ]


@twin(schedule_store._CLAIM)
def claim(
    tx: Transaction,
    intervals: list[int],
    lowest: list[int],
    highest: list[int],
    location_id: int,
    protocol: str,
    until: int,
    most: int,
) -> list[Row]:
    ranges = list(zip(intervals, lowest, highest, strict=True))
    claimed: list[Row] = []
    looked_at = 0
    for row in of_queue(tx, location_id, protocol):
        slot = until - (until - row["phase_ms"]) % row["interval_ms"]
        fits = any(row["interval_ms"] == each and low <= row["phase_ms"] <= high for each, low, high in ranges)
        if not fits or row["last_slot"] >= slot or looked_at == most:
            continue
        looked_at += 1
        monitor = tx.get("monitors", row["monitor_id"])
        if monitor is None or monitor["status"] == "disabled":
            continue
        more = (slot - row["last_slot"]) // row["interval_ms"]
        tx.change("schedule", key_of(row), last_slot=slot, slots_claimed=row["slots_claimed"] + more)
        claimed.append(
            {
                **{name: row[name] for name in ("monitor_id", "location_id", "organization_id", "monitor_public_id")},
                "interval_ms": row["interval_ms"],
                "slot": slot,
                "was": row["last_slot"],
                **{name: monitor[name] for name in OF_MONITOR},
                **proven(tx, monitor["credential_id"]),
            }
        )
    return claimed


OF_MONITOR = ("revision", "hostname", "port", "timeout_seconds", "config", "sealed_password", "credential_id")


def proven(tx: Transaction, credential_id: Any) -> Row:
    known = tx.get("login_credentials", credential_id)
    return {
        "proven": known["outcome"] == "accepted" if known else None,
        "ever_accepted": known["ever_accepted"] if known else None,
    }


def key_of(row: Row) -> tuple[int, int]:
    return row["monitor_id"], row["location_id"]


@twin(schedule_store._PULL_BACK)
def pull_back(tx: Transaction, location_id: int, protocol: str, now_ms: int) -> int:
    count = 0
    for row in of_queue(tx, location_id, protocol):
        if row["last_slot"] > now_ms + row["interval_ms"]:
            slot = now_ms - (now_ms - row["phase_ms"]) % row["interval_ms"]
            back = (row["last_slot"] - max(row["since_slot"], slot)) // row["interval_ms"]
            tx.change(
                "schedule",
                key_of(row),
                last_slot=slot,
                since_slot=min(row["since_slot"], slot),
                slots_claimed=row["slots_claimed"] - back,
            )
            count += 1
    return count


@twin(location_store._QUEUES)
def queues(tx: Transaction) -> list[Row]:
    silent = silent_before(tx)
    seen: dict[tuple[int, str], list[Row]] = {}
    for worker in tx.rows("location_workers"):
        seen.setdefault((worker["location_id"], worker["protocol"]), []).append(worker)
    return [
        {
            "location_id": location_id,
            "code": (tx.get("locations", location_id) or {})["code"],
            "protocol": protocol,
            "live": max(each["last_seen_at"] for each in workers) >= silent,
            "canaries": False,
        }
        for (location_id, protocol), workers in sorted(seen.items())
    ]


def silent_before(tx: Transaction) -> int:
    heard = tx.get("hearing", True)
    if heard is None:
        return tx.now_ms - 120_000
    at = heard["before_gap"] if heard["until_at"] - heard["since_at"] < 120_000 else heard["until_at"]
    return int(at) - 120_000


def live_at(tx: Transaction, location_id: int, protocol: str) -> bool:
    silent = silent_before(tx)
    return any(
        worker["location_id"] == location_id and worker["protocol"] == protocol and worker["last_seen_at"] >= silent
        for worker in tx.rows("location_workers")
    )


@twin(upkeep_store._ENSURE_PARTITIONS)
def ensure_partitions(tx: Transaction, days_ahead: int) -> list[Row]:
    return [{"made": 0}]
