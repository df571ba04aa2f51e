"""What the incident engine has to know of a monitor beside its results: read only for those that are not well."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.result_recorder.incidents.rules import Rules
from services.result_recorder.monitor_store import MonitorFacts
from shared.checks.host_outages import JOINING_MS
from shared.database.pool import Connection

# `eligible`: locations that are to check it; `live`: those of them where somebody of its protocol is at work;
# `host_refuses`: it had worked, and its host was seen lately to refuse several like it.
_READ = """
SELECT m.id, m.customer_id, m.name, m.hostname, m.protocol, m.config ->> 'user' AS user_name, m.status, m.interval_ms,
       ARRAY(SELECT s.location_id FROM schedule s WHERE s.monitor_id = m.id AND s.active) AS eligible,
       ARRAY(SELECT s.location_id FROM schedule s
             WHERE s.monitor_id = m.id AND s.active AND EXISTS (
                 SELECT FROM location_workers w
                 WHERE w.location_id = s.location_id AND w.protocol = s.protocol
                   AND w.last_seen_at >= silent_before())) AS live,
       EXISTS (SELECT FROM monitor_maintenance w
               WHERE w.monitor_id = m.id AND w.starts_at <= $2::bigint AND w.ends_at > $2::bigint) AS in_window,
       EXISTS (SELECT FROM host_login_outages o JOIN login_credentials c ON c.credential_id = m.credential_id
               WHERE o.host = lower(m.hostname) AND o.ended_at IS NULL AND c.ever_accepted
                 AND o.seen_at > $2::bigint - $3::bigint) AS host_refuses
FROM monitors m
WHERE m.id = ANY($1::bigint[])"""


@dataclass(frozen=True, slots=True)
class Watched:
    """A monitor as incidents name it, and whether people are to be told now."""

    id: int
    public_id: UUID
    organization_id: int
    customer_id: int
    name: str
    host: str
    protocol: str
    user: str | None
    alerting: bool
    eligible: frozenset[int]
    live: frozenset[int]
    host_refuses: bool
    interval_ms: int
    facts: MonitorFacts

    def rules(self, *, heard_from: frozenset[int] = frozenset()) -> Rules:
        """The rules for it now. heard_from: locations of a check made just now, a sign of life like any other."""
        return Rules(
            thresholds=self.facts.thresholds,
            live=self.live | (heard_from & self.eligible),
            interval_ms=self.interval_ms,
            retry_ms=self.facts.retry_ms,
            alerting=self.alerting,
            host_refuses=self.host_refuses,
        )


async def read_watched(connection: Connection, monitors: Sequence[MonitorFacts], *, now_ms: int) -> dict[int, Watched]:
    """Those of these monitors that still exist."""
    facts = {each.id: each for each in monitors}
    return {
        row["id"]: Watched(
            id=row["id"],
            public_id=facts[row["id"]].public_id,
            organization_id=facts[row["id"]].organization_id,
            customer_id=row["customer_id"],
            name=row["name"],
            host=row["hostname"].lower(),
            protocol=row["protocol"],
            user=row["user_name"],
            alerting=row["status"] == "active" and not row["in_window"],
            eligible=frozenset(row["eligible"]),
            live=frozenset(row["live"]),
            host_refuses=row["host_refuses"],
            interval_ms=row["interval_ms"],
            facts=facts[row["id"]],
        )
        for row in await connection.fetch(_READ, sorted(facts), now_ms, JOINING_MS)
    }
