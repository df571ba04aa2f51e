"""Nothing grows without end: every table has a bound that stands here, and what is old goes when its owner forgets."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest_asyncio

from services.api_gateway.people.past_store import forget_past_of_people
from services.notifier import thread_store
from services.result_recorder import forgetting
from services.result_recorder.event_store import forget_events
from services.result_recorder.forgetting import forget_past
from services.result_recorder.sweeping import tidy
from shared.database.pool import GATEWAY_ROLE, NOTIFIER_ROLE, PIPELINE_ROLE, open_pool, transaction
from shared.runtime.settings import RetentionSettings

DAY = 86_400_000

_OF_PEOPLE = "as many as people made"
_A_ROW = "one row"
_A_MONITOR = "goes with its monitor"
_RESULTS = "MAILPROBE_RESULTS_RETENTION_DAYS"
_HISTORY = "MAILPROBE_HISTORY_RETENTION_DAYS"

BOUNDS = {
    "audit_log": "MAILPROBE_AUDIT_RETENTION_DAYS; tests/integration/api_gateway/test_audit.py",
    "audit_refusals": "a row for each user",
    "canaries": "a row for each location and protocol",
    "certificate_notices": _HISTORY,
    "check_requests": "a day after they ended; each is given up in time",
    "customers": _OF_PEOPLE,
    "deliveries": _HISTORY,
    "delivery_incidents": "goes with its message",
    "events": "two days",
    "health_changes": f"{_HISTORY}, and what held then",
    "hearing": _A_ROW,
    "host_login_outages": _HISTORY,
    "incident_events": "goes with its incident",
    "incident_groups": _HISTORY,
    "incident_states": _A_MONITOR,
    "incidents": _HISTORY,
    "kept_answers": "a day; tests/integration/api_gateway/test_request_keys.py",
    "location_health": _A_MONITOR,
    "location_workers": "a day unseen",
    "locations": "as many as workers stood at",
    "login_credentials": f"goes with its monitor, after {_RESULTS}",
    "login_grants": "a day after it ended",
    "login_history": "a week",
    "maintenance_occurrences": _HISTORY,
    "maintenance_targets": "goes with its window",
    "maintenance_windows": f"{_OF_PEOPLE}; removed ones {_HISTORY}",
    "missed": _RESULTS,
    "monitor_health": _A_MONITOR,
    "monitor_tags": _OF_PEOPLE,
    "monitors": _OF_PEOPLE,
    "notification_channels": _OF_PEOPLE,
    "organizations": _OF_PEOPLE,
    "outbox": "a week after it was taken",
    "package_configs": _OF_PEOPLE,
    "results": _RESULTS,
    "results_kept": _A_ROW,
    "rollup_progress": _A_ROW,
    "rollups": f"hours MAILPROBE_HOURS_RETENTION_DAYS, days {_HISTORY}",
    "rollups_due": "until they are added up",
    "schedule": f"goes with its monitor, after {_RESULTS}",
    "schedule_retired": "until it is audited",
    "schema_migrations": "a row for each migration",
    "shard_leases": "a row for each shard",
    "sign_in_attempts": "a day after they count no more",
    "status_page_components": _OF_PEOPLE,
    "status_pages": _OF_PEOPLE,
    "tags": _OF_PEOPLE,
    "tokens": _OF_PEOPLE,
    "user_devices": "half a year unused, and so many of each user",
    "user_links": "a day after they open no more",
    "user_sessions": "a day after they ended, and so many of each user",
    "users": _OF_PEOPLE,
}

_TABLES = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = 'mailprobe'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition"""


@dataclass(frozen=True)
class Doors:
    """The database as its owner, and as each service has it."""

    owner: Any
    pipeline: Any
    gateway: Any
    notifier: Any
    now_ms: int

    async def count(self, table: str) -> int:
        return int(await self.owner.fetchval(f"SELECT count(*) FROM {table}"))


