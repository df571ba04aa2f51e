"""The tables `login_history` and `login_credentials`, and the rungs of the ladder among `check_requests`.

The newest event of a credential in the history is how its last login went: acceptances that only repeat one are left
out, so a working credential costs no write. Whoever writes holds the account's lock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from services.result_recorder.host_outage_store import read_outages
from shared.checks.logins import HISTORY_MS, HOST_WINDOW_MS, AccountHistory, LoginEvent
from shared.checks.messages import LoginAttempt
from shared.checks.vocabulary import LoginOutcome
from shared.database.pool import Connection

RUNG_GIVE_UP_MS = 600_000
_ADVISORY_CLASS = 0x6D70_0002

# What is known of each attempt already: of this check, and of its credential. Nothing is said of a check that nothing
# is known of and whose credential was let in last, as most are.
_KNOWN = """
SELECT a.place, h.outcome AS of_check, c.outcome AS of_credential
FROM unnest($1::int[], $2::uuid[], $3::uuid[]) AS a(place, check_id, credential_id)
LEFT JOIN login_history h ON h.check_id = a.check_id
LEFT JOIN login_credentials c ON c.credential_id = a.credential_id
WHERE h.check_id IS NOT NULL OR c.outcome IS DISTINCT FROM 'accepted'"""

_LOCK_ACCOUNTS = """
SELECT pg_advisory_xact_lock($1::int, key)
FROM (SELECT DISTINCT hashtext(host || '/' || user_name) AS key
      FROM unnest($2::text[], $3::text[]) AS account(host, user_name) ORDER BY key) AS ordered"""

# A login that ended after another one which is only told now: the later one of the two says what is true.
_LATER_ACCEPTANCE = """
SELECT a.place, r.check_id, r.started_at
FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::bigint[]) AS a(place, monitor_id, revision, at_ms)
CROSS JOIN LATERAL (
    SELECT r.check_id, r.started_at FROM results r
    WHERE r.monitor_id = a.monitor_id AND r.revision = a.revision AND r.slot_at > a.at_ms - 600000
      AND r.started_at > a.at_ms AND r.detail ->> 'login' = 'accepted'
    ORDER BY r.slot_at DESC LIMIT 1) AS r"""

_INSERT_HISTORY = """
INSERT INTO login_history (check_id, organization_id, host, user_name, credential_id, outcome, at_ms)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::bigint[])
ON CONFLICT (check_id) DO UPDATE SET outcome = excluded.outcome, at_ms = excluded.at_ms
    WHERE login_history.outcome = 'unknown' AND excluded.outcome <> 'unknown'
RETURNING check_id"""

_CREDENTIALS_BEFORE = "SELECT credential_id, outcome FROM login_credentials WHERE credential_id = ANY($1::uuid[])"

_UPDATE_CREDENTIALS = """
INSERT INTO login_credentials (credential_id, organization_id, host, user_name, outcome, ever_accepted, at_ms)
SELECT credential_id, organization_id, host, user_name, outcome, ever_accepted, at_ms
FROM (
    SELECT DISTINCT ON (h.credential_id) h.credential_id, h.organization_id, h.host, h.user_name, h.outcome, h.at_ms,
           bool_or(h.outcome = 'accepted') OVER (PARTITION BY h.credential_id) AS ever_accepted
    FROM login_history h
    WHERE (h.host, h.user_name) IN (SELECT * FROM unnest($1::text[], $2::text[]))
      AND h.credential_id = ANY($3::uuid[]) AND h.outcome <> 'undecided'
    ORDER BY h.credential_id, h.at_ms DESC, h.check_id DESC) AS newest
ORDER BY credential_id
ON CONFLICT (credential_id) DO UPDATE
SET outcome = excluded.outcome, at_ms = excluded.at_ms,
    ever_accepted = login_credentials.ever_accepted OR excluded.ever_accepted
RETURNING credential_id, outcome, ever_accepted"""

_EVENTS = """
SELECT h.host, h.user_name, h.credential_id, h.outcome, h.at_ms
FROM login_history h
WHERE (h.host, h.user_name) IN (SELECT * FROM unnest($1::text[], $2::text[])) AND h.at_ms > $3::bigint
  AND h.outcome <> 'undecided'
ORDER BY h.at_ms, h.check_id"""

_HOST_REFUSALS = """
SELECT h.host, h.at_ms
FROM login_history h JOIN login_credentials c ON c.credential_id = h.credential_id
WHERE h.host = ANY($1::text[]) AND h.at_ms > $2::bigint AND h.outcome IN ('refused', 'unknown')
  AND NOT c.ever_accepted
