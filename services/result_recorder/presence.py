"""What is read from the presence queue: who is at work where."""

from collections.abc import Sequence
from typing import Any

import structlog

from services.result_recorder.location_store import keep_presence
from shared.broker.envelope import read_presence
from shared.checks.messages import Presence
from shared.database.pool import Pool, transaction

_log = structlog.get_logger()


def read_present(body: bytes, type: str) -> Sequence[Presence]:  # noqa: A002 - the property's name
    """The sign of life in a message; raises UnreadableMessage."""
    return (read_presence(body, type),)


async def keep_present(pool: Pool, seen: Sequence[Presence]) -> None:
    """Keep a batch of them; raises errors of the database."""
    async with transaction(pool) as connection:
        woken = await keep_presence(connection, seen)
    for code in woken:
        _log.info("location_awake", location=code)


def about(presence: Presence) -> dict[str, Any]:
    """What a log line says of it."""
    return {"location": presence.location, "protocol": presence.protocol, "worker": presence.worker}
