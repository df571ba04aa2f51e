"""Notices that a host refuses everybody, and that it lets somebody in. The rules: `shared.checks.host_outages`."""

from collections.abc import Sequence

import structlog

from services.result_recorder import host_outage_store
from shared.checks.host_outages import OUTAGE_WINDOW_MS, outage_seen
from shared.checks.messages import LoginAttempt
from shared.database.pool import Connection

_log = structlog.get_logger()

# Results may come late, and not in order.
LOOKED_BACK_MS = 3 * OUTAGE_WINDOW_MS

# While thousands are refused, a host seen to refuse them is not looked at with each.
SEEN_LATELY_MS = 60_000

# Those let in again try within some seconds; the host's pace, which is the scheduler's, spaces them further.
LIFTED_GIVE_UP_MS = 900_000
LIFTED_APART_MS = 100
LIFTED_TURNS = 100


async def see_outages(connection: Connection, hosts: Sequence[str], *, now_ms: int) -> None:
    """Judge hosts that have just refused an account for the first time since it worked."""
    standing = await host_outage_store.read_outages(connection, hosts)
    news = [
        host
        for host in hosts
        if (known := standing.get(host)) is None
        or known.ended_at is not None
        or known.seen_at < now_ms - SEEN_LATELY_MS
    ]
    if not news:
        return
    await host_outage_store.lock_hosts(connection, news)
    standing = await host_outage_store.read_outages(connection, news)
    refusals = await host_outage_store.first_refusals(connection, news, since_ms=now_ms - LOOKED_BACK_MS)
    for host in news:
        before = standing.get(host)
        outage = outage_seen(refusals.get(host, ()), before)
        if outage is None:
            continue
        await host_outage_store.write_outage(connection, host, outage)
        if before is None or before.began_at != outage.began_at:
            _log.warning("host_login_outage_began", host=host, accounts=len(refusals[host]))


async def end_outages(connection: Connection, let_in: Sequence[LoginAttempt], *, now_ms: int) -> None:
    """The hosts of these accounts work again, where they had been refused; the others there try at once."""
    hosts = await host_outage_store.end_where_let_in(connection, let_in, now_ms=now_ms)
    if not hosts:
        return
    lifted = await host_outage_store.lift_rungs(
        connection,
        hosts,
        now_ms=now_ms,
        give_up_ms=LIFTED_GIVE_UP_MS,
        apart_ms=LIFTED_APART_MS,
        turns=LIFTED_TURNS,
    )
    _log.info("host_login_outage_ended", hosts=hosts, logins_lifted=lifted)