@pytest_asyncio.fixture
async def doors(database_dsn: str) -> AsyncIterator[Doors]:
    owner = await asyncpg.connect(database_dsn, server_settings={"search_path": "mailprobe"})
    # Whoever counts rows is bound by nobody's row-level security; the services' own roles are tried all the same.
    for table in BOUNDS:
        await owner.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    async with (
        open_pool(database_dsn, role=PIPELINE_ROLE, application_name="test") as pipeline,
        open_pool(database_dsn, role=GATEWAY_ROLE, application_name="test") as gateway,
        open_pool(database_dsn, role=NOTIFIER_ROLE, application_name="test") as notifier,
    ):
        yield Doors(owner, pipeline, gateway, notifier, await owner.fetchval("SELECT clock_ms()"))
    await owner.close()


async def test_every_table_has_a_bound(doors: Doors) -> None:
    assert {row["relname"] for row in await doors.owner.fetch(_TABLES)} == set(BOUNDS)


async def plant_monitor(doors: Doors, monitor_id: int) -> None:
    await doors.owner.execute(
        """INSERT INTO monitors (id, public_id, organization_id, customer_id, name, hostname, protocol, status,
               interval_ms, timeout_seconds, config, sealed_password, credential_id)
           SELECT $1, gen_random_uuid(), 1, min(id), 'm', 'mail.example.com', 'imap', 'active', 60000, 30, '{}',
               'sealed', gen_random_uuid()
           FROM customers WHERE organization_id = 1""",
        monitor_id,
    )


async def plant_pipeline(doors: Doors, monitor_id: int, at: int) -> None:
    """One row of each kind the recorder forgets, as of that time."""
    owner = doors.owner
    await owner.execute(
        """INSERT INTO missed (organization_id, monitor_id, location_id, kind, first_slot, last_slot, count,
               interval_ms, reason, recorded_at)
           VALUES (1, $1, 0, 'scheduled', $2, $2, 1, 60000, 'outage', $2)""",
        monitor_id,
        at,
    )
    group = await owner.fetchval(
        """INSERT INTO incident_groups (organization_id, host, layer, opened_at, resolved_at)
           VALUES (1, 'mail.example.com', 'network', $1, $1) RETURNING id""",
        at,
    )
    incident = await owner.fetchval(
        """INSERT INTO incidents (organization_id, customer_id, monitor_id, monitor_public_id, monitor_name, protocol,
               host, group_id, started_at, opened_at, resolved_at, resolution, kind, phase, message, first_check_id,
               first_slot_at, evidence_check_id, evidence_slot_at)
           VALUES (1, 10, $1, gen_random_uuid(), 'm', 'imap', 'mail.example.com', $3, $2, $2, $2, 'recovered',
               'connect_refused', 'connect', '', gen_random_uuid(), $2, gen_random_uuid(), $2)
           RETURNING id""",
        monitor_id,
        at,
        group,
    )
    await owner.execute(
        "INSERT INTO incident_events (organization_id, incident_id, at, kind) VALUES (1, $1, $2, 'opened')",
        incident,
        at,
    )
    window = await owner.fetchval(
        """INSERT INTO maintenance_windows (organization_id, customer_id, name, starts_at, ends_at)
           SELECT 1, min(id), 'w', now(), now() + interval '1 hour' FROM customers WHERE organization_id = 1
           RETURNING id"""
    )
    await owner.execute("INSERT INTO maintenance_occurrences VALUES ($1, 1, $2, $3)", window, at - 1, at)
    await owner.execute(
        "INSERT INTO certificate_notices VALUES (1, 'mail.example.com', 993, $1::text, 7, $2::bigint)", str(at), at
    )
    await owner.execute(
        """INSERT INTO host_login_outages (host, began_at, sentinels, ended_at, seen_at)
           VALUES ($1::text, $2::bigint, '{}', $2, $2)""",
        f"{at}.example.com",
        at,
    )
    for credential in (None, await owner.fetchval("SELECT credential_id FROM monitors WHERE id = $1", monitor_id)):
        await owner.execute(
            """INSERT INTO login_credentials (credential_id, organization_id, host, user_name, outcome, ever_accepted,
                   at_ms)
               VALUES (coalesce($1::uuid, gen_random_uuid()), 1, 'h', 'u', 'refused', false, $2)
               ON CONFLICT DO NOTHING""",
            credential,
            at,
        )
    await owner.execute(
        """INSERT INTO login_history (check_id, organization_id, host, user_name, credential_id, outcome, at_ms)
           VALUES (gen_random_uuid(), 1, 'h', 'u', gen_random_uuid(), 'refused', $1)""",
        at,
    )
    await owner.execute(
        """INSERT INTO events (organization_id, customer_id, monitor_public_id, kind, at, payload)
           VALUES (1, 10, gen_random_uuid(), 'health', $1, '{}')""",
        at,
    )
    await owner.execute("INSERT INTO location_workers VALUES (0, 'imap', $1::text, 1, 0, $2::bigint)", str(at), at)


