"""What becomes of a delivery whose handler fails: the same with RabbitMQ and in one process."""

import asyncio
from collections.abc import Callable

import structlog

from shared.broker.seam import AFTER_FAILED_HANDLER_SECONDS, Delivery, Handler

_log = structlog.get_logger()


async def handle(handler: Handler, delivery: Delivery, *, queue: str, is_closing: Callable[[], bool]) -> None:
    """Run the handler; where it fails, or is cancelled but not by the consumer's closing, put the delivery back."""
    try:
        await handler(delivery)
    except asyncio.CancelledError:
        if is_closing():
            raise
        await delivery.reject(requeue=True)
    except Exception:
        _log.exception(
            "handler_failed",
            queue=queue,
            message_id=delivery.message_id,
            redelivered=delivery.redelivered,
        )
        await asyncio.sleep(AFTER_FAILED_HANDLER_SECONDS)
        await delivery.reject(requeue=True)
