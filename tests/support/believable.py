"""An organization that looks like one: customers, mailboxes well and ill, a day behind them, people who are told.

What the API takes is made through it; what only checks can bring about is written as the pipeline would.
"""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.database.pool import Pool
from tests.support.kept_history import KeptHistory

Post = Callable[[str, Any], Awaitable[Any]]

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

_PHASES = {"dns": 2, "connect": 14, "tls": 31, "greeting": 9, "capability": 12, "auth": 48, "mailbox": 16, "logout": 7}
_HINT = "Log in with a mail program. If it asks for a password as well, set a new one here: the old one is not valid."
_REFUSED = "The server refused the password."
_WORDS = "NO [AUTHENTICATIONFAILED] Authentication failed."
_TRANSCRIPT = """< * OK [CAPABILITY IMAP4rev1 SASL-IR LITERAL+ AUTH=PLAIN] Dovecot ready.
> A1 CAPABILITY
< * CAPABILITY IMAP4rev1 SASL-IR LITERAL+ ID ENABLE IDLE AUTH=PLAIN
< A1 OK Pre-login capabilities listed, post-login capabilities have more.
> A2 LOGIN (hidden)
"""


@dataclass(frozen=True, slots=True)
class _Mailbox:
    name: str
    host: str
    health: str
    protocol: str = "imap"
    pace: float = 1.0  # of its server, compared with a usual one
    days_left: int = 61
    since_minutes: int = 60 * 24 * 12
    message: str | None = None
    customer: int = 0


_MAILBOXES = (
    _Mailbox(
        "Orders", "mail.lindebakery.example", "down", since_minutes=47, message="The server refused the password."
    ),
    _Mailbox(
        "Front desk",
        "imap.harborlaw.example",
        "degraded",
        days_left=6,
        since_minutes=190,
        message="The certificate expires in 6 days.",
        customer=1,
    ),
    _Mailbox("Invoices", "mail.lindebakery.example", "up", pace=0.8),
    _Mailbox("Appointments", "mx1.cityclinic.example", "up", pace=1.6, customer=2),
    _Mailbox("Laboratory", "mx2.cityclinic.example", "up", protocol="pop3", pace=1.9, customer=2),
    _Mailbox("Partners", "imap.harborlaw.example", "up", pace=1.2, days_left=6, customer=1),
    _Mailbox("Support", "imap.northwind.example", "up", pace=0.6, since_minutes=60 * 24 * 40),
    _Mailbox("Postmaster", "imap.northwind.example", "up", pace=0.5, since_minutes=60 * 24 * 40),
    _Mailbox("Archive", "pop.northwind.example", "up", protocol="pop3", pace=0.7),
    _Mailbox("Newsletter", "mail.northwind.example", "unknown"),
    _Mailbox("Old shop", "legacy.lindebakery.example", "paused"),
)


@dataclass(frozen=True, slots=True)
class Filled:
    """Where there is something to see."""

    down: str
    up: str
    incident: str
    status_page: str


async def fill(post: Post, pipeline: Pool, *, checks: int, every_minutes: int = 5) -> Filled:
    """Fills the first organization of a new database; each mailbox gets this many checks."""
    now_ms: int = await pipeline.fetchval("SELECT clock_ms()")
    customers = [
        (await post("/api/customers", {"name": name, "email": f"it@{domain}"}))["customer"]
        for name, domain in (("Linde Bakery", "lindebakery.example"), ("Harbor Law", "harborlaw.example"))
    ]
    customers.append((await post("/api/customers", {"name": "City Clinic"}))["customer"])
    location = await _location(pipeline)
    made = []
    for mailbox in _MAILBOXES:
        monitor = await post("/api/imap-pop-monitors", _described(mailbox, customers[mailbox.customer]))
        made.append(monitor)
        await _past(pipeline, monitor, mailbox, now_ms, location, checks, every_minutes)
    await pipeline.execute(
        "UPDATE rollup_progress SET hours_until = clock_ms() / $1 * $1, rolling_until = clock_ms() / $1 * $1", HOUR_MS
    )
    incident = await _incidents(KeptHistory(pipeline), made, now_ms)
    slug = await _around(post, made, customers, now_ms)
    return Filled(made[0]["publicId"], made[3]["publicId"], str(incident["public_id"]), slug)


