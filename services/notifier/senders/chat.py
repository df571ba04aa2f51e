"""Chat and alarm services by Apprise, fenced: the only file that knows it.

Apprise blocks, reads whole answers into memory, follows redirects and takes any scheme. Here it runs in a few threads
of its own; its plugins are made from fields of ours, never from a URL, and only those of the table below; and its
requests go through an adapter that judges addresses, follows nothing, and stops reading early.
"""

import asyncio
import contextlib
import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import requests
import urllib3.util.connection
from apprise import AppriseAsset, NotifyFormat, NotifyType
from apprise.plugins.discord import NotifyDiscord
from apprise.plugins.gotify import NotifyGotify
from apprise.plugins.matrix import NotifyMatrix
from apprise.plugins.ntfy import NotifyNtfy
from apprise.plugins.opsgenie import NotifyOpsgenie
from apprise.plugins.pagerduty import NotifyPagerDuty
from apprise.plugins.pushover import NotifyPushover
from apprise.plugins.slack import NotifySlack
from apprise.plugins.telegram import NotifyTelegram
from apprise.plugins.workflows import NotifyWorkflows

from services.notifier.content import Content
from services.notifier.persistence import NotSent, SendOutcome, Sent
from services.notifier.senders.http import ANSWER_CAP_BYTES
from services.notifier.senders.seam import TRY_SECONDS, Attempt
from services.notifier.vocabulary import GOOD_NEWS, Event
from shared.notifications.channel_models import (
    ChannelConfig,
    ChannelType,
    DiscordConfig,
    GotifyConfig,
    MatrixConfig,
    NtfyConfig,
    OpsgenieConfig,
    PagerdutyConfig,
    PushoverConfig,
    SlackConfig,
    TeamsConfig,
    TelegramConfig,
)
from shared.probing.address_policy import AddressPolicy

THREADS = 8
_PART_SECONDS = 10.0
_LONGEST_TEXT = 3500  # Telegram's and Slack's limits are near 4,000
# Words that call whole rooms, where a stranger's server or mailbox name says them.
_CALLS = re.compile(r"@(?=everyone|here|channel|room|all\b)|<(?=[!@#&])", re.IGNORECASE)

_FOR_GOOD = frozenset({400, 410, 413, 422})


class ChatSender:
    """Sends to every type of channel that Apprise knows for us. Close it at the end."""

    TYPES = (
        ChannelType.SLACK,
        ChannelType.DISCORD,
        ChannelType.TEAMS,
        ChannelType.PAGERDUTY,
        ChannelType.OPSGENIE,
        ChannelType.TELEGRAM,
        ChannelType.NTFY,
        ChannelType.PUSHOVER,
        ChannelType.GOTIFY,
        ChannelType.MATRIX,
    )

    def __init__(self, policy: AddressPolicy, *, try_seconds: float = TRY_SECONDS) -> None:
        self._policy = policy
        self._try_seconds = try_seconds
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="apprise")
        self._room = asyncio.Semaphore(THREADS)
        # Its log lines hold addresses with tokens in them.
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)

    async def send(self, config: ChannelConfig, content: Content, attempt: Attempt) -> SendOutcome:
        try:
            async with asyncio.timeout(self._try_seconds):
                await self._room.acquire()
        except TimeoutError:
            return NotSent("too many chat messages were under way")
        lines: list[socket.socket] = []
        work = asyncio.get_running_loop().run_in_executor(self._threads, self._send, config, content, lines)
        work.add_done_callback(lambda _: self._room.release())
        try:
            async with asyncio.timeout(self._try_seconds):
                return await asyncio.shield(work)
        except TimeoutError:
            # A thread cannot be ended from outside, but it ends when its connections do.
            for line in lines:
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)
            work.add_done_callback(_forget)
            return NotSent(f"it did not answer within {self._try_seconds:g} s")

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _send(self, config: ChannelConfig, content: Content, lines: list[socket.socket]) -> SendOutcome:
        try:
            plugin = _PLUGINS[type(config)](config, content)
        except Exception as error:
            return NotSent(f"the service's settings cannot be used ({type(error).__name__})", for_good=True)
        body = _CALLS.sub(lambda found: found[0] + "\u200b", content.text)[:_LONGEST_TEXT]
        title = _CALLS.sub(lambda found: found[0] + "\u200b", content.title)
        with _fenced(self._policy, lines, deadline=time.monotonic() + self._try_seconds) as seen:
            try:
                accepted = plugin.notify(
                    body=body, title=title, notify_type=_notify_type(content), body_format=NotifyFormat.TEXT
                )
            except Exception as error:  # whatever a plugin makes of a strange answer
                seen.reason = seen.reason or f"the service could not be used ({type(error).__name__})"
                accepted = False
        if accepted:
            return Sent()
        return NotSent(
            seen.reason or "the service did not take it",
            for_good=seen.status in _FOR_GOOD,
            retry_after_ms=seen.retry_after_ms,
        )


