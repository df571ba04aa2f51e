"""Messages sent to try a channel out: handed over to the notifier as deliveries, which it finishes."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.api_gateway.channels.channel_store import Channel, StoredChannel
from shared.database.pool import Connection

# A trigger tells the notifier. Whoever asks waits as long as it may be tried.
_INSERT = """INSERT INTO deliveries (organization_id, channel_id, channel_type, channel_name, trial, event, due_at,
        give_up_at)
    SELECT $1, $2, $3, $4, $5, 'test', now_ms, now_ms + $6::bigint FROM clock_ms() AS now_ms RETURNING id"""
_END = "SELECT state, attempts, error FROM deliveries WHERE organization_id = $1 AND id = $2"


@dataclass(frozen=True, slots=True)
class TrialEnd:
    """What became of it."""

    sent: bool
    error: str | None


async def insert_trial(
    connection: Connection,
    organization_id: int,
    channel: Channel,
    *,
    stored: StoredChannel | None,
    one_time_id: UUID,
    give_up_ms: int,
) -> int:
    """Ask for a message to this channel; where it is not `stored`, its secrets are sealed to the one-time id."""
    trial: dict[str, Any] | None = None
    if stored is None:
        trial = {
            "public_id": str(one_time_id),
            "type": channel.type,
            "name": channel.name,
            "config": dict(channel.config),
            "sealed_secrets": channel.sealed_secrets,
        }
    number: int = await connection.fetchval(
        _INSERT,
        organization_id,
        None if stored is None else stored.id,
        channel.type,
        channel.name,
        trial,
        give_up_ms,
    )
    return number


async def trial_end(connection: Connection, organization_id: int, number: int) -> TrialEnd | None:
    """What became of it; None while nobody knows. The first failure is enough to tell."""
    row = await connection.fetchrow(_END, organization_id, number)
    if row is None:
        return TrialEnd(sent=False, error="the message is gone")
    if row["state"] == "pending" and not (row["attempts"] and row["error"]):
        return None
    return TrialEnd(sent=row["state"] == "sent", error=row["error"])