ORDER BY h.at_ms"""

# Where the next rung is tried: where the refusal is not confirmed yet, else where it is oldest.
_RUNG_LOCATIONS = """
SELECT DISTINCT ON (s.monitor_id) s.monitor_id, s.location_id
FROM schedule s
LEFT JOIN location_health h ON h.monitor_id = s.monitor_id AND h.location_id = s.location_id
WHERE s.monitor_id = ANY($1::bigint[]) AND s.active
  AND (s.location_id, s.protocol) IN (
      SELECT w.location_id, w.protocol FROM location_workers w WHERE w.last_seen_at >= silent_before())
ORDER BY s.monitor_id, (h.last_refusal ->> 'at_ms')::bigint NULLS FIRST, s.location_id"""

# A rung's slot is the time it is to begin, so that what it finds takes its place among the withheld checks that go on
# meanwhile. A rung that moves is another one.
_SET_RUNGS = """
INSERT INTO check_requests (check_id, kind, organization_id, monitor_id, monitor_public_id, location_id, slot_at,
                            start_at, give_up_at)
SELECT check_id, 'ladder', organization_id, monitor_id, public_id, location_id, start_at, start_at, start_at + $1
FROM unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::uuid[], $6::int[], $7::bigint[])
     AS rung(check_id, organization_id, monitor_id, public_id, location_id, start_at)
ON CONFLICT (monitor_id) WHERE state = 'waiting' AND kind = 'ladder' DO UPDATE
SET check_id = excluded.check_id, slot_at = excluded.slot_at, start_at = excluded.start_at,
    give_up_at = excluded.give_up_at, location_id = excluded.location_id"""

# An account that let somebody in again: those behind on it get their try now. Inserted anew where the scheduler
# took the waiting row meanwhile; it is the scheduler who finishes them.
_HASTEN = """
INSERT INTO check_requests (check_id, kind, organization_id, monitor_id, monitor_public_id, location_id, slot_at,
                            start_at, give_up_at)
SELECT gen_random_uuid(), 'ladder', q.organization_id, q.monitor_id, q.monitor_public_id, q.location_id, $1::bigint,
       $1::bigint, $1::bigint + $2::bigint
FROM check_requests q
JOIN monitors m ON m.id = q.monitor_id
JOIN login_credentials c ON c.credential_id = m.credential_id AND c.outcome <> 'accepted'
WHERE q.state = 'waiting' AND q.kind = 'ladder' AND q.start_at > $1::bigint
  AND (c.host, c.user_name) IN (SELECT * FROM unnest($3::text[], $4::text[]))
ORDER BY q.monitor_id
ON CONFLICT (monitor_id) WHERE state = 'waiting' AND kind = 'ladder' DO UPDATE
SET check_id = excluded.check_id, slot_at = excluded.slot_at, start_at = excluded.start_at,
    give_up_at = excluded.give_up_at
WHERE check_requests.start_at > excluded.start_at
RETURNING monitor_id"""

_TELL = "SELECT pg_notify('mailprobe_requests', '')"

_FORGET = "DELETE FROM login_history WHERE at_ms < clock_ms() - $1::bigint"

Account = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Rung:
    """The next try of a monitor's login."""

    organization_id: int
    monitor_id: int
    public_id: UUID
    location_id: int
    start_at: int


def account(attempt: LoginAttempt) -> Account:
    """(host, user), in lower case as accounts are counted together."""
    return attempt.host.lower(), attempt.user.lower()


async def known_outcomes(
    connection: Connection, attempts: Sequence[LoginAttempt]
) -> list[tuple[LoginOutcome | None, LoginOutcome | None]]:
    """For each attempt: how the history says this check's login went, and how its credential's last one went."""
    rows = await connection.fetch(
        _KNOWN,
        list(range(len(attempts))),
        [attempt.check_id for attempt in attempts],
        [attempt.credential_id for attempt in attempts],
    )
    known: list[tuple[LoginOutcome | None, LoginOutcome | None]] = [(None, LoginOutcome.ACCEPTED)] * len(attempts)
    for row in rows:
        known[row["place"]] = (_outcome(row["of_check"]), _outcome(row["of_credential"]))
    return known


async def lock_accounts(connection: Connection, accounts: Sequence[Account]) -> None:
    """Let nobody else judge these accounts until the transaction ends."""
    hosts, users = zip(*accounts, strict=True)
    await connection.execute(_LOCK_ACCOUNTS, _ADVISORY_CLASS, hosts, users)


async def later_acceptances(
    connection: Connection, attempts: Sequence[tuple[int, int, LoginAttempt]]
) -> list[LoginAttempt]:
    """Acceptances after these (monitor, revision, attempt): repeats then, and so not in the history yet."""
    if not attempts:
        return []
    rows: Sequence[Mapping[str, Any]] = await connection.fetch(
        _LATER_ACCEPTANCE,
        list(range(len(attempts))),
        [monitor_id for monitor_id, _, _ in attempts],
        [revision for _, revision, _ in attempts],
        [attempt.at_ms for _, _, attempt in attempts],
    )
    accepted = {"outcome": LoginOutcome.ACCEPTED}
    return [
        attempts[row["place"]][2].model_copy(
            update={**accepted, "check_id": row["check_id"], "at_ms": row["started_at"]}
        )
        for row in rows
    ]