def _forget(work: "asyncio.Future[Any]") -> None:
    if not work.cancelled():
        work.exception()


_MILD = (Event.CERTIFICATE, Event.FLAPPING, Event.NEVER_PASSED)


def _notify_type(content: Content) -> NotifyType:
    if content.event is Event.TEST:
        return NotifyType.INFO
    if content.good_news:
        return NotifyType.SUCCESS
    return NotifyType.WARNING if content.event in _MILD else NotifyType.FAILURE


# --- Plugins, each made from the fields of its channel -------------------------------------------------------------


def _asset() -> AppriseAsset:
    return AppriseAsset(
        app_id="mailprobe", app_desc="mailprobe", app_url="", storage_mode="memory", http_redirects=False
    )


def _shared() -> dict[str, Any]:
    return {"asset": _asset(), "cto": _PART_SECONDS, "rto": _PART_SECONDS, "redirect": "no", "verify": "yes"}


def _server(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    return {
        **_shared(),
        "host": parts.hostname,
        "port": parts.port,
        "secure": parts.scheme == "https",
        "schema": parts.scheme,
        "fullpath": quote(parts.path.rstrip("/") + "/", safe="/"),
    }


def _path_of(url: str | None) -> list[str]:
    return urlsplit(url or "").path.strip("/").split("/")


def _slack(config: SlackConfig, content: Content) -> Any:
    token_a, token_b, token_c = _path_of(config.secret)[-3:]
    return NotifySlack(token_a=token_a, token_b=token_b, token_c=token_c, include_image=False, **_shared())


def _discord(config: DiscordConfig, content: Content) -> Any:
    webhook_id, webhook_token = _path_of(config.secret)[-2:]
    return NotifyDiscord(webhook_id=webhook_id, webhook_token=webhook_token, avatar=False, **_shared())


def _teams(config: TeamsConfig, content: Content) -> Any:
    parts = urlsplit(config.secret or "")
    path = _path_of(config.secret)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return NotifyWorkflows(
        workflow=path[path.index("workflows") + 1],
        signature=query["sig"],
        version=query.get("api-version"),
        power_automate="powerautomate" in path,
        routing_id=path[path.index("cu") + 1] if "cu" in path else None,
        include_image=False,
        **{**_shared(), "host": parts.hostname, "port": parts.port, "secure": True, "schema": "workflows"},
    )


def _pagerduty(config: PagerdutyConfig, content: Content) -> Any:
    return NotifyPagerDuty(
        apikey=config.routingKey,
        integrationkey=config.routingKey,
        region_name=config.region,
        source=content.parts[0].host if content.parts else "mailprobe",
        component="mailprobe",
        include_image=False,
        click=content.link,
        dedup=_alarm_key(content),
        action="resolve" if content.event in GOOD_NEWS else "trigger",
        **_shared(),
    )


def _opsgenie(config: OpsgenieConfig, content: Content) -> Any:
    return NotifyOpsgenie(
        apikey=config.apiKey,
        targets=None,
        region_name=config.region,
        alias=_alarm_key(content),
        action="close" if content.event in GOOD_NEWS else "new",
        **_shared(),
    )


def _telegram(config: TelegramConfig, content: Content) -> Any:
    return NotifyTelegram(bot_token=config.botToken, targets=[config.chatId], detect_owner=False, **_shared())


def _ntfy(config: NtfyConfig, content: Content) -> Any:
    with_password = config.token is None and config.username is not None
    return NotifyNtfy(
        targets=[config.topic],
        mode="private",
        click=content.link,
        priority="default" if content.good_news else "high",
        include_image=False,
        auth="token" if config.token else "basic",
        token=config.token,
        **_server(config.url),
        **({"user": quote(config.username or ""), "password": quote(config.password or "")} if with_password else {}),
    )


def _pushover(config: PushoverConfig, content: Content) -> Any:
    return NotifyPushover(user_key=config.userKey, token=config.apiToken, **_shared())


def _gotify(config: GotifyConfig, content: Content) -> Any:
    return NotifyGotify(token=config.appToken, priority=4 if content.good_news else 8, **_server(config.url))


def _matrix(config: MatrixConfig, content: Content) -> Any:
    return NotifyMatrix(
        targets=[config.roomId],
        mode="off",
        discovery=False,
        e2ee=False,
        include_image=False,
        **{**_server(config.url), "password": quote(config.accessToken or "")},
    )


_PLUGINS: Mapping[type[ChannelConfig], Callable[[Any, Content], Any]] = {
    SlackConfig: _slack,
    DiscordConfig: _discord,
    TeamsConfig: _teams,
    PagerdutyConfig: _pagerduty,
    OpsgenieConfig: _opsgenie,
    TelegramConfig: _telegram,
    NtfyConfig: _ntfy,
    PushoverConfig: _pushover,
    GotifyConfig: _gotify,
    MatrixConfig: _matrix,
}


def _alarm_key(content: Content) -> str:
    return content.parts[0].key if len(content.parts) == 1 else str(content.public_id)


# --- The fence around requests ----------------------------------------------------------------------------------------


class _Seen(threading.local):
    """What the requests of this thread met with, while it is inside the fence."""

    policy: AddressPolicy | None = None
    deadline: float = 0.0
    lines: list[socket.socket]  # a second hold on each connection, to cut it by
    status: int | None = None
    reason: str | None = None
    retry_after_ms: int | None = None


_seen = _Seen()
_connect_freely = urllib3.util.connection.create_connection


@contextlib.contextmanager
def _fenced(policy: AddressPolicy, lines: list[socket.socket], *, deadline: float) -> Iterator[_Seen]:
    """Within it, requests made by this thread connect only where they may, and not for long."""
    # Plugins make sessions of their own, which look these names up when they are made. Outside the fence, in threads
    # of somebody else, both do what they always did.
    vars(requests.sessions)["HTTPAdapter"] = _Adapter
    urllib3.util.connection.create_connection = _connect
    _seen.policy, _seen.deadline, _seen.lines = policy, deadline, lines
    _seen.status = _seen.reason = _seen.retry_after_ms = None
    try:
        yield _seen
    finally:
        _seen.policy = None
        for line in lines:
            line.close()


def _connect(address: tuple[str, int], *more: Any, **named: Any) -> socket.socket:
    policy = _seen.policy
    if policy is None:
        return _connect_freely(address, *more, **named)
    host, port = address
    fault: OSError = OSError("the name has no address")
    for found in socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM):
        place = str(found[4][0])
        if (blocked := policy.judge(place)) is not None:
            _seen.reason = (
                f"{blocked.sentence.replace('checks', 'messages')}. {blocked.hint.replace('workers', 'notifier')}"
            )
            raise OSError(_seen.reason)
        try:
            line = _connect_freely((place, port), *more, **named)
            _seen.lines.append(line.dup())
            return line
        except OSError as error:
            fault = error
    raise fault


