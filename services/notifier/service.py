"""The notifier at work: planning, sending and the watch on the pipeline's pulse, in any process that has a database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import structlog

from services.notifier import audience_store
from services.notifier.planning import Planning, listen
from services.notifier.pulse import Operators, Pulse
from services.notifier.pulse_store import newest_canary
from services.notifier.senders.alertmanager import AlertmanagerSender
from services.notifier.senders.chat import ChatSender
from services.notifier.senders.http import OutboundHttp
from services.notifier.senders.mail import MailSender, MailServer
from services.notifier.senders.seam import Sender
from services.notifier.senders.webhook import WebhookSender
from services.notifier.sending import Sending
from services.notifier.vocabulary import DAY_MS
from shared.database.errors import DatabaseError
from shared.database.pool import Pool, transaction
from shared.notifications.channel_models import ChannelType
from shared.probing.address_policy import AddressPolicy
from shared.runtime.settings import RetentionSettings, TellingSettings
from shared.sealing import PrivateKeyRing

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ways:
    """All the ways to send, opened."""

    http: OutboundHttp
    mail: MailSender
    senders: dict[ChannelType, Sender]
    mail_is_set: bool


@asynccontextmanager
async def open_ways(settings: TellingSettings) -> AsyncIterator[Ways]:
    """The senders, as the settings have them."""
    policy = AddressPolicy.create(str(network) for network in settings.allowed_private_networks)
    server = None
    if settings.smtp_url is not None:
        server = MailServer.from_url(settings.smtp_url.get_secret_value(), sender=settings.mail_from or "")
    mail, chat = MailSender(server), ChatSender(policy)
    try:
        async with OutboundHttp(policy) as http:
            senders: dict[ChannelType, Sender] = {
                ChannelType.EMAIL: mail,
                ChannelType.WEBHOOK: WebhookSender(http),
                ChannelType.ALERTMANAGER: AlertmanagerSender(http),
                **dict.fromkeys(ChatSender.TYPES, chat),
            }
            yield Ways(http=http, mail=mail, senders=senders, mail_is_set=server is not None)
    finally:
        chat.close()


async def serve_notifier(
    *,
    dsn: str,
    pool: Pool,
    keys: PrivateKeyRing,
    settings: TellingSettings,
    ways: Ways,
    stop: asyncio.Event,
    instance: str,
    retention: RetentionSettings | None = None,
) -> None:
    """Plan and send until `stop` is set; what is being sent then is finished.

    Args:
        pool: acts as the notifier's role. keys: what channels' secrets open with.
        retention: how long what was told stays to be seen; left out: as long as by default.
    """
    log = _log.bind(instance=instance)
    sending = Sending(pool, senders=ways.senders, mail=ways.mail, keys=keys, public_url=settings.public_url)
    kept = retention or RetentionSettings.model_construct()
    planning = Planning(
        pool,
        mail=ways.mail_is_set,
        public_url=settings.public_url,
        sending=sending,
        messages_kept_ms=kept.history_retention_days * DAY_MS,
    )
    await warn_of_nobody(pool)
    log.info("notifying", mail=ways.mail_is_set, operators=settings.operators_channel is not None)
    async with asyncio.TaskGroup() as group:
        group.create_task(planning.run(stop))
        group.create_task(sending.run(stop))
        group.create_task(listen(dsn, heard=sending.something_done, due=sending.something_due, stop=stop))


async def watch_pulse(dsn: str, settings: TellingSettings, ways: Ways, stop: asyncio.Event) -> None:
    """Watch the pipeline's pulse until `stop` is set; needs no database to begin with."""
    channel = settings.operators_channel.get_secret_value() if settings.operators_channel else None
    pulse = Pulse(
        partial(newest_canary, dsn),
        operators=Operators(channel, http=ways.http, mail=ways.mail),
        http=ways.http,
        dead_mans_url=settings.dead_mans_url.get_secret_value() if settings.dead_mans_url else None,
    )
    await pulse.run(stop)


async def warn_of_nobody(pool: Pool) -> None:
    """Say at start of whose outages nobody would be told."""
    try:
        async with transaction(pool) as connection:
            untold = await audience_store.nobody_is_told(connection)
    except DatabaseError as error:
        _log.warning("audience_not_read", reason=str(error))
        return
    for each in untold[:20]:
        _log.warning(
            "nobody_would_be_told",
            organization_id=each.organization_id,
            customer_id=each.customer_id,
            monitors=each.monitors,
        )
    if len(untold) > 20:
        _log.warning("nobody_would_be_told", customers=len(untold))


async def somebody_is_told(pool: Pool) -> bool:
    """Whether there is any channel that hears of outages."""
    async with transaction(pool) as connection:
        return await audience_store.any_channel(connection)
