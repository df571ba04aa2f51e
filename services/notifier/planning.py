"""The planning loop: takes the outbox, ripens what waits. One process does so at a time; the others stand by."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog

from services.notifier import clock_store, newcomer_store, ripening, ripening_store, thread_store
from services.notifier.sending import LEASE_SECONDS, Sending
from services.notifier.taking import MOST_ROWS, TRY_AGAIN, CannotPlan, take
from services.notifier.vocabulary import DAY_MS, MINUTE_MS
from shared.database.errors import DatabaseError, translated_errors
from shared.database.pool import NOTIFIER_ROLE, Connection, Pool, connect, transaction
from shared.runtime import crash_points, metrics
from shared.runtime.crash_points import CrashPoint
from shared.runtime.lifecycle import stopped_within

OUTBOX_CHANNEL = "mailprobe_outbox"
POLL_SECONDS = 1.0
_ALIVE_SECONDS = 10.0
_KEPT_MS = 7 * DAY_MS
_MESSAGES_KEPT_MS = 800 * DAY_MS
_MOST_FORGOTTEN = 5_000
# What leads to a mistake of ours is tried again after so long, and so many of them end a round.
ASIDE_MS = 5 * MINUTE_MS
_MOST_FAULTS = 20
_ROUNDS_PER_TIDYING = 3600
# Whoever has not planned for so long cannot know what the clock did meanwhile.
_UNWATCHED_MS = MINUTE_MS

_log = structlog.get_logger()


class Planning:
    """Turns happenings into messages with fixed content.

    Args:
        mail: whether mail can be sent. public_url: where messages link to. messages_kept_ms: how long what was told
            stays to be seen.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        mail: bool,
        public_url: str | None,
        sending: Sending,
        messages_kept_ms: int = _MESSAGES_KEPT_MS,
    ) -> None:
        self._pool = pool
        self._mail = mail
        self._public_url = public_url
        self._sending = sending
        self._held: dict[str, int] = {}
        self._aside: dict[int, int] = {}  # rows of the outbox, and until when each is left alone
        self._messages_kept_ms = messages_kept_ms
        self._rounds = 0
        self._read_ms = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Until stopped: at every notification, whenever a message arrived, and every second."""
        failing = False  # said once, and not every second
        while not stop.is_set():
            try:
                if await self.plan():
                    self._sending.something_due.set()
            except DatabaseError as error:
                if not failing:
                    _log.warning("planning_failed", reason=str(error))
                failing = True
            except Exception:  # a mistake of ours: the people it does not concern are told all the same
                metrics.NOTIFIER_FAULTS.inc()
                if not failing:
                    _log.exception("planning_failed")
                failing = True
            else:
                if failing:
                    _log.info("planning_goes_on")
                failing = False
            await self._until_something_happens(stop)

    async def plan(self) -> int:
        """One round: all of the outbox, then all that is ripe; how many messages were fixed."""
        taken, faults = MOST_ROWS, 0
        while taken == MOST_ROWS and faults < _MOST_FAULTS:
            async with self._alone() as (connection, now_ms):
                if connection is None:
                    return 0
                self._aside = {row: until for row, until in self._aside.items() if until > now_ms}
                try:
                    taken = await take(connection, now_ms=now_ms, mail=self._mail, but=self._aside)
                    if taken:
                        crash_points.reach(CrashPoint.PLANNED)
                except CannotPlan as error:
                    # It stays in the outbox, where its age is an alert.
                    metrics.NOTIFIER_FAULTS.inc()
                    _log.error("happening_not_planned", outbox_id=error.row_id, exc_info=error.__cause__)
                    self._aside[error.row_id] = now_ms + ASIDE_MS
                    faults += 1
        return await self._ripen()

    async def _ripen(self) -> int:
        fixed = 0
        async with self._alone() as (connection, now_ms):
            if connection is None:
                return 0
            self._held = {target: until for target, until in self._held.items() if until > now_ms}
            await ripening_store.withdraw_orphans(connection, now_ms=now_ms)
            await newcomer_store.withdraw_settled(connection, now_ms=now_ms)
            targets = await ripening_store.ripe_targets(
                connection, now_ms=now_ms, held=self._held, most=ripening.MOST_TARGETS
            )
            for target, channel_type in targets:
                until = await self._ripen_for(connection, target, channel_type, now_ms=now_ms)
                if until is None:
                    fixed += 1
                else:
                    self._held[target] = until
            metrics.OUTBOX_PENDING.set(await thread_store.outbox_pending(connection))
            if self._rounds % _ROUNDS_PER_TIDYING == 0:
                await thread_store.forget(connection, before_ms=now_ms - _KEPT_MS)
                old_ms = now_ms - self._messages_kept_ms
                await thread_store.forget_messages(connection, before_ms=old_ms, most=_MOST_FORGOTTEN)
        self._rounds += 1
        return fixed

    async def _mind_the_clock(self, connection: Connection, now_ms: int) -> None:
        """Where it went back, or may have while nobody looked, nothing waits for the time it showed before."""
        went_back = now_ms < self._read_ms - clock_store.AHEAD_MS
        if went_back or now_ms > self._read_ms + _UNWATCHED_MS:
            await clock_store.pull_back(
                connection, now_ms=now_ms, lease_ms=int(LEASE_SECONDS * 1000), just_seen=went_back
            )
        if went_back:
            _log.warning("clock_went_back", by_ms=self._read_ms - now_ms)
            self._held, self._aside = {}, {}

    async def _ripen_for(self, connection: Connection, target: str, channel_type: str, *, now_ms: int) -> int | None:
        try:
            async with ripening_store.all_or_nothing(connection):
                return await ripening.ripen(
                    connection, target, channel_type, now_ms=now_ms, public_url=self._public_url
                )
        except ripening.NoWords as error:
            _log.error("message_without_words", delivery=error.delivery_id, exc_info=error.__cause__)
            said = f"the notifier could not put it into words ({type(error.__cause__).__name__})"
            await ripening_store.give_up(connection, error.delivery_id, error=said, now_ms=now_ms)
            return None
        except TRY_AGAIN:
            raise
        except Exception as error:
            metrics.NOTIFIER_FAULTS.inc()
            _log.error("messages_not_ripened", channel=channel_type, exc_info=error)
            return now_ms + ASIDE_MS

    @contextlib.asynccontextmanager
    async def _alone(self) -> AsyncIterator[tuple[Connection | None, int]]:
        """A transaction of the one that plans, and now, once steps of the clock are minded; None where another does."""
        async with transaction(self._pool) as connection:
            if not await thread_store.plan_alone(connection):
                yield None, 0
                return
            now_ms = await thread_store.clock_ms(connection)
            await self._mind_the_clock(connection, now_ms)
            yield connection, now_ms
        self._read_ms = now_ms  # not before what a step of the clock asked for is kept

    async def _until_something_happens(self, stop: asyncio.Event) -> None:
        ends = asyncio.ensure_future(stop.wait())
        done = asyncio.ensure_future(self._sending.something_done.wait())
        try:
            await asyncio.wait({ends, done}, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ends.cancel()
            done.cancel()
        self._sending.something_done.clear()


async def listen(dsn: str, *, heard: asyncio.Event, due: asyncio.Event, stop: asyncio.Event) -> None:
    """Set both events whenever something was put into the outbox or a message was asked for; until stopped.

    While the connection is lost, the loops look every second as it is.
    """

    def on_notice(*_: object) -> None:
        heard.set()
        due.set()

    while not stop.is_set():
        try:
            connection = await connect(
                dsn, role=NOTIFIER_ROLE, application_name="mailprobe notifier (listen)", command_timeout_seconds=5
            )
            try:
                with translated_errors():
                    await connection.add_listener(OUTBOX_CHANNEL, on_notice)
                    while not await stopped_within(stop, _ALIVE_SECONDS):
                        await connection.execute("SELECT 1")
            finally:
                connection.terminate()
        except DatabaseError as error:
            _log.info("listening_interrupted", reason=str(error))
            await stopped_within(stop, POLL_SECONDS)
