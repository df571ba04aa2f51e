"""What waits in the broker, as far as this gateway may know it.

By RabbitMQ's management where its address is set, as a user who only looks; else over AMQP, which tells any user how
long a queue is and takes no right to it; else of the broker in this process. Never by more rights than the gateway has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from shared.broker.management import ManagementFailed
from shared.broker.queue_depths import QueueDepth, queue_depths, queue_depths_seen
from shared.broker.seam import Broker, BrokerError


@dataclass(frozen=True, slots=True)
class QueueWatch:
    """Where to look. `console_url` is for people's browsers, `management_url` for this process."""

    broker: Broker
    vhost: str = "/"
    management_url: str | None = None
    console_url: str | None = None

    async def look(self, locations: Sequence[str]) -> tuple[list[QueueDepth], str | None]:
        """Our queues with those of these locations; or none, and why nothing is known."""
        try:
            if self.management_url is not None:
                return await queue_depths(self.management_url, vhost=self.vhost), None
            return await queue_depths_seen(self.broker, locations=locations), None
        except (ManagementFailed, BrokerError) as error:
            return [], str(error)

    def console_of(self, queue: str) -> str | None:
        """A queue's own place at the console."""
        if self.console_url is None:
            return None
        return f"{self.console_url.rstrip('/')}/#/queues/{quote(self.vhost, safe='')}/{quote(queue, safe='')}"
