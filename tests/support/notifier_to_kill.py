"""A notifier as a process of its own that plans and sends what is due, and dies by SIGKILL at a named point.

`python -m tests.support.notifier_to_kill DSN POINT`; the key ring comes on its standard input. Any other point: it
does all there is to do, and ends.
"""

import asyncio
import os
import signal
import sys

from services.notifier.planning import Planning
from services.notifier.senders.http import OutboundHttp
from services.notifier.senders.mail import MailSender
from services.notifier.senders.webhook import WebhookSender
from services.notifier.sending import Sending
from shared.database.pool import NOTIFIER_ROLE, open_pool
from shared.notifications.channel_models import ChannelType
from shared.probing.address_policy import LOOPBACK_NETWORKS, AddressPolicy
from shared.sealing import PrivateKeyRing


async def work(dsn: str, point: str, keys: PrivateKeyRing) -> None:
    async def reached(name: str) -> None:
        if name == point:
            os.kill(os.getpid(), signal.SIGKILL)

    async with (
        open_pool(dsn, role=NOTIFIER_ROLE, application_name="to be killed", max_size=3) as pool,
        OutboundHttp(AddressPolicy.create(LOOPBACK_NETWORKS), try_seconds=10) as http,
    ):
        sending = Sending(
            pool, senders={ChannelType.WEBHOOK: WebhookSender(http)}, mail=MailSender(None), keys=keys, reached=reached
        )
        planning = Planning(pool, mail=False, public_url=None, sending=sending)
        await planning.plan()
        while await sending.send_due():
            await planning.plan()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], sys.argv[2], PrivateKeyRing.from_json(sys.stdin.read())))