async def insert_history(connection: Connection, attempts: Sequence[LoginAttempt]) -> set[UUID]:
    """Keep these attempts, one a check; what turned out of an unknown one replaces it. Answers which were news."""
    ordered = sorted(attempts, key=lambda attempt: attempt.check_id)
    rows = await connection.fetch(
        _INSERT_HISTORY,
        [attempt.check_id for attempt in ordered],
        [attempt.organization_id for attempt in ordered],
        [account(attempt)[0] for attempt in ordered],
        [account(attempt)[1] for attempt in ordered],
        [attempt.credential_id for attempt in ordered],
        [attempt.outcome for attempt in ordered],
        [attempt.at_ms for attempt in ordered],
    )
    return {row["check_id"] for row in rows}


async def update_credentials(
    connection: Connection, accounts: Sequence[Account], credential_ids: Sequence[UUID]
) -> tuple[dict[UUID, LoginOutcome], dict[UUID, tuple[LoginOutcome, bool]]]:
    """Set each credential to its newest event; how they were before, and (how they are, ever accepted) now."""
    before = await connection.fetch(_CREDENTIALS_BEFORE, credential_ids)
    hosts, users = zip(*accounts, strict=True)
    now = await connection.fetch(_UPDATE_CREDENTIALS, hosts, users, credential_ids)
    return (
        {row["credential_id"]: LoginOutcome(row["outcome"]) for row in before},
        {row["credential_id"]: (LoginOutcome(row["outcome"]), row["ever_accepted"]) for row in now},
    )


async def account_histories(
    connection: Connection, accounts: Sequence[Account], *, now_ms: int
) -> dict[Account, AccountHistory]:
    """What the rules for logins ask about each account, of one that no credential of is proven now."""
    hosts, users = zip(*accounts, strict=True)
    events: dict[Account, list[LoginEvent]] = {each: [] for each in accounts}
    for row in await connection.fetch(_EVENTS, hosts, users, now_ms - HISTORY_MS):
        event = LoginEvent(row["at_ms"], row["credential_id"], LoginOutcome(row["outcome"]))
        events[row["host"], row["user_name"]].append(event)
    refusals: dict[str, list[int]] = {}
    for row in await connection.fetch(_HOST_REFUSALS, sorted(set(hosts)), now_ms - HOST_WINDOW_MS):
        refusals.setdefault(row["host"], []).append(row["at_ms"])
    outages = await read_outages(connection, sorted(set(hosts)))
    return {
        each: AccountHistory(
            events=events[each],
            host_refusals_ms=refusals.get(each[0], ()),
            user=each[1],
            outage=outages.get(each[0]),
        )
        for each in accounts
    }


async def rung_locations(connection: Connection, monitor_ids: Sequence[int]) -> dict[int, int]:
    """The live location at which each monitor's next rung is best tried."""
    rows = await connection.fetch(_RUNG_LOCATIONS, monitor_ids)
    return {row["monitor_id"]: row["location_id"] for row in rows}


async def set_rungs(connection: Connection, rungs: Sequence[Rung], *, now_ms: int) -> None:
    """Ask for these tries; one still waiting for its monitor gets the new time."""
    ordered = sorted(rungs, key=lambda rung: rung.monitor_id)
    await connection.execute(
        _SET_RUNGS,
        RUNG_GIVE_UP_MS,
        [uuid4() for _ in ordered],
        [rung.organization_id for rung in ordered],
        [rung.monitor_id for rung in ordered],
        [rung.public_id for rung in ordered],
        [rung.location_id for rung in ordered],
        [rung.start_at for rung in ordered],
    )
    if any(rung.start_at <= now_ms for rung in rungs):
        await connection.execute(_TELL)


async def hasten_rungs(connection: Connection, accounts: Sequence[Account], *, now_ms: int) -> list[int]:
    """Let the monitors behind on these accounts try at once; which they are."""
    hosts, users = zip(*accounts, strict=True)
    hastened = [row["monitor_id"] for row in await connection.fetch(_HASTEN, now_ms, RUNG_GIVE_UP_MS, hosts, users)]
    if hastened:
        await connection.execute(_TELL)
    return hastened


async def forget_history(connection: Connection, *, older_ms: int) -> None:
    """Remove what no rule looks at any more."""
    await connection.execute(_FORGET, older_ms)


def _outcome(text: str | None) -> LoginOutcome | None:
    return LoginOutcome(text) if text is not None else None
