"""A notifier as a process of its own that plans and sends what is due and ends, or dies at a crash point before.

`python -m tests.support.notifier_to_kill DSN`; the key ring comes on its standard input, the point by its settings.
"""

import asyncio
import sys

from services.notifier.planning import Planning
from services.notifier.senders.http import OutboundHttp
from services.notifier.senders.mail import MailSender
from services.notifier.senders.webhook import WebhookSender
from services.notifier.sending import Sending
from shared.database.pool import NOTIFIER_ROLE, open_pool
from shared.notifications.channel_models import ChannelType
from shared.probing.address_policy import LOOPBACK_NETWORKS, AddressPolicy
from shared.runtime import crash_points
from shared.sealing import PrivateKeyRing


async def work(dsn: str, keys: PrivateKeyRing) -> None:
    async with (
        open_pool(dsn, role=NOTIFIER_ROLE, application_name="to be killed", max_size=3) as pool,
        OutboundHttp(AddressPolicy.create(LOOPBACK_NETWORKS), try_seconds=10) as http,
    ):
        sending = Sending(pool, senders={ChannelType.WEBHOOK: WebhookSender(http)}, mail=MailSender(None), keys=keys)
        planning = Planning(pool, mail=False, public_url=None, sending=sending)
        await planning.plan()
        while await sending.send_due():
            await planning.plan()


if __name__ == "__main__":
    crash_points.arm(crash_points.CrashSettings.load())
    asyncio.run(work(sys.argv[1], PrivateKeyRing.from_json(sys.stdin.read())))