class _Adapter(requests.adapters.HTTPAdapter):
    """Reads little of an answer, asks no proxy of the environment, and remembers how it went."""

    def send(self, request: requests.PreparedRequest, *positional: Any, **named: Any) -> requests.Response:
        if _seen.policy is None:
            return super().send(request, *positional, **named)
        if time.monotonic() > _seen.deadline:
            raise requests.ConnectTimeout("its time was up")
        named.update(stream=True, proxies={}, timeout=_PART_SECONDS)
        try:
            answer = super().send(request, **named)
            content = b""
            # `read1` answers with what is there: a receiver that drips is cut off at the deadline all the same.
            while len(content) < ANSWER_CAP_BYTES and time.monotonic() < _seen.deadline:
                more = answer.raw.read1(ANSWER_CAP_BYTES - len(content))
                if not more:
                    break
                content += more
            answer.close()
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            _seen.reason = _seen.reason or _in_words(error)
            raise error if isinstance(error, requests.RequestException) else requests.ConnectionError() from None
        answer._content = content
        answer._content_consumed = True
        _seen.status = answer.status_code
        if answer.status_code >= 300:
            _seen.reason = f"it answered {answer.status_code}"
            waits = answer.headers.get("Retry-After", "")
            _seen.retry_after_ms = int(waits[:8]) * 1000 if waits.isdecimal() else None
        return answer


def _in_words(error: Exception) -> str:
    """Of Requests' own messages, which repeat whole addresses, only what happened."""
    match error:
        case requests.Timeout():
            return f"it did not answer within {_PART_SECONDS:g} s"
        case requests.exceptions.SSLError():
            return "its certificate is not valid, or TLS failed"
        case requests.ConnectionError():
            return "it cannot be connected to, or hung up"
    return f"the request failed ({type(error).__name__})"
