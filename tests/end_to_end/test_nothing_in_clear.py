"""No secret stands anywhere in clear: after everything people do with secrets, every place is searched for each.

Places: every row of the database, every message that passed RabbitMQ, the logs of all processes, their metrics and the
tenant's, live events, exports, backups, and every answer but the one that has to say it.
"""

import asyncio
import contextlib
import io
import tarfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from services.api_gateway.people.link_store import Purpose, make_link
from shared.database.pool import GATEWAY_ROLE, open_pool, organization_transaction
from tests.end_to_end.conftest import Whole
from tests.end_to_end.test_life_of_a_check import checked, created, documented_body
from tests.support.broker_tap import BrokerTap
from tests.support.command import run_command
from tests.support.secrecy import hits
from tests.support.stored import everything_stored
from tests.support.waiting import until

MONITORS = "/api/imap-pop-monitors"
CHANNELS = "/api/notification-channels"
SECRETS = {
    "a mailbox's password": 'Marker-7f3a"\\{3} päss',
    "a password that was only tried": "Tried-91cc%4e & pöss",
    "a password in a batch": "Batch-5b1d+7a/ßx",
    "a webhook's secret": "whsec_TWFya2VyLVdlYmhvb2stMDEyMzQ1Njc4OTAx",
    "a webhook's header": "Header-3d9f-marker-zz",
    "a bot's token": "123456789:AAMarkerBotTokenQ7rT",
    "a person's password": "Person-c41e correct höse battery",
    "a wrong guess at it": "Guess-08af wrong hörse battery",
}


