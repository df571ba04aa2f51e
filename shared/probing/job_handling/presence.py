"""A worker's sign of life: at once, then every few seconds; the scheduler makes queues for who announces itself."""

import asyncio
from collections.abc import Callable

import structlog

from shared.broker.envelope import presence_message
from shared.broker.seam import Broker, BrokerError, BrokerUnavailable, PublishOutcome
from shared.broker.topology import core_topology
from shared.checks.messages import Presence

_log = structlog.get_logger()

RETRY_SECONDS = 1.0


async def announce_presence(
    broker: Broker, presence: Callable[[], Presence], *, every_seconds: float, retry_seconds: float = RETRY_SECONDS
) -> None:
    """Announce for ever. Unheard, it says so once, makes what it publishes to, and tries again sooner.

    Only then: where the exchanges are there already, a worker's user needs no permission to make any.
    """
    unheard = False
    while True:
        reason = await _announce(broker, presence())
        if reason is not None and not unheard:
            _log.warning("presence_unheard", reason=reason)
        if reason is not None:
            await _declare(broker)
        elif reason is None and unheard:
            _log.info("presence_heard")
        unheard = reason is not None
        await asyncio.sleep(min(retry_seconds, every_seconds) if unheard else every_seconds)


async def _declare(broker: Broker) -> None:
    try:
        await broker.declare(core_topology())
    except BrokerError as error:
        _log.debug("topology_not_declared", reason=str(error))


async def _announce(broker: Broker, presence: Presence) -> str | None:
    try:
        (outcome,) = await broker.publish([presence_message(presence)])
    except BrokerUnavailable as error:
        return f"unavailable: {error}"
    return None if outcome is PublishOutcome.CONFIRMED else outcome.value