def _described(mailbox: _Mailbox, customer: Any) -> dict[str, Any]:
    user = f"{mailbox.name.lower().replace(' ', '.')}@{mailbox.host.partition('.')[2]}"
    return {
        "customerId": customer["id"],
        "name": mailbox.name,
        "hostname": mailbox.host,
        "port": 993 if mailbox.protocol == "imap" else 995,
        "status": "disabled" if mailbox.health == "paused" else "active",
        "checkInterval": 5 if mailbox.protocol == "imap" else 15,
        "timeoutSeconds": 30,
        "imapPopConfig": {"protocol": mailbox.protocol, "security": "tls", "user": user, "password": "not read here"},
    }


async def _location(pipeline: Pool) -> int:
    number: int = await pipeline.fetchval(
        """INSERT INTO locations (id, code, name, country_code, last_seen_at)
           VALUES (1, 'fra', 'Frankfurt', 'DE', clock_ms())
           RETURNING id"""
    )
    for protocol in ("imap", "pop3"):
        await pipeline.execute(
            "INSERT INTO location_workers VALUES ($1, $2, $3, 500, 3, clock_ms())",
            number,
            protocol,
            f"{protocol}@fra-1",
        )
    return number


def _detail(mailbox: _Mailbox, number: int, now_ms: int, failed: bool) -> dict[str, Any]:
    """What a check saw: its times swing over the day, and now and then a login takes long."""
    swing = mailbox.pace * (1 + 0.25 * math.sin(number / 22) + 0.12 * math.sin(number * 1.7))
    spike = 3.2 if number % 61 == 17 else 1.0
    phases = {phase: round(ms * swing * (spike if phase == "auth" else 1), 1) for phase, ms in _PHASES.items()}
    if failed:
        phases = {phase: phases[phase] for phase in ("dns", "connect", "tls", "greeting", "capability", "auth")}
    host = mailbox.host
    return {
        "outcomeClass": "auth_rejected" if failed else "ok",
        "phase": "auth" if failed else "logout",
        "hint": _HINT if failed else None,
        "serverWords": _WORDS if failed else None,
        "phasesMs": phases,
        "totalMs": round(sum(phases.values()), 1),
        "address": "203.0.113.25",
        "certificate": {
            "subject": f"CN={host}",
            "subjectAlternativeNames": [host, "imap." + host.partition(".")[2]],
            "issuer": "CN=R11,O=Let's Encrypt,C=US",
            "serialNumber": "04a1b2c3d4e5f60718293a4b5c6d7e8f9001",
            "fingerprintSha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "notBeforeMs": now_ms - 29 * DAY_MS,
            "notAfterMs": now_ms + mailbox.days_left * DAY_MS + HOUR_MS,
            "daysLeft": mailbox.days_left,
            "chain": [f"CN={host}", "CN=R11,O=Let's Encrypt,C=US"],
            "tlsVersion": "TLSv1.3",
            "cipher": "TLS_AES_256_GCM_SHA384",
            "verified": True,
            "verifyError": None,
        },
        "warnings": [],
        "transcript": _TRANSCRIPT + f"< A2 {_WORDS}\n" if failed else None,
        "login": "rejected" if failed else "accepted",
        "withheld": False,
    }


