"""A database with incidents for tests of the notifier: what recorder and gateway would write, a clock to move, and the
notifier's loops to run by hand.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import uuid4

from services.notifier.planning import Planning
from services.notifier.senders.alertmanager import AlertmanagerSender
from services.notifier.senders.http import OutboundHttp
from services.notifier.senders.mail import MailSender, MailServer
from services.notifier.senders.webhook import WebhookSender
from services.notifier.sending import Sending
from shared.database.pool import (
    GATEWAY_ROLE,
    NOTIFIER_ROLE,
    PIPELINE_ROLE,
    Pool,
    connect,
    open_pool,
    organization_transaction,
    transaction,
)
from shared.notifications.channel_models import ChannelType
from shared.notifications.channel_types import checked_config, seal_secrets, split_secrets
from shared.probing.address_policy import LOOPBACK_NETWORKS, AddressPolicy
from shared.sealing import PrivateKeyRing, generate_key_rings
from tests.support.answers import BEGIN_MS, public_id_of
from tests.support.receivers import Mailbox

CUSTOMER = 10
MINUTE = 60_000


class NotifierDesk:
    """What the tests of the notifier look at and change."""

    def __init__(self, dsn: str, pool: Pool, pipeline: Pool, gateway: Pool, owner: Any) -> None:
        self.dsn = dsn
        self.pool = pool
        self._pipeline = pipeline
        self._gateway = gateway
        self._owner = owner
        self.now = BEGIN_MS
        self.public, self.private = generate_key_rings()
        self.public_url: str | None = "https://mailprobe.example.com"
        self.opened = AsyncExitStack()
        self.try_seconds = 60.0
        self._http: list[OutboundHttp] = []

    async def set_clock(self, now_ms: int) -> None:
        self.now = now_ms
        await self._owner.execute(
            f"""CREATE OR REPLACE FUNCTION mailprobe.clock_ms() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE
                AS $$ SELECT {now_ms}::bigint $$"""
        )

    async def free_clock(self) -> None:
        """Let the clock run, as it does outside tests."""
        await self._owner.execute(
            """CREATE OR REPLACE FUNCTION mailprobe.clock_ms() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE
               AS $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint $$"""
        )
        self.now = await self._owner.fetchval("SELECT mailprobe.clock_ms()")

    async def add_monitors(self, first: int, last: int, *, host: str = "mx3.example.com", **columns: Any) -> None:
        """Active monitors of these numbers, all on one host or, with `{}` in it, each on one of its own."""
        numbers = list(range(first, last + 1))
        async with organization_transaction(self._gateway, 1, actor=columns.get("actor") or "") as connection:
            await connection.execute(
                """INSERT INTO monitors (id, public_id, organization_id, customer_id, name, hostname, protocol, status,
                       interval_ms, timeout_seconds, config, notification_email)
                   SELECT n, p, 1, $5, 'mailbox ' || n, h, 'imap', 'active', 60000, 30, '{}', $4
                   FROM unnest($1::bigint[], $2::uuid[], $3::text[]) AS u(n, p, h)""",
                numbers,
                [public_id_of(number) for number in numbers],
                [host.format(number) for number in numbers],
                columns.get("notification_email"),
                columns.get("customer_id", CUSTOMER),
            )

    async def add_channel(
        self, channel_type: ChannelType, config: dict[str, Any], *, customer_id: int | None = None, **columns: Any
    ) -> int:
        """A channel as the gateway stores it; its number."""
        public_id = uuid4()
        public, secrets = split_secrets(channel_type, checked_config(channel_type, config))
        sealed = seal_secrets(
            self.public,
            secrets,
            organization_id=1,
            channel_public_id=public_id,
            channel_type=channel_type,
            config=public,
        )
        async with organization_transaction(self._gateway, 1) as connection:
            number: int = await connection.fetchval(
                """INSERT INTO notification_channels (public_id, organization_id, customer_id, name, type, config,
                       sealed_secrets, secret_names, delay_seconds, conditions, fallback_channel_id)
                   VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id""",
                public_id,
                customer_id,
                columns.get("name", f"the {channel_type} channel"),
                channel_type.value,
                public,
                sealed,
                sorted(secrets),
                columns.get("delay_seconds", 0),
                columns.get("conditions", {}),
                columns.get("fallback_channel_id"),
            )
        return number

    async def as_gateway(self, statement: str, *arguments: Any) -> None:
        async with organization_transaction(self._gateway, 1) as connection:
            await connection.execute(statement, *arguments)

    async def as_pipeline(self, statement: str, *arguments: Any) -> None:
        async with transaction(self._pipeline) as connection:
            await connection.execute(statement, *arguments)

    async def fail(self, first: int, last: int | None = None, *, layer: str = "login", quiet: bool = False) -> None:
        """Incidents of these monitors are confirmed now, as the recorder writes it: one transaction."""
        async with transaction(self._pipeline) as connection:
            await connection.execute(
                """INSERT INTO incident_groups (organization_id, host, layer, open_members, opened_at)
                   SELECT 1, lower(hostname), $4, count(*), $3::bigint FROM monitors WHERE id BETWEEN $1 AND $2
                   GROUP BY lower(hostname)
                   ON CONFLICT (organization_id, host, layer) WHERE resolved_at IS NULL
                   DO UPDATE SET open_members = incident_groups.open_members + excluded.open_members""",
                first,
                last or first,
                self.now,
                layer,
            )
            await connection.execute(
                """WITH new AS (
                       INSERT INTO incidents (organization_id, customer_id, monitor_id, monitor_public_id,
                           monitor_name, protocol, host, user_name, group_id, started_at, opened_at, kind, phase,
                           message, hint, server_words, first_check_id, first_slot_at, evidence_check_id,
                           evidence_slot_at)
                       SELECT 1, m.customer_id, m.id, m.public_id, m.name, m.protocol, m.hostname, 'someone',
                              g.id, $3::bigint - 120000, $3::bigint, 'auth_rejected', 'auth',
                              'The server refused the login.',
                              'Put the right password in.', 'NO [AUTHENTICATIONFAILED] go away', gen_random_uuid(),
                              $3::bigint - 120000, gen_random_uuid(), $3::bigint
                       FROM monitors m JOIN incident_groups g ON g.host = lower(m.hostname) AND g.layer = $4
                           AND g.resolved_at IS NULL
                       WHERE m.id BETWEEN $1 AND $2
                       RETURNING *)
                   INSERT INTO outbox (organization_id, customer_id, monitor_id, kind, incident_id, group_id)
                   SELECT 1, customer_id, monitor_id, 'opened', id, group_id FROM new WHERE NOT $5 ORDER BY id""",
                first,
                last or first,
                self.now,
                layer,
                quiet,
            )

    async def recover(self, first: int, last: int | None = None, *, quiet: bool = False) -> None:
        """Their open incidents are over."""
        async with transaction(self._pipeline) as connection:
            await connection.execute(
                """WITH over AS (
                       UPDATE incidents SET resolved_at = $3::bigint, recovered_at = $3::bigint - 1000,
                           resolution = 'recovered'
                       WHERE monitor_id BETWEEN $1 AND $2 AND resolved_at IS NULL RETURNING *),
                   told AS (
                       INSERT INTO outbox (organization_id, customer_id, monitor_id, kind, incident_id, group_id)
                       SELECT 1, customer_id, monitor_id, 'resolved', id, group_id FROM over WHERE NOT $4 ORDER BY id)
                   UPDATE incident_groups g SET open_members = open_members - o.members,
                       resolved_at = CASE WHEN open_members = o.members THEN $3::bigint END
                   FROM (SELECT group_id, count(*) AS members FROM over GROUP BY group_id) o WHERE g.id = o.group_id""",
                first,
                last or first,
                self.now,
                quiet,
            )

    async def tell(self, kind: str, *, monitor_id: int | None = None, facts: dict[str, Any] | None = None) -> None:
        """Any other outbox row."""
        async with transaction(self._pipeline) as connection:
            await connection.execute(
                """INSERT INTO outbox (organization_id, customer_id, monitor_id, kind, incident_id, facts)
                   SELECT 1, $1, $2, $3, (SELECT max(id) FROM incidents WHERE monitor_id = $2), $4""",
                CUSTOMER,
                monitor_id,
                kind,
                facts or {},
            )

    def sending(self, *, box: Mailbox | None = None, keys: PrivateKeyRing | None = None) -> tuple[Planning, Sending]:
        """The loops, with senders that may connect to loopback; closed with the desk."""
        http = OutboundHttp(AddressPolicy.create(LOOPBACK_NETWORKS), try_seconds=self.try_seconds)
        server = MailServer.from_url(box.url, sender="mailprobe@example.com") if box else None
        mail = MailSender(server, try_seconds=self.try_seconds)
        self._http.append(http)
        sending = Sending(
            self.pool,
            senders={
                ChannelType.EMAIL: mail,
                ChannelType.WEBHOOK: WebhookSender(http),
                ChannelType.ALERTMANAGER: AlertmanagerSender(http),
            },
            mail=mail,
            keys=keys or self.private,
            public_url=self.public_url,
        )
        return Planning(self.pool, mail=box is not None, public_url=self.public_url, sending=sending), sending

    async def run(self, planning: Planning, sending: Sending, *, for_ms: int = 0, step_ms: int = 1000) -> None:
        """Let the notifier work while the clock goes on."""
        for http in self._http:
            await self.opened.enter_async_context(http)
        self._http.clear()
        until = self.now + for_ms
        while True:
            await planning.plan()
            while await sending.send_due():
                await planning.plan()
            if self.now >= until:
                return
            await self.set_clock(min(until, self.now + step_ms))

    async def deliveries(self, **where: Any) -> list[dict[str, Any]]:
        """Messages, but for reminders whose time has not come."""
        rows = await self.pool.fetch(
            "SELECT * FROM deliveries WHERE event <> 'reminder' OR told_at IS NOT NULL ORDER BY id"
        )
        return [dict(row) for row in rows if all(row[name] == value for name, value in where.items())]

    async def value(self, query: str, *arguments: Any) -> Any:
        return await self.pool.fetchval(query, *arguments)


@asynccontextmanager
async def notifier_desk(dsn: str) -> AsyncIterator[NotifierDesk]:
    """A desk on a migrated database, with a clock that stands."""
    async with AsyncExitStack() as stack:
        pools = [
            await stack.enter_async_context(open_pool(dsn, role=role, application_name=role, max_size=6))
            for role in (NOTIFIER_ROLE, PIPELINE_ROLE, GATEWAY_ROLE)
        ]
        owner = await connect(dsn, role=None, application_name="owner")
        stack.push_async_callback(owner.close)
        desk = NotifierDesk(dsn, *pools, owner)
        await stack.enter_async_context(desk.opened)
        await desk.set_clock(BEGIN_MS)
        yield desk
        await asyncio.sleep(0)
