"""An organization with many monitors and a month behind it, written straight into the tables as the services would."""

from shared.database.pool import Connection

RESULTS_EACH = 60
INTERVAL_MS = 300_000

# One in fifty is down, one in fifty degraded, one in a hundred paused.
_MONITORS = f"""
    INSERT INTO monitors (public_id, organization_id, customer_id, name, hostname, protocol, status, interval_ms,
        timeout_seconds, config)
    SELECT gen_random_uuid(), 1, 10, 'Mailbox ' || n, 'mail' || n % 500 || '.example.net',
        CASE WHEN n % 4 = 0 THEN 'pop3' ELSE 'imap' END, CASE WHEN n % 100 = 7 THEN 'disabled' ELSE 'active' END,
        {INTERVAL_MS}, 30, jsonb_build_object('protocol', CASE WHEN n % 4 = 0 THEN 'pop3' ELSE 'imap' END,
            'security', 'tls', 'user', 'user' || n || '@example.net')
    FROM generate_series(1, $1::integer) AS n"""

_HEALTH = """
    INSERT INTO monitor_health (monitor_id, organization_id, health, since, last_checked_at, message)
    SELECT id, 1, CASE id % 50 WHEN 3 THEN 'down' WHEN 4 THEN 'degraded' ELSE 'up' END,
        clock_ms() - id * 1000, clock_ms() - id % 300000, 'The server refused the password.'
    FROM monitors"""

_CHANGES = """
    INSERT INTO health_changes (monitor_id, organization_id, since, health)
    SELECT monitor_id, 1, since - 40 * 86400000::bigint, health FROM monitor_health"""

_RESULTS = f"""
    INSERT INTO results (check_id, slot_at, organization_id, monitor_id, location_id, kind, revision, outcome, phase,
        passed, withheld, start_at, started_at, total_ms, message, detail)
    SELECT gen_random_uuid(), at.slot_at, 1, m.id, 0, 'scheduled', 1,
        CASE WHEN m.id % 50 = 3 AND n < 9 THEN 'auth_rejected' ELSE 'ok' END, 'logout', NOT (m.id % 50 = 3 AND n < 9),
        false, at.slot_at, at.slot_at, 40 + (m.id * 7 + n * 13) % 200, 'All is well.', $1::jsonb
    FROM generate_series(0, {RESULTS_EACH - 1}) AS n
    CROSS JOIN monitors m
    CROSS JOIN LATERAL (SELECT clock_ms() - n * {INTERVAL_MS} - m.id % {INTERVAL_MS} AS slot_at) AS at
    ORDER BY at.slot_at"""

_ROLLUPS = """
    INSERT INTO rollups (monitor_id, organization_id, span, starts_at, checks, failures, total_ms_sum, up_ms,
        degraded_ms, down_ms, unknown_ms, maintenance_ms)
    SELECT m.id, 1, $1, starts_at, 12, 0, 480, $2::bigint, 0, 0, 0, 0
    FROM monitors m
    CROSS JOIN generate_series(
        (clock_ms() - $3::bigint) / $2 * $2, (clock_ms() / $2 - 1) * $2, $2::bigint) AS starts_at"""

_PROGRESS = """
    UPDATE rollup_progress
    SET hours_until = clock_ms() / 3600000 * 3600000, rolling_until = clock_ms() / 3600000 * 3600000"""

DAY_MS = 86_400_000
HOUR_MS = 3_600_000

DETAIL = {
    "outcomeClass": "ok",
    "phase": "logout",
    "hint": None,
    "serverWords": None,
    "phasesMs": {
        "dns": 1.2,
        "connect": 10.4,
        "tls": 24.1,
        "greeting": 8.8,
        "capability": 4.0,
        "auth": 14.9,
        "mailbox": 3.1,
    },
    "totalMs": 70.1,
    "address": "192.0.2.7",
    "certificate": {
        "subject": "CN=mail.example.net",
        "subjectAlternativeNames": ["mail.example.net", "imap.example.net", "pop.example.net"],
        "issuer": "CN=R11,O=Let's Encrypt,C=US",
        "serialNumber": "04a1b2c3d4e5f60718293a4b5c6d7e8f9001",
        "fingerprintSha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "notBeforeMs": 1_770_000_000_000,
        "notAfterMs": 1_900_000_000_000,
        "daysLeft": 60,
        "chain": ["CN=mail.example.net", "CN=R11,O=Let's Encrypt,C=US"],
        "tlsVersion": "TLSv1.3",
        "cipher": "TLS_AES_256_GCM_SHA384",
        "verified": True,
        "verifyError": None,
    },
    "warnings": [],
    "transcript": None,
    "login": "accepted",
    "withheld": False,
}


async def seed_history(connection: Connection) -> None:
    """As the pipeline's role: what became of the monitors that are there."""
    await connection.execute("INSERT INTO locations (id, code, name, last_seen_at) VALUES (0, 'default', 'Default', 0)")
    await connection.execute(_HEALTH)
    await connection.execute(_CHANGES)
    await connection.execute(_RESULTS, DETAIL)
    await connection.execute(_ROLLUPS, "day", DAY_MS, 30 * DAY_MS)
    await connection.execute(_ROLLUPS, "hour", HOUR_MS, DAY_MS)
    await connection.execute(_PROGRESS)


async def seed_monitors(connection: Connection, monitors: int) -> None:
    """As the gateway's role, within a transaction of the first organization."""
    await connection.execute(_MONITORS, monitors)
