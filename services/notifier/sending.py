"""Sends what is due: lease, send, mark. Whoever dies in between leaves a lease that ends, and the message is sent again
with the same key.

Any number of processes may do so side by side. What is said was fixed before; how long to go on is `persistence`'s.
"""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import structlog

from services.notifier import delivery_store
from services.notifier.content import Content
from services.notifier.delivery_store import Leased, SendingChannel
from services.notifier.persistence import NotSent, SendOutcome, Sent, next_try_at, rest_until
from services.notifier.senders.mail import MailSender
from services.notifier.senders.seam import TRY_SECONDS, Attempt, Sender
from services.notifier.vocabulary import GIVE_UP_MS, Event
from services.notifier.wording import of_test
from shared.database.errors import DatabaseError
from shared.database.pool import Pool, transaction
from shared.notifications.channel_models import ChannelConfig, ChannelType, mailbox
from shared.notifications.channel_types import ConfigInvalid, join_secrets, open_secrets
from shared.runtime import crash_points, metrics
from shared.runtime.crash_points import CrashPoint
from shared.runtime.lifecycle import retrying
from shared.sealing import PrivateKeyRing, SealBroken

# Longer than a try and its mark take, so that a lease that ends means a process that died.
LEASE_SECONDS = 90.0
MOST_AT_ONCE = 32
LOOK_SECONDS = 1.0

_log = structlog.get_logger()