async def _past(
    pipeline: Pool, monitor: Any, mailbox: _Mailbox, now_ms: int, location: int, checks: int, every_minutes: int
) -> None:
    if mailbox.health == "unknown":
        return  # it is new
    since = now_ms - mailbox.since_minutes * MINUTE_MS
    rows = []
    for number in range(checks):
        slot_at = now_ms - 40_000 - number * every_minutes * MINUTE_MS
        failed = mailbox.health == "down" and slot_at >= since
        detail = _detail(mailbox, number, now_ms, failed)
        said = mailbox.message if failed else "All is well."
        verdict = ("auth_rejected", "auth") if failed else ("ok", "logout")
        rows.append((slot_at, monitor["id"], location, *verdict, not failed, detail["totalMs"], said, detail))
    await pipeline.executemany(
        """INSERT INTO results (check_id, slot_at, organization_id, monitor_id, location_id, kind, revision, outcome,
               phase, passed, withheld, start_at, started_at, total_ms, message, detail)
           VALUES (gen_random_uuid(), $1, 1, $2, $3, 'scheduled', 1, $4, $5, $6, false, $1, $1, $7, $8, $9)""",
        rows,
    )
    health = "up" if mailbox.health == "paused" else mailbox.health
    await pipeline.execute(
        "INSERT INTO monitor_health (monitor_id, organization_id, health, since, last_checked_at, message)"
        " VALUES ($1, 1, $2, $3, $4, $5)",
        monitor["id"],
        health,
        since,
        now_ms - 40_000,
        mailbox.message,
    )
    history = KeptHistory(pipeline)
    await history.belief(monitor, now_ms - 60 * DAY_MS, "up")
    if health != "up":
        await history.belief(monitor, since, health)
    ill_ms = min(mailbox.since_minutes, 60) * MINUTE_MS if health == "down" else 0
    for span, length_ms, back_ms in (("day", DAY_MS, 60 * DAY_MS), ("hour", HOUR_MS, 30 * HOUR_MS)):
        await pipeline.execute(
            """INSERT INTO rollups (monitor_id, organization_id, span, starts_at, checks, failures, total_ms_sum,
                   up_ms, degraded_ms, down_ms, unknown_ms, maintenance_ms)
               SELECT $1, 1, $2, starts_at, 12, 0, 12 * 140, $3::bigint - down, 0, down, 0, 0
               FROM generate_series((clock_ms() - $4::bigint) / $3 * $3, (clock_ms() / $3 - 1) * $3, $3::bigint)
                   AS starts_at
               CROSS JOIN LATERAL (SELECT CASE WHEN $2 = 'day' AND starts_at / $3 % 17 = 3 THEN $5::bigint ELSE 0 END
                   AS down) AS ill""",
            monitor["id"],
            span,
            length_ms,
            back_ms,
            ill_ms,
        )


async def _incidents(history: KeptHistory, made: list[Any], now_ms: int) -> Any:
    """One that goes on, and what there was before; the answer is the one that goes on."""
    for monitor, hours, minutes in ((made[3], 30, 12), (made[8], 75, 44), (made[0], 160, 6)):
        began = now_ms - hours * HOUR_MS
        ended = began + minutes * MINUTE_MS
        await history.incident(
            monitor, began, opened_at=began + MINUTE_MS, resolved_at=ended + MINUTE_MS, recovered_at=ended
        )
    began = now_ms - 47 * MINUTE_MS
    first = await history.result(made[0], began, "auth_rejected")
    proof = await history.result(made[0], began + MINUTE_MS, "auth_rejected")
    return await history.incident(
        made[0], began, opened_at=began + 2 * MINUTE_MS, first=first, evidence=(proof, began + MINUTE_MS)
    )


async def _around(post: Post, made: list[Any], customers: list[Any], now_ms: int) -> str:
    """Channels, maintenance and a status page; the answer is the page's slug."""
    hook = {"url": "https://hooks.example.com/mail", "secret": "a secret nobody reads"}
    for kind, name, config in (("email", "On call", {"email": "ops@example.com"}), ("webhook", "Ticket system", hook)):
        await post("/api/notification-channels", {"type": kind, "name": name, "config": config})
    once = _window("Mail server update", now_ms + 30 * HOUR_MS, [made[1], made[5]], weekly=False)
    often = _window("Weekly restarts", now_ms + 54 * HOUR_MS, made[7:8], weekly=True)
    for window in (once, often):
        await post("/api/maintenance-windows", window)
    page = {"title": "Linde Bakery mail", "customerId": customers[0]["publicId"], "showsMessages": True}
    made_page = await post("/api/status-pages", page)
    return str(made_page["slug"])


def _window(name: str, start_ms: int, monitors: list[Any], *, weekly: bool) -> dict[str, Any]:
    def moment(at_ms: int) -> str:
        return f"{_utc(at_ms // HOUR_MS * HOUR_MS)}Z"

    return {
        "name": name,
        "timeZone": "Europe/Berlin",
        "startTime": moment(start_ms),
        "endTime": moment(start_ms + 2 * HOUR_MS),
        "targets": [{"type": "imap_pop", "id": monitor["id"]} for monitor in monitors],
        "isRecurring": weekly,
        **({"recurrencePattern": {"frequency": "weekly", "interval": 1}} if weekly else {}),
    }


def _utc(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