class Browser:
    """Somebody signed in, as their browser would ask; keeps what it was answered."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.answers: list[str] = []

    async def __aenter__(self) -> "Browser":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    def cookies(self) -> dict[str, str]:
        return {cookie.key: cookie.value for cookie in self._session.cookie_jar}

    async def call(self, method: str, path: str, body: Any = None, *, says_it: bool = False, status: int) -> Any:
        """`says_it`: this is the one answer in which the secret has to stand."""
        headers = {"Origin": self._address}
        async with self._session.request(method, self._address + path, json=body, headers=headers) as answer:
            text = await answer.text()
            assert answer.status == status, text
            if not says_it:
                self.answers.append(f"{dict(answer.headers)} {text}")
            return await answer.json()


async def _signed_in(whole: Whole, browser: Browser) -> dict[str, str]:
    """Set up, sign in, guess wrong, invite, make a token; the secrets handed out on the way."""
    async with (
        open_pool(whole.database_dsn, role=GATEWAY_ROLE, application_name="test", max_size=1) as pool,
        organization_transaction(pool, 1) as connection,
    ):
        link, _ = await make_link(connection, 1, Purpose.SET_UP)
    password = SECRETS["a person's password"]
    me = {"email": "someone@example.com", "name": "Someone", "password": password}
    await browser.call("POST", "/api/set-up", {"token": link, **me}, says_it=True, status=201)
    first = browser.cookies()
    guess = {"email": me["email"], "password": SECRETS["a wrong guess at it"]}
    await browser.call("POST", "/api/session", guess, status=401)
    signing = {"email": me["email"], "password": password}
    await browser.call("POST", "/api/session", signing, says_it=True, status=201)
    second = browser.cookies()
    body = {"name": "made", "role": "user", "expiresInDays": 1}
    made = await browser.call("POST", "/api/organization/tokens", body, says_it=True, status=201)
    invited = {"email": "else@example.com", "name": "Else", "role": "user"}
    handed = await browser.call("POST", "/api/users", invited, says_it=True, status=201)
    for path in ("/api/session", "/api/sessions", "/api/users", "/api/organization/tokens", "/api/audit"):
        await browser.call("GET", path, status=200)
    cookies = {
        f"the cookie {name} ({turn})": value for turn, jar in enumerate((first, second)) for name, value in jar.items()
    }
    return {
        "the set-up link": link,
        "a token": str(made["token"]),
        "an invitation": str(handed["invitationLink"]).partition("#")[2],
        **cookies,
    }


async def _described(whole: Whole) -> list[str]:
    """Monitors and channels with secrets, made in every way there is; what others are answered about them."""
    api, port = whole.api, whole.dovecot.imaps_port
    marker = SECRETS["a mailbox's password"]
    await whole.dovecot.set_password("anna", marker)
    good = await created(whole, documented_body(port, password=marker))
    bad = await created(whole, documented_body(port, user="nobody", password=marker))
    item = {"method": "create", "body": documented_body(port, user="other", password=SECRETS["a password in a batch"])}
    status, batch = await api.call("POST", f"{MONITORS}:batch?dryRun=true", {"items": [item]})
    assert (status, batch["succeeded"]) == (200, 1), batch
    tried = documented_body(port, user="third", password=SECRETS["a password that was only tried"])
    status, answer = await api.call("POST", f"{MONITORS}/test", tried)
    assert status == 200, answer
    channels = [
        {
            "type": "webhook",
            "config": {
                "url": "https://127.0.0.1:9/hook",
                "secret": SECRETS["a webhook's secret"],
                "headers": {"X-Key": SECRETS["a webhook's header"]},
            },
        },
        {"type": "telegram", "config": {"botToken": SECRETS["a bot's token"], "chatId": "1"}},
    ]
    said = [str(answer)]
    for described in channels:
        status, made = await api.call("POST", CHANNELS, {**described, "name": "c"})
        assert status == 201, made
        status, told = await api.call("POST", f"{CHANNELS}/test", {"channelId": made["publicId"]})
        said += [str(made), str(told)]
    # An error must not repeat what was wrong.
    wrong = documented_body(port, password=marker)
    wrong["imapPopConfig"]["security"] = "nonsense"
    status, told = await api.call("POST", MONITORS, wrong)
    assert status == 400
    said.append(str(told))
    assert (await checked(whole, good))["status"] == "success"
    assert (await checked(whole, bad))["status"] == "failure"
    for path in (
        *(f"{MONITORS}/{each}{rest}" for each in (good, bad) for rest in ("", "/check-history", "/details")),
        *(MONITORS, CHANNELS, "/api/incidents", "/api/audit", "/api/summary"),
    ):
        status, answer = await api.call("GET", path)
        assert status == 200, answer
        said.append(str(answer))
    return said


@contextlib.asynccontextmanager
async def _listening(address: str, token: str) -> AsyncIterator[list[str]]:
    """What is told live meanwhile."""
    heard: list[str] = []

    async def listen(session: aiohttp.ClientSession) -> None:
        async with session.get(f"{address}/api/events") as stream:
            async for line in stream.content:
                heard.append(line.decode(errors="replace"))  # noqa: PERF401 - read by others meanwhile

    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}, timeout=timeout) as session:
        listening = asyncio.create_task(listen(session))
        try:
            await until("the stream begins", lambda: _any(heard))
            yield heard
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError, aiohttp.ClientError):
                await listening


async def _any(lines: list[str]) -> bool:
    return bool(lines)


async def _metrics(whole: Whole, token: str) -> str:
    pages = [f"http://{address}/metrics" for address in whole.fleet.admin_addresses.values()]
    said = []
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
        for page in (*pages, f"{whole.fleet.address}/api/metrics"):
            async with session.get(page) as answer:
                assert answer.status == 200, page
                said.append(await answer.text())
    return "\n".join(said)


async def _exports(whole: Whole, token: str, folder: Path) -> dict[str, str]:
    """The configuration as files, and what a backup holds beside what is sealed."""
    token_file = folder / "token"
    token_file.write_text(token)
    exported = await run_command(
        *("export", "--url", whole.fleet.address, "--token-file", str(token_file)), environment={}
    )
    assert exported.exit_code == 0, exported.output
    assert "mail" in exported.stdout
    archive = folder / "saved.tar"
    saved = await run_command(
        *("backup", str(archive), "--keys", str(whole.keys)), environment={"MAILPROBE_DATABASE_URL": whole.database_dsn}
    )
    assert saved.exit_code == 0, saved.output
    return {"export": exported.output, "backup": saved.output + _unpacked(archive.read_bytes())}


def _unpacked(archive: bytes) -> str:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        parts = [opened.extractfile(member) for member in opened.getmembers() if member.isfile()]
        return "\n".join(part.read().decode("latin-1") for part in parts if part is not None)


@pytest.mark.timeout(900)
async def test_no_secret_is_anywhere_in_clear(whole: Whole, tmp_path: Path, figures: Callable[[str], None]) -> None:
    async with (
        BrokerTap(whole.rabbitmq.amqp_url(whole.vhost)) as tap,
        Browser(whole.fleet.address) as browser,
    ):
        handed_out = await _signed_in(whole, browser)
        token = handed_out["a token"]
        async with _listening(whole.fleet.address, token) as heard:
            answers = await _described(whole)

            async def told() -> bool:
                return "event: monitor" in "".join(heard)

            await until("live events", told)
        places = {
            "events": "".join(heard),
            "metrics": await _metrics(whole, token),
            **await _exports(whole, token, tmp_path),
            "broker": tap.text(),
            "logs": whole.fleet.logs(),
            "answers": "\n".join((*answers, *browser.answers)),
            "database": await everything_stored(whole.database_dsn),
        }
    assert '"reply_to"' in places["broker"], "the tap heard no test"
    assert "check_probed" in places["logs"]
    assert "mailprobe_checks_total" in places["metrics"]
    assert "monitors" in places["database"]
    wanted = {**SECRETS, **handed_out}
    found = hits(wanted, places)
    letters = sum(len(text) for text in places.values())
    figures(f"secrets: {len(wanted)} in {len(places)} places, {letters:,} characters searched, {len(found)} hits")
    assert found == []
