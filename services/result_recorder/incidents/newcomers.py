"""Monitors that fail and have never passed: whoever made them is told, once for each way they were described.

A password mistyped, or a host name, is no outage and nothing to wake anybody for. What is said, and to whom, is the
notifier's.
"""

from collections.abc import Iterable

from services.result_recorder.incidents import incident_store
from services.result_recorder.incidents.incident_store import OutboxRow
from services.result_recorder.incidents.watched_store import Watched, note_maker_told
from shared.database.pool import Connection

NEVER_PASSED = "never_passed"


async def tell_makers(connection: Connection, failing: Iterable[Watched], *, now_ms: int) -> None:
    """Hand those of these failing monitors to the notifier whose makers do not know yet."""
    untold = [each for each in failing if each.is_untold_newcomer]
    if not untold:
        return
    await note_maker_told(connection, [each.id for each in untold])
    await incident_store.tell(
        connection,
        [OutboxRow(each.organization_id, NEVER_PASSED, each.customer_id, each.id) for each in untold],
        now_ms=now_ms,
    )
