"""A scheduler's world under a clock that stands still until it is moved: monitors, locations, workers that answer.

The scheduler's parts are driven step by step; results go through the real recorder's transaction.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Self
from uuid import UUID, uuid4

import asyncpg

from services.result_recorder.recording import record
from services.scheduler import lease_store, location_store
from services.scheduler.audit import Audit
from services.scheduler.dispatcher import Dispatcher
from services.scheduler.lease_store import open_session
from services.scheduler.pacing import Pacer
from services.scheduler.plan import Queue
from services.scheduler.reconciliation import Reconciliation
from services.scheduler.requests import RequestEnds, find_near
from services.scheduler.term import Term
from shared.checks.messages import CheckJob, CheckResult, LoginAttempt, MissedSlots
from shared.checks.outcome import Outcome
from shared.checks.vocabulary import CheckKind, LoginOutcome, LoginPermission, OutcomeKind, Phase
from shared.database.pool import PIPELINE_ROLE, open_pool
from tests.integration.scheduler.scripted_broker import ScriptedBroker

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z, a multiple of every interval used here
# A scheduler does it each second, beside its ticks and not in step with them; it is three quarters of a tick's cost.
_LOOKS_EVERY_MS = 5 * SECOND

_STOPPED_CLOCK = """
CREATE TABLE mailprobe.stopped_clock (at_ms bigint NOT NULL);
GRANT SELECT ON mailprobe.stopped_clock TO PUBLIC;
CREATE OR REPLACE FUNCTION mailprobe.clock_ms() RETURNS bigint LANGUAGE sql VOLATILE
    AS $$ SELECT at_ms FROM mailprobe.stopped_clock $$;