async def test_what_the_recorder_wrote_goes_when_it_is_old_and_only_then(doors: Doors) -> None:
    kept = RetentionSettings.model_construct()
    await plant_monitor(doors, 1)
    await doors.owner.execute("INSERT INTO locations (id, code, name, last_seen_at) VALUES (0, 'here', '', 0)")
    old = doors.now_ms - (kept.history_retention_days + 1) * DAY
    await plant_pipeline(doors, 1, old)
    await plant_pipeline(doors, 1, doors.now_ms - DAY // 2)
    for _ in range(2):
        await forget_past(doors.pipeline, kept, now_ms=doors.now_ms)
        await tidy(doors.pipeline)
        await forget_events(doors.pipeline)
    kept_of_each = dict.fromkeys(
        (
            "missed",
            "incidents",
            "incident_groups",
            "incident_events",
            "maintenance_occurrences",
            "certificate_notices",
            "host_login_outages",
            "login_history",
            "location_workers",
        ),
        1,
    )
    assert {table: await doors.count(table) for table in kept_of_each} == kept_of_each
    assert await doors.count("login_credentials") == 2, "that of the monitor, and the young one"
    assert await doors.owner.fetchval("SELECT min(at) FROM events") > old


async def test_hours_go_before_days_and_what_was_believed_then_stays(doors: Doors) -> None:
    kept = RetentionSettings.model_construct()
    today = doors.now_ms // DAY * DAY
    for monitor_id in (1, 2):
        await plant_monitor(doors, monitor_id)
    for age in (1, 100, 189, 191, 799, 802, 900):
        for span in ("hour", "day"):
            await doors.owner.execute(
                """INSERT INTO rollups (monitor_id, organization_id, span, starts_at, checks, failures, total_ms_sum,
                       up_ms, degraded_ms, down_ms, unknown_ms, maintenance_ms)
                   SELECT m, 1, $1, $2, 0, 0, 0, 0, 0, 0, 0, 0 FROM unnest(ARRAY[1, 2]) AS m""",
                span,
                today - age * DAY,
            )
        await doors.owner.execute("INSERT INTO health_changes VALUES (1, 1, $1, 'up')", today - age * DAY)
    await doors.owner.execute("INSERT INTO health_changes VALUES (2, 1, 5, 'up')")
    await forget_past(doors.pipeline, kept, now_ms=doors.now_ms)
    rows = await doors.owner.fetch("SELECT monitor_id, span, starts_at FROM rollups")
    ages = {(row["monitor_id"], row["span"], (today - row["starts_at"]) // DAY) for row in rows}
    assert ages == {
        (monitor_id, span, age)
        for monitor_id in (1, 2)
        for span, ages_kept in (("hour", (1, 100, 189)), ("day", (1, 100, 189, 191, 799)))
        for age in ages_kept
    }
    beliefs = await doors.owner.fetch("SELECT since FROM health_changes WHERE monitor_id = 1 ORDER BY since DESC")
    assert [(today - row["since"]) // DAY for row in beliefs] == [1, 100, 189, 191, 799, 802]
    assert await doors.owner.fetchval("SELECT since FROM health_changes WHERE monitor_id = 2") == 5, "it holds still"


async def test_however_much_there_is_it_goes_in_steps(doors: Doors) -> None:
    await doors.owner.execute(
        """INSERT INTO missed (organization_id, monitor_id, location_id, kind, first_slot, last_slot, count,
               interval_ms, reason, recorded_at)
           SELECT 1, n, 0, 'scheduled', 0, 0, 1, 60000, 'outage', 1 FROM generate_series(1, $1::int) AS n""",
        3 * forgetting.ROWS_AT_ONCE + 7,
    )
    await forget_past(doors.pipeline, RetentionSettings.model_construct(), now_ms=doors.now_ms)
    assert await doors.count("missed") == 0


async def test_what_people_left_behind_goes_of_every_organization(doors: Doors) -> None:
    owner = doors.owner
    second = await owner.fetchval("INSERT INTO organizations (name) VALUES ('another') RETURNING id")
    for organization in (1, second):
        user = await owner.fetchval(
            """INSERT INTO users (organization_id, email, name, role) VALUES ($1, $2, 'n', 'admin') RETURNING id""",
            organization,
            f"{organization}@example.com",
        )
        for age in ("900 days", "1 hour"):
            old = (organization, user, f"{organization} {age}".encode(), age)
            await owner.execute(
                """INSERT INTO user_sessions (organization_id, user_id, session_hash, address, user_agent, expires_at)
                   VALUES ($1, $2, $3, '', '', now() - $4::text::interval)""",
                *old,
            )
            await owner.execute(
                """INSERT INTO user_devices (organization_id, user_id, device_hash, last_used_at)
                   VALUES ($1, $2, $3, now() - $4::text::interval)""",
                *old,
            )
            await owner.execute(
                """INSERT INTO user_links (organization_id, user_id, purpose, link_hash, expires_at)
                   VALUES ($1, $2, 'reset', $3, now() - $4::text::interval)""",
                *old,
            )
            await owner.execute("INSERT INTO sign_in_attempts VALUES ($1, 1, now() - $2::text::interval)", old[2], age)
            await owner.execute(
                """INSERT INTO maintenance_windows (organization_id, name, starts_at, ends_at, deleted_at)
                   VALUES ($1, 'w', now(), now() + interval '1 hour', now() - $2::text::interval)""",
                organization,
                age,
            )
    audited = await doors.count("audit_log")
    assert await forget_past_of_people(doors.gateway, history_days=800, most=500) == 10
    for table in ("user_sessions", "user_devices", "user_links", "sign_in_attempts", "maintenance_windows"):
        assert await doors.count(table) == 2, table
    assert await doors.count("audit_log") == audited, "nobody did this"


async def test_messages_go_with_those_they_speak_of(doors: Doors) -> None:
    owner, old = doors.owner, doors.now_ms - 801 * DAY
    for at in (old, doors.now_ms - DAY):
        first = await owner.fetchval(
            """INSERT INTO deliveries (organization_id, channel_type, channel_name, event, state, created_at, due_at,
                   give_up_at)
               VALUES (1, 'slack', 'ops', 'opened', 'failed', $1, $1, $1) RETURNING id""",
            at,
        )
        await owner.execute("INSERT INTO delivery_incidents VALUES ($1, 1, 1, 'opened')", first)
        await owner.execute(
            """INSERT INTO deliveries (organization_id, channel_type, channel_name, event, state, created_at, due_at,
                   give_up_at, fallback_for)
               VALUES (1, 'slack', 'ops', 'opened', 'failed', $1, $1, $1, $2)""",
            at,
            first,
        )
        await owner.execute("INSERT INTO outbox (organization_id, kind, taken_at) VALUES (1, 'opened', $1)", at)
    for _ in range(2):  # whoever is spoken of goes after whoever speaks of it
        async with transaction(doors.notifier) as connection:
            await thread_store.forget(connection, before_ms=doors.now_ms - 7 * DAY)
            await thread_store.forget_messages(connection, before_ms=doors.now_ms - 800 * DAY, most=100)
    assert await doors.count("deliveries") == 2
    assert await doors.count("delivery_incidents") == 1
    assert await doors.count("outbox") == 1
