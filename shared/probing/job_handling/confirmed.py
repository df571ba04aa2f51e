"""Publishing that ends only when the broker has confirmed it, or when the caller gives up."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from shared.broker.seam import Broker, BrokerUnavailable, OutgoingMessage, PublishOutcome
from shared.runtime.lifecycle import back_off_seconds, stopped_within

_log = structlog.get_logger()


class ConfirmedPublisher:
    """Keeps trying while the broker is away, full, or does not know the queue yet; until `abandon` is set.

    Args:
        first_back_off_seconds, back_off_cap_seconds: between attempts of one message.
    """

    def __init__(
        self, broker: Broker, *, first_back_off_seconds: float = 0.2, back_off_cap_seconds: float = 5.0
    ) -> None:
        self._broker = broker
        self._first = first_back_off_seconds
        self._cap = back_off_cap_seconds
        self._failing = False
        self.abandon = asyncio.Event()

    async def send(
        self, message: OutgoingMessage, *, what: str, give_up: Callable[[int, str], bool] | None = None
    ) -> bool:
        """Publish; True once confirmed. `give_up(attempts, reason)` is asked after each failure."""
        attempts = 0
        while True:
            reason = await self._attempt([message])
            if reason is None:
                self._recovered()
                return True
            attempts += 1
            self._failed(what, reason)
            if self.abandon.is_set() or (give_up is not None and give_up(attempts, reason)):
                return False
            await stopped_within(self.abandon, back_off_seconds(attempts, first=self._first, cap=self._cap))

    async def _attempt(self, messages: Sequence[OutgoingMessage]) -> str | None:
        """None when confirmed, else why not."""
        try:
            (outcome,) = await self._broker.publish(messages)
        except BrokerUnavailable as error:
            return f"unavailable: {error}"
        return None if outcome is PublishOutcome.CONFIRMED else outcome.value

    def _failed(self, what: str, reason: str) -> None:
        """One line per outage, not per attempt: hundreds of answers may be waiting."""
        if not self._failing:
            self._failing = True
            _log.warning("publish_failing", what=what, reason=reason)

    def _recovered(self) -> None:
        if self._failing:
            self._failing = False
            _log.info("publish_recovered")