class Sending:
    """The loop that sends.

    Args:
        pool: acts as the notifier's role. senders: by type of channel; `mail` is also for monitors' own addresses.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        senders: Mapping[ChannelType, Sender],
        mail: MailSender,
        keys: PrivateKeyRing,
        public_url: str | None = None,
    ) -> None:
        self._pool = pool
        self._senders = senders
        self._mail = mail
        self._keys = keys
        self._public_url = public_url
        self._tasks: set[asyncio.Task[None]] = set()
        self.something_due = asyncio.Event()
        self.something_done = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Until stopped; then what is under way is finished."""
        failing = False  # said once, and not every second
        while not stop.is_set():
            try:
                while len(self._tasks) < MOST_AT_ONCE and await self._begin_due():
                    pass
            except DatabaseError as error:
                if not failing:
                    _log.warning("lease_failed", reason=str(error))
                failing = True
            except Exception:  # a mistake of ours; what is under way goes on
                metrics.NOTIFIER_FAULTS.inc()
                if not failing:
                    _log.exception("lease_failed")
                failing = True
            else:
                failing = False
            await self._until_due(stop)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=TRY_SECONDS + 5)
            for task in late:
                task.cancel()

    async def send_due(self) -> int:
        """Send all that is due now, and wait for it; how many tries that took."""
        total = 0
        while await self._begin_due():
            total += len(self._tasks)
            await asyncio.gather(*self._tasks)
        return total

    async def _until_due(self, stop: asyncio.Event) -> None:
        ends = asyncio.ensure_future(stop.wait())
        due = asyncio.ensure_future(self.something_due.wait())
        try:
            await asyncio.wait({ends, due}, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ends.cancel()
            due.cancel()
        self.something_due.clear()

    async def _begin_due(self) -> int:
        async with transaction(self._pool) as connection:
            leased = await delivery_store.lease(
                connection, most=MOST_AT_ONCE - len(self._tasks), lease_ms=int(LEASE_SECONDS * 1000)
            )
            channels = await delivery_store.channels_of(connection, leased)
        for each in leased:
            task = asyncio.create_task(self._carry_out(each, channels.get(each.channel_id or 0)))
            self._tasks.add(task)
            task.add_done_callback(self._done)
        return len(leased)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self.something_done.set()
        self.something_due.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("sending_failed", exc_info=error)

    async def _carry_out(self, leased: Leased, channel: SendingChannel | None) -> None:
        crash_points.reach(CrashPoint.LEASED)
        rests = channel is not None and (channel.resting_until or 0) > leased.now_ms and leased.event != Event.TEST
        outcome = NotSent("it rests, having failed again and again") if rests else await self._send(leased, channel)
        crash_points.reach(CrashPoint.SENT)

        async def mark() -> bool:
            async with transaction(self._pool) as connection:
                await _mark(connection, leased, channel, outcome, rests=rests)
            return True

        # The lease ends some time; until then, and while we are told to stop, the mark is worth trying for.
        marking = retrying(
            mark, what="the database", errors=(DatabaseError,), stop=asyncio.Event(), cap_seconds=5.0, give_up_after=12
        )
        try:
            done = await marking
        except DatabaseError:
            done = None
        crash_points.reach(CrashPoint.MARKED)
        told = "sent" if isinstance(outcome, Sent) else "not_sent"
        metrics.NOTIFICATIONS.labels(channel=leased.channel_type, outcome=told).inc()
        _log.info(
            "notification_tried",
            delivery_id=str(leased.public_id),
            about=leased.event,
            channel=leased.channel_type,
            channel_id=leased.channel_id,
            attempt=leased.attempts,
            outcome=told,
            marked=bool(done),
            **({"reason": outcome.reason} if isinstance(outcome, NotSent) else {}),
        )

    async def _send(self, leased: Leased, channel: SendingChannel | None) -> SendOutcome:
        try:
            return await self._send_within(leased, channel)
        except SealBroken:
            return NotSent("its secrets do not open with the notifier's keys; enter them again")
        except ConfigInvalid as error:
            return NotSent(f"its configuration is not valid: {error}")
        except Exception as error:  # a sender that breaks must not end the others
            _log.error("sender_failed", channel=leased.channel_type, error=type(error).__name__)
            return NotSent(f"the notifier could not send it ({type(error).__name__})")

    async def _send_within(self, leased: Leased, channel: SendingChannel | None) -> SendOutcome:
        if leased.event == Event.TEST and leased.now_ms > leased.give_up_at:
            return NotSent("it was asked for too long ago; nobody waits for it any more", for_good=True)
        attempt = Attempt(leased.public_id, leased.attempts, leased.now_ms)
        if leased.content is not None:
            content = Content.model_validate(leased.content)
        else:
            content = of_test(
                leased.channel_name, public_id=leased.public_id, now_ms=leased.now_ms, public_url=self._public_url
            )
        if leased.address is not None:
            try:
                address = mailbox(leased.address)
            except ValueError as error:
                return NotSent(f"the monitor's notificationEmail cannot be used: {error}", for_good=True)
            return await self._mail.send_to((address,), content, attempt)
        if leased.trial is not None:
            channel_type = ChannelType(leased.trial["type"])
            config = self._opened(
                channel_type,
                leased.trial["config"],
                leased.trial.get("sealed_secrets"),
                leased.organization_id,
                UUID(leased.trial["public_id"]),
            )
        elif channel is not None:
            channel_type = ChannelType(channel.type)
            config = self._opened(
                channel_type, channel.config, channel.sealed_secrets, leased.organization_id, channel.public_id
            )
        else:
            return NotSent("the channel is no more", for_good=True)
        return await self._senders[channel_type].send(config, content, attempt)

    def _opened(
        self,
        channel_type: ChannelType,
        config: dict[str, Any],
        sealed: str | None,
        organization_id: int,
        public_id: UUID,
    ) -> ChannelConfig:
        secrets = open_secrets(
            self._keys,
            sealed,
            organization_id=organization_id,
            channel_public_id=public_id,
            channel_type=channel_type,
            config=config,
        )
        return join_secrets(channel_type, config, secrets)


async def _mark(
    connection: Any, leased: Leased, channel: SendingChannel | None, outcome: SendOutcome, *, rests: bool
) -> None:
    if isinstance(outcome, Sent):
        await delivery_store.mark_sent(connection, leased, remark=outcome.remark)
        return
    if leased.event == Event.TEST:
        await delivery_store.mark_failed(connection, leased, error=outcome.reason)
        return
    failures = channel.failures + 1 if channel else 0
    resting_until = rest_until(failures, now_ms=leased.now_ms)
    if channel is not None and not rests:
        await delivery_store.channel_refused(
            connection, channel.id, failures=failures, error=outcome.reason, resting_until=resting_until
        )
    again_at = next_try_at(outcome, attempts=leased.attempts, now_ms=leased.now_ms, give_up_at=leased.give_up_at)
    stands_in = channel is not None and channel.fallback_id is not None and leased.fallback_for is None
    if channel is not None and stands_in and (again_at is None or rests or resting_until is not None):
        await delivery_store.stand_in(connection, leased, channel, lifetime_ms=GIVE_UP_MS)
        error = f"{outcome.reason}; told by the channel {channel.fallback_name} instead"
        await delivery_store.mark_failed(connection, leased, error=error)
    elif again_at is None:
        await delivery_store.mark_failed(connection, leased, error=outcome.reason)
    else:
        await delivery_store.mark_retry(connection, leased, due_at=again_at, error=outcome.reason)
