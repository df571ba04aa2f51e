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
                 AND o.seen_at > $2::bigint - $3::bigint) AS host_refuses,
       h.first_passed_at IS NOT NULL AS has_passed, h.maker_told_revision IS NOT DISTINCT FROM m.revision AS maker_knows
FROM monitors m LEFT JOIN monitor_health h ON h.monitor_id = m.id
WHERE m.id = ANY($1::bigint[])"""


_MAKER_TOLD = """
UPDATE monitor_health h SET maker_told_revision = m.revision
FROM monitors m WHERE m.id = h.monitor_id AND h.monitor_id = ANY($1::bigint[])"""


@dataclass(frozen=True, slots=True)
class Watched:
    """A monitor as incidents name it, and whether people are to be told now.

    Args:
        wants_alerts: it is active and not in maintenance.
        has_passed: once at least; of one that never has, no incident opens.
        maker_knows: whoever made it was told that it fails, described as it is.
    """

    id: int
    public_id: UUID
    organization_id: int
    customer_id: int
    name: str
    host: str
    protocol: str
    user: str | None
    wants_alerts: bool
    has_passed: bool
    maker_knows: bool
    eligible: frozenset[int]
    live: frozenset[int]
    host_refuses: bool
    interval_ms: int
    facts: MonitorFacts

    @property
    def alerting(self) -> bool:
        return self.wants_alerts and self.has_passed

    @property
    def is_untold_newcomer(self) -> bool:
        """Whether whoever made it should hear that it fails, and has not."""
        return self.wants_alerts and not self.has_passed and not self.maker_knows

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
            wants_alerts=row["status"] == "active" and not row["in_window"],
            has_passed=row["has_passed"],
            maker_knows=row["maker_knows"],
            eligible=frozenset(row["eligible"]),
            live=frozenset(row["live"]),
            host_refuses=row["host_refuses"],
            interval_ms=row["interval_ms"],
            facts=facts[row["id"]],
        )
        for row in await connection.fetch(_READ, sorted(facts), now_ms, JOINING_MS)
    }


async def note_maker_told(connection: Connection, monitor_ids: Sequence[int]) -> None:
    """Their makers know, as long as they are described as they are. For those who hold the monitors' locks."""
    await connection.execute(_MAKER_TOLD, monitor_ids)