"""


class World:
    """See the module. Everything is public: tests look and reach into it."""

    def __init__(self, dsn: str, owner: Any, pool: Any) -> None:
        self.dsn = dsn
        self.owner = owner
        self.pool = pool
        self.broker = ScriptedBroker()
        self.now = START_MS
        self.chance = random.Random(11)  # a monitor's phase follows from its id
        self.unanswered: list[CheckJob] = []
        self.term: Term
        self.dispatchers: dict[tuple[int, str], Dispatcher] = {}
        self._lock: Any = None
        self._jobs_seen = 0
        self._reports_seen = 0

    @classmethod
    @asynccontextmanager
    async def opened(cls, dsn: str, **pace: float) -> AsyncIterator[Self]:
        """A world whose scheduler leads, with one location, `here`."""
        owner = await asyncpg.connect(dsn)
        try:
            async with open_pool(dsn, role=PIPELINE_ROLE, application_name="test") as pool:
                world = cls(dsn, owner, pool)
                await owner.execute(_STOPPED_CLOCK)
                await owner.execute("INSERT INTO mailprobe.stopped_clock VALUES ($1)", world.now)
                await pool.execute("UPDATE shard_leases SET audited_until = $1", world.now)
                await pool.fetchval("SELECT ensure_result_partitions(2)")
                await world.add_location("here")
                await world.take_over(**pace)
                try:
                    yield world
                finally:
                    await world.fall()
        finally:
            await owner.close()

    async def take_over(self, *, per_second: float = 1000, in_flight: int = 1000) -> None:
        """Begin a term: what a scheduler does that was standing by."""
        self._lock = await open_session(self.dsn, application_name="test (lock)")
        assert await lease_store.try_lock(self._lock)
        epoch = await lease_store.raise_epoch(self._lock, "test")
        pacer = Pacer(per_second=per_second, in_flight=int(in_flight))
        self.term = Term(self.dsn, self.pool, self.broker, epoch, "test", pacer, asyncio.Event())
        self.term.heard_from = time.monotonic() - 3600  # who is silent is known to be
        self.audit = Audit(self.term)
        self.ends = RequestEnds(self.term)
        self.reconciliation = Reconciliation(self.term)
        self.dispatchers = {}

    async def fall(self) -> None:
        """End the term as a crash would: every connection of the scheduler's own is gone."""
        for dispatcher in self.dispatchers.values():
            await dispatcher._hang_up()
        self._lock.terminate()

    async def set_clock(self, at_ms: int) -> None:
        self.now = at_ms
        await self.owner.execute("UPDATE mailprobe.stopped_clock SET at_ms = $1", at_ms)

    # --- what others do ---

    async def add_location(self, code: str, *, country: str | None = None, protocols: Iterable[str] = ("imap",)) -> int:
        location_id: int = await self.pool.fetchval(
            "INSERT INTO locations (code, name, country_code, last_seen_at) VALUES ($1, $1, $2, $3) RETURNING id",
            code,
            country,
            self.now,
        )
        for protocol in protocols:
            await self.pool.execute(
                "INSERT INTO location_workers VALUES ($1, $2, 'worker', 100, 0, $3)", location_id, protocol, self.now
            )
        return location_id

    async def see(self, *codes: str) -> None:
        """Workers of these locations (of all) announce themselves."""
        await self.pool.execute(
            "UPDATE location_workers SET last_seen_at = clock_ms() WHERE location_id IN"
            " (SELECT id FROM locations WHERE cardinality($1::text[]) = 0 OR code = ANY ($1::text[]))",
            list(codes),
        )

    async def add_monitor(
        self,
        *,
        interval_ms: int = MINUTE,
        protocol: str = "imap",
        hostname: str = "mail.example.com",
        user: str | None = None,
        countries: list[str] | None = None,
        timeout_seconds: int = 30,
        status: str = "active",
        checked_before: bool = True,
    ) -> int:
        """`checked_before` False: the scheduler asks for its first check by itself."""
        config: dict[str, Any] = {"protocol": protocol, "security": "tls"}
        if user is not None:
            config["user"] = user
        async with self.acting_as_gateway() as gateway:
            monitor_id: int = await gateway.fetchval(
                "INSERT INTO monitors (public_id, organization_id, customer_id, name, hostname, protocol, status,"
                " interval_ms, timeout_seconds, allowed_check_country_codes, config, sealed_password, credential_id)"
                " VALUES ($1, 1, 10, 'a mailbox', $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id",
                UUID(int=self.chance.getrandbits(128), version=4),
                hostname,
                protocol,
                status,
                interval_ms,
                timeout_seconds,
                countries,
                config,
                "sealed" if user else None,
                uuid4() if user else None,
            )
        if checked_before:
            await self.pool.execute(
                "INSERT INTO monitor_health (monitor_id, organization_id, health, since, last_checked_at)"
                " VALUES ($1, 1, 'up', 0, 0)",
                monitor_id,
            )
        return monitor_id

    async def change_monitor(self, monitor_id: int, **columns: Any) -> None:
        """As the gateway does for what changes the check: with a new revision."""
        for name, value in columns.items():
            async with self.acting_as_gateway() as gateway:
                await gateway.execute(
                    f"UPDATE monitors SET {name} = $2, revision = revision + 1 WHERE id = $1", monitor_id, value
                )

    async def delete_monitor(self, monitor_id: int) -> None:
        async with self.acting_as_gateway() as gateway:
            await gateway.execute("DELETE FROM monitors WHERE id = $1", monitor_id)

    @asynccontextmanager
    async def acting_as_gateway(self) -> AsyncIterator[Any]:
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute("SET LOCAL ROLE mailprobe_gateway")
            await connection.execute("SELECT set_config('mailprobe.organization', '1', true)")
            yield connection

    async def ask(
        self,
        kind: CheckKind,
        monitor_id: int = 0,
        *,
        start_in: int = 0,
        give_up_in: int = MINUTE,
        target: dict[str, Any] | None = None,
        credential_id: UUID | None = None,
        reply_to: str | None = None,
        location_id: int = 0,
    ) -> UUID:
        """Insert a request, as gateway and recorder do."""
        check_id = uuid4()
        await self.pool.execute(
            "INSERT INTO check_requests (check_id, kind, organization_id, monitor_id, monitor_public_id, location_id,"
            " slot_at, start_at, give_up_at, reply_to, target, credential_id)"
            " VALUES ($1, $2, 1, $3, $4, $11, $5, $6, $7, $8, $9, $10)",
            check_id,
            kind,
            monitor_id,
            await self.pool.fetchval("SELECT public_id FROM monitors WHERE id = $1", monitor_id) or uuid4(),
            self.now,
            self.now + start_in,
            self.now + give_up_in,
            reply_to,
            target,
            credential_id,
            location_id,
        )
        return check_id

    async def remember_login(
        self, outcome: LoginOutcome, *, user: str, credential_id: UUID, ago: int, host: str = "mail.example.com"
    ) -> None:
        """A login of the past, with what the recorder keeps of it."""
        await self.pool.execute(
            "INSERT INTO login_history VALUES ($1, 1, $2, $3, $4, $5, $6)",
            uuid4(),
            host,
            user,
            credential_id,
            outcome,
            self.now - ago,
        )
        await self.pool.execute(
            "INSERT INTO login_credentials AS c VALUES ($1, 1, $2, $3, $4, $4 = 'accepted', $5)"
            " ON CONFLICT (credential_id) DO UPDATE SET outcome = excluded.outcome, at_ms = excluded.at_ms,"
            " ever_accepted = c.ever_accepted OR excluded.ever_accepted",
            credential_id,
            host,
            user,
            outcome,
            self.now - ago,
        )

    # --- what the scheduler does ---

    async def reconcile(self) -> None:
        await self.open_queues()
        self.term.reconcile_all = True
        await self.reconciliation.look()

    async def open_queues(self) -> None:
        for seen in await location_store.served_queues(self.pool):
            queue = self.term.queues.setdefault(
                (seen.location_id, seen.protocol), Queue(seen.location_id, seen.location, seen.protocol)
            )
            queue.live, queue.takes_canaries = seen.live, seen.canaries
            self.dispatchers.setdefault(queue.key, Dispatcher(self.term, queue))

    async def tick(self, *, seen: bool = True, looks: bool = True) -> None:
        """A second of a scheduler that leads, at the time it is; workers are alive unless said otherwise.

        `looks`: also for what was never answered and for requests that end.
        """
        if seen:
            await self.see()
        await self.open_queues()
        await find_near(self.term)
        for dispatcher in self.dispatchers.values():
            # The clock of the database stands still between ticks, and ours does not: no jump is to be seen in that.
            dispatcher._read = None
            await dispatcher.tick()
            if dispatcher._queue.requests_near.is_set():
                dispatcher._queue.requests_near.clear()
                await dispatcher.publish_requests()
        if looks:
            await self.ends.look()
            await self.audit.look()

    async def run_until(self, at_ms: int, *, step: int = SECOND, answering: bool = True) -> None:
        """Tick through time; workers answer each job at the tick after."""
        while self.now < at_ms:
            before = self.now
            await self.set_clock(min(at_ms, self.now + step))
            await self.tick(looks=self.now == at_ms or self.now // _LOOKS_EVERY_MS > before // _LOOKS_EVERY_MS)
            await (self.answer() if answering else self.record_reports())

    # --- what workers and recorder do ---

    def new_jobs(self) -> list[CheckJob]:
        """Published since last asked."""
        new = self.broker.jobs[self._jobs_seen :]
        self._jobs_seen = len(self.broker.jobs)
        self.unanswered += new
        return new

    async def answer(self, *, login: LoginOutcome = LoginOutcome.ACCEPTED) -> None:
        """Every job not answered yet gets its result, and reports of missed slots are recorded."""
        self.new_jobs()
        answered, self.unanswered = self.unanswered, []
        await self.record([self.result_of(job, login) for job in answered])
        await self.record_reports()

    async def record(self, results: list[CheckResult | MissedSlots]) -> None:
        if results:
            await record(self.pool, results)

    async def record_reports(self) -> None:
        new = self.broker.reports[self._reports_seen :]
        self._reports_seen = len(self.broker.reports)
        await self.record(new)

    def result_of(self, job: CheckJob, login: LoginOutcome = LoginOutcome.ACCEPTED) -> CheckResult:
        logs_in = job.target.logs_in and job.login is LoginPermission.ALLOWED
        passed = login is LoginOutcome.ACCEPTED or not logs_in
        attempt = None
        if logs_in and job.credential_id is not None:
            attempt = LoginAttempt(
                check_id=job.check_id,
                organization_id=job.organization_id,
                host=job.target.hostname,
                user=job.target.user or "",
                credential_id=job.credential_id,
                outcome=login,
                at_ms=self.now,
            )
        return CheckResult(
            check_id=job.check_id,
            kind=job.kind,
            organization_id=job.organization_id,
            monitor_id=job.monitor_id,
            monitor_public_id=job.monitor_public_id,
            revision=job.revision,
            location=job.location,
            slot_at=job.slot_at,
            start_at=job.start_at,
            started_at=max(self.now, job.start_at),
            interval_ms=job.interval_ms,
            withheld=job.login is LoginPermission.WITHHELD,
            record=job.reply_to is None and job.kind is not CheckKind.CANARY,
            outcome=Outcome(
                kind=OutcomeKind.OK if passed else OutcomeKind.AUTH_REJECTED,
                phase=Phase.LOGOUT if passed else Phase.AUTH,
                message="It went as it went.",
                login=login if logs_in else LoginOutcome.NOT_SENT,
            ),
            login_attempt=attempt,
            worker="worker",
        )

    async def waiting(self) -> list[Any]:
        return list(
            await self.pool.fetch("SELECT * FROM check_requests WHERE state = 'waiting' ORDER BY start_at, check_id")
        )

    async def missed(self) -> list[tuple[str, int]]:
        """(reason, slots) recorded."""
        rows = await self.pool.fetch("SELECT reason, sum(count)::int AS n FROM missed GROUP BY reason ORDER BY reason")
        return [(row["reason"], row["n"]) for row in rows]
