"""Monitors written straight into the tables, as if they had been checked for long: known, healthy, logins proven."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

from benchmarks.engine.certificates import SERVER_NAME
from benchmarks.engine.stage import PASSWORD
from shared.checks.slots import newest_slot
from shared.checks.target import password_binding, target_from_monitor
from shared.database.pool import Connection
from shared.sealing import PublicKeyRing

INTERVAL_MS = 60_000
TIMEOUT_SECONDS = 60
LOCATION = "default"
_AT_ONCE = 50_000

_HEALTHY = ("up", 1, 1, "ok", "logout", "The mailbox can be opened.")


@dataclass(frozen=True, slots=True)
class Described:
    """A monitor that is to be there."""

    number: int
    public_id: UUID
    host: str
    port: int
    tls: bool
    phase_ms: int
    sealed: str

    def due_at(self, phase_ms: int) -> "Described":
        return replace(self, phase_ms=phase_ms)

    @property
    def user(self) -> str:
        return f"user{self.number}@example.org"

    @property
    def config(self) -> dict[str, Any]:
        config = {"protocol": "imap", "security": "tls" if self.tls else "none", "user": self.user}
        return {**config, "tlsOptions": {"servername": SERVER_NAME}} if self.tls else config


def described(
    numbers: Iterable[int],
    *,
    host: Callable[[int], str],
    port: int,
    tls: bool,
    phase: Callable[[int], int],
    keys: PublicKeyRing | None,
) -> Iterator[Described]:
    """Monitors of these numbers; without `keys` their passwords are none, and no worker could open them."""
    for number in numbers:
        bare = Described(number, uuid4(), host(number), port, tls, phase(number), "not sealed")
        if keys is None:
            yield bare
            continue
        target = target_from_monitor(
            hostname=bare.host, port=port, timeout_seconds=TIMEOUT_SECONDS, config=bare.config, sealed_password="-"
        )
        sealed = keys.seal(PASSWORD.encode(), password_binding(1, bare.public_id, target).context())
        yield Described(number, bare.public_id, bare.host, port, tls, bare.phase_ms, sealed)


async def load(connection: Connection, monitors: Iterable[Described]) -> int:
    """Write them and everything that is known of them, in one transaction; how many. Triggers see nothing of it."""
    loaded = 0
    left = iter(monitors)
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(
            "INSERT INTO locations (id, code, name, last_seen_at) VALUES (0, $1, 'Here', clock_ms()) "
            "ON CONFLICT DO NOTHING",
            LOCATION,
        )
        while some := list(islice(left, _AT_ONCE)):
            await _load_some(connection, some)
            loaded += len(some)
    return loaded


async def _load_some(connection: Connection, some: Sequence[Described]) -> None:
    now_ms = await connection.fetchval("SELECT clock_ms()")
    credentials = [uuid4() for _ in some]
    await _copy(
        connection,
        "monitors",
        "id public_id organization_id customer_id name hostname port protocol status interval_ms timeout_seconds "
        "config sealed_password credential_id",
        (
            (
                *(m.number, m.public_id, 1, 10, f"Mailbox {m.number}", m.host, m.port, "imap", "active", INTERVAL_MS),
                *(TIMEOUT_SECONDS, json.dumps(m.config), m.sealed, credential),
            )
            for m, credential in zip(some, credentials, strict=True)
        ),
    )
    await _copy(
        connection,
        "login_credentials",
        "credential_id organization_id host user_name outcome ever_accepted at_ms",
        (
            (credential, 1, m.host, m.user, "accepted", True, now_ms)
            for m, credential in zip(some, credentials, strict=True)
        ),
    )
    await _copy(
        connection,
        "schedule",
        "monitor_id location_id organization_id monitor_public_id protocol interval_ms phase_ms revision active "
        "since_slot last_slot",
        (
            (m.number, 0, 1, m.public_id, "imap", INTERVAL_MS, m.phase_ms, 1, True)
            + (newest_slot(now_ms, m.phase_ms, INTERVAL_MS),) * 2
            for m in some
        ),
    )
    health, since, last_slot, *words = _HEALTHY
    await _copy(
        connection,
        "monitor_health",
        "monitor_id organization_id health since last_checked_at last_counted_at outcome phase message location_id "
        "total_ms first_passed_at",
        ((m.number, 1, health, since, now_ms - INTERVAL_MS, now_ms - INTERVAL_MS, *words, 0, 2.0, 1) for m in some),
    )
    await _copy(
        connection,
        "location_health",
        "monitor_id location_id organization_id health since last_slot outcome phase message",
        ((m.number, 0, 1, health, since, last_slot, *words) for m in some),
    )


async def _copy(connection: Connection, table: str, columns: str, rows: Iterable[Sequence[object]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    await connection.copy_to_table(
        table,
        source=io.BytesIO(text.getvalue().encode()),
        columns=columns.split(),
        schema_name="mailprobe",
        format="csv",
    )
