"""A watch on the watcher: tells the operators when the pipeline stops, and keeps the dead man's URL from ringing.

Needs neither database nor broker to say that they are gone.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from uuid import NAMESPACE_URL, uuid5

import structlog

from services.notifier.content import Content
from services.notifier.heartbeat import SILENT_SECONDS, Call, Heartbeat
from services.notifier.persistence import NotSent, SendOutcome
from services.notifier.senders.http import OutboundHttp
from services.notifier.senders.mail import MailSender
from services.notifier.senders.seam import Attempt
from services.notifier.senders.webhook import WebhookSender
from services.notifier.vocabulary import Event
from shared.database.errors import DatabaseError
from shared.notifications.channel_models import WebhookConfig
from shared.runtime.lifecycle import stopped_within

LOOK_SECONDS = 5.0
_ASK_SECONDS = 8.0

Newest = Callable[[], Awaitable[int | None]]

_log = structlog.get_logger()


class Operators:
    """Where those who run mailprobe hear of it: a webhook's address or `mailto:`; None: in the log alone."""

    def __init__(self, channel: str | None, *, http: OutboundHttp, mail: MailSender) -> None:
        self._channel = channel
        self._webhook = WebhookSender(http)
        self._mail = mail

    async def tell(self, content: Content, attempt: Attempt) -> SendOutcome | None:
        """None where nobody is to be told."""
        if self._channel is None:
            return None
        if self._channel.startswith("mailto:"):
            return await self._mail.send_to((self._channel.removeprefix("mailto:"),), content, attempt)
        return await self._webhook.send(WebhookConfig.model_construct(url=self._channel), content, attempt)


class Pulse:
    """The loop. `newest` asks the database; `now` is a monotonic clock in seconds, `wall_ms` that of messages."""

    def __init__(
        self,
        newest: Newest,
        *,
        operators: Operators,
        http: OutboundHttp,
        dead_mans_url: str | None,
        now: Callable[[], float] = time.monotonic,
        wall_ms: Callable[[], int] = lambda: int(time.time() * 1000),
    ) -> None:
        self._newest = newest
        self._operators = operators
        self._http = http
        self._dead_mans_url = dead_mans_url
        self._now = now
        self._wall_ms = wall_ms
        self._heartbeat = Heartbeat(began_at=now())
        self._tries = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Until stopped."""
        while True:
            await self.look()
            if await stopped_within(stop, LOOK_SECONDS):
                return

    async def look(self) -> None:
        """Ask once, and tell whoever has to be told."""
        beat = self._heartbeat
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                beat.seen(await self._newest(), now=self._now())
        except (DatabaseError, OSError, TimeoutError) as error:
            beat.not_seen(str(error) or "no answer in time")
        except Exception as error:  # whatever it is, it is no canary
            beat.not_seen(f"{type(error).__name__}")
        for broke in await asyncio.gather(self._ping(), self._tell(), return_exceptions=True):
            if isinstance(broke, Exception):  # this is the last to go silent, whatever a receiver answers
                _log.error("pulse_not_told", error=type(broke).__name__)
            elif broke is not None:
                raise broke

    async def _ping(self) -> None:
        if self._dead_mans_url is None or not self._heartbeat.wants_ping(now=self._now()):
            return
        outcome = await self._http.request("GET", self._dead_mans_url, headers={}, secrets=[self._dead_mans_url])
        if isinstance(outcome, NotSent):
            _log.warning("dead_mans_url_not_reached", reason=outcome.reason)
        else:
            self._heartbeat.pinged(now=self._now())

    async def _tell(self) -> None:
        call = self._heartbeat.call(now=self._now())
        if call is None:
            return
        self._tries += 1
        content = self._content(call)
        outcome = await self._operators.tell(content, Attempt(content.public_id, self._tries, content.at))
        said = _log.error if call is Call.TELL_SILENT else _log.info
        if isinstance(outcome, NotSent):
            said("operators_not_told", about=call.value, reason=outcome.reason, attempt=self._tries)
            return
        said("pipeline_silent" if call is Call.TELL_SILENT else "pipeline_back", operators_told=outcome is not None)
        self._heartbeat.told(call)
        self._tries = 0

    def _content(self, call: Call) -> Content:
        beat = self._heartbeat
        # Several notifiers say the same with the same key, and so does each try.
        public_id = uuid5(NAMESPACE_URL, f"mailprobe pulse {call.value} {beat.newest}")
        if call is Call.TELL_SILENT:
            title = "mailprobe has stopped checking"
            paragraphs: tuple[str, ...] = (
                f"For {int(beat.silent_for(now=self._now()))} seconds no check of mailprobe's own was made, carried "
                f"and stored ({SILENT_SECONDS:g} are allowed). Outages of mailboxes are not noticed meanwhile.",
                f"What is known: {beat.reason}.",
                "Next: look whether the database, RabbitMQ, the scheduler, the workers and the recorder run and are "
                "ready (/readyz on their admin ports).",
            )
        else:
            title = "mailprobe checks again"
            paragraphs = ("Checks of mailprobe's own are made, carried and stored again.",)
        return Content(
            event=Event.SETTLED if call is Call.TELL_BACK else Event.OPENED,
            public_id=public_id,
            at=self._wall_ms(),
            good_news=call is Call.TELL_BACK,
            title=title,
            paragraphs=paragraphs,
        )
