"""What recorder and notifier would have kept of a monitor's past, for tests of those who read it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from shared.database.pool import Pool


class KeptHistory:
    """Writes rows as the pipeline does, of monitors the API made."""

    def __init__(self, pipeline: Pool) -> None:
        self._pipeline = pipeline

    async def result(
        self,
        monitor: Mapping[str, Any],
        slot_at: int,
        outcome: str = "ok",
        *,
        location_id: int = 0,
        withheld: bool = False,
        total_ms: float = 40.0,
    ) -> UUID:
        """A recorded check; an outcome of `ok` passed, any other one failed at the login."""
        passed = outcome == "ok" and not withheld
        check_id = uuid4()
        await self._pipeline.execute(
            """INSERT INTO results (check_id, slot_at, organization_id, monitor_id, location_id, kind, revision,
                   outcome, phase, passed, withheld, start_at, started_at, total_ms, message, detail)
               VALUES ($1, $2, $3, $4, $5, 'scheduled', 1, $6, $7, $8, $9, $2, $2, $10, $11, $12)""",
            check_id,
            slot_at,
            monitor["organizationId"],
            monitor["id"],
            location_id,
            outcome,
            "logout" if outcome == "ok" else "auth",
            passed,
            withheld,
            total_ms,
            "All is well." if passed else "The server refused the password.",
            {"outcomeClass": outcome, "serverWords": "NO [AUTHENTICATIONFAILED]"},
        )
        return check_id

    async def incident(
        self,
        monitor: Mapping[str, Any],
        started_at: int,
        *,
        opened_at: int,
        resolved_at: int | None = None,
        recovered_at: int | None = None,
        first: UUID | None = None,
        evidence: tuple[UUID, int] | None = None,
        resolution: str = "recovered",
    ) -> Mapping[str, Any]:
        """An incident, open unless it is told when it was resolved."""
        check_id, slot_at = evidence or (uuid4(), started_at)
        row = await self._pipeline.fetchrow(
            """INSERT INTO incidents (organization_id, customer_id, monitor_id, monitor_public_id, monitor_name,
                   protocol, host, user_name, started_at, opened_at, resolved_at, recovered_at, resolution, kind, phase,
                   message, hint, server_words, locations, first_check_id, first_slot_at, evidence_check_id,
                   evidence_slot_at)
               VALUES ($1, $2, $3, $4, $5, 'imap', $6, 'someone', $7, $8, $9, $10, $11, 'auth_rejected', 'auth',
                   'The server refused the password.', 'Send the password anew.', 'NO [AUTHENTICATIONFAILED]', '{0}',
                   $12, $7, $13, $14)
               RETURNING *""",
            monitor["organizationId"],
            monitor["customerId"],
            monitor["id"],
            UUID(monitor["publicId"]),
            monitor["name"],
            monitor["hostname"],
            started_at,
            opened_at,
            resolved_at,
            recovered_at,
            None if resolved_at is None else resolution,
            first or uuid4(),
            check_id,
            slot_at,
        )
        await self.event(row, "opened", at=opened_at)
        return dict(row)

    async def event(self, incident: Mapping[str, Any], kind: str, *, at: int) -> None:
        """Something that happened to it by itself."""
        await self._pipeline.execute(
            "INSERT INTO incident_events (organization_id, incident_id, at, kind) VALUES ($1, $2, $3, $4)",
            incident["organization_id"],
            incident["id"],
            at,
            kind,
        )

    async def belief(self, monitor: Mapping[str, Any], since: int, health: str) -> None:
        """What was believed of it from then on."""
        await self._pipeline.execute(
            "INSERT INTO health_changes VALUES ($1, $2, $3, $4)",
            monitor["id"],
            monitor["organizationId"],
            since,
            health,
        )


async def delivery(
    notifier: Pool,
    incident: Mapping[str, Any],
    *,
    state: str = "sent",
    sent_at: int | None = None,
    error: str | None = None,
    event: str = "opened",
) -> int:
    """A message about an incident to a channel that is gone by now."""
    number: int = await notifier.fetchval(
        """INSERT INTO deliveries (organization_id, channel_type, channel_name, event, state, created_at, due_at,
               give_up_at, attempts, sent_at, error)
           VALUES ($1, 'slack', 'Ops Slack', $2, $3, 1, 1, 2, 1, $4, $5) RETURNING id""",
        incident["organization_id"],
        event,
        state,
        sent_at,
        error,
    )
    await notifier.execute(
        "INSERT INTO delivery_incidents VALUES ($1, $2, $3, $4)",
        number,
        incident["id"],
        incident["organization_id"],
        "resolved" if event == "resolved" else "opened",
    )
    return number
