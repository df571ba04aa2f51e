"""Telling every gateway that something was stored: soon, together with what else there is to tell, and at most once.

For the process that stored it, after its commit. Nobody waits for the telling, and nothing is kept of it: a gateway
that hears nothing looks for itself, so that what is lost here costs moments and no event.
"""

import asyncio
from collections.abc import Iterable
from uuid import UUID

import structlog

from shared.broker.envelope import news_message
from shared.broker.seam import Broker, BrokerError
from shared.checks.messages import News

MOST_CHECKS = 2000

_log = structlog.get_logger()


class Herald:
    """Takes news, and publishes them from a task of its own."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._organizations: set[int] = set()
        self._checks: list[tuple[int, UUID, int]] = []
        self._there_is_some = asyncio.Event()
        self._silent = False

    def tell(self, organizations: Iterable[int] = (), checks: Iterable[tuple[int, UUID, int]] = ()) -> None:
        """New events of these organizations, new results as (monitor_id, check_id, slot_at); returns at once."""
        self._organizations.update(organizations)
        self._checks += checks
        # While the broker is away, the newest are the ones somebody may still be glad of.
        del self._checks[:-MOST_CHECKS]
        if self._organizations or self._checks:
            self._there_is_some.set()

    async def run(self) -> None:
        """Publish what there is to tell, until cancelled."""
        while True:
            await self._there_is_some.wait()
            self._there_is_some.clear()
            news = News(organizations=tuple(sorted(self._organizations)), checks=tuple(self._checks))
            self._organizations.clear()
            self._checks.clear()
            try:
                await self._broker.publish([news_message(news)])
                self._silent = False
            except BrokerError as error:
                if not self._silent:
                    _log.info("news_not_told", reason=str(error))
                self._silent = True
