"""Discovery over a DNS server, an HTTPS server and an HTTP server that say what a test wants."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import trustme
from aiohttp import web

from services.api_gateway.discovery import finding
from services.api_gateway.discovery.addresses import mail_address
from services.api_gateway.discovery.finding import Discovery, TooManyAtOnce
from services.api_gateway.discovery.models import Candidate, Discovered, Source
from shared.checks.vocabulary import MailProtocol, Security
from shared.probing.address_policy import LOOPBACK_NETWORKS, AddressPolicy
from tests.integration.api_gateway.conftest import Api
from tests.support.name_server import HANGS, Answer, Mx, NameServer, Srv, name_server
from tests.unit.api_gateway.discovery.test_autoconfig import file, server

ANNA = mail_address("anna@example.com")
HERE = ["127.0.0.1"]
PUBLISHED = "/mail/config-v1.1.xml"
WELL_KNOWN = "/.well-known/autoconfig/mail/config-v1.1.xml"

Handler = Callable[[web.Request], web.StreamResponse]


@dataclass
class Internet:
    """What the test's corner of it says. pages: (scheme, path) to a file or a way to answer."""

    zone: dict[str, Answer] = field(default_factory=dict)
    pages: dict[tuple[str, str], bytes | Handler] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    names: NameServer | None = None
    ports: Mapping[str, int] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None

    async def discover(
        self,
        address: str = "anna@example.com",
        *,
        allowed: tuple[str, ...] = LOOPBACK_NETWORKS,
        fetches: bool = True,
        ispdb: str | None = None,
        seconds: float = 30.0,
    ) -> Discovered:
        discovery = self.discovery(allowed=allowed, fetches=fetches, ispdb=ispdb, seconds=seconds)
        return await discovery.discover(mail_address(address), organization_id=1)

    def discovery(
        self,
        *,
        allowed: tuple[str, ...] = LOOPBACK_NETWORKS,
        fetches: bool = True,
        ispdb: str | None = None,
        seconds: float = 30.0,
    ) -> Discovery:
        assert self.names is not None
        return Discovery(
            AddressPolicy.create(allowed),
            dns_servers=[self.names.address],
            fetches=fetches,
            ispdb=ispdb,
            https_port=self.ports["https"],
            http_port=self.ports["http"],
            tls=self.tls,
            deadline_seconds=seconds,
        )

    def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(f"{request.scheme}://{(request.host or '').partition(':')[0]}{request.path_qs}")
        page = self.pages.get((request.scheme, request.path), b"")
        if callable(page):
            return page(request)
        return web.Response(body=page, content_type="text/xml", status=200 if page else 404)


@pytest.fixture
async def internet(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Internet]:
    monkeypatch.setattr(finding, "_ANSWER_SECONDS", 30.0)  # `seconds` of a question is what limits it here
    there = Internet()
    authority = trustme.CA()
    offered = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("autoconfig.example.com", "example.com", "127.0.0.1").configure_cert(offered)
    there.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(there.tls)
    async with name_server(there.zone) as there.names, _serving(there, offered) as https, _serving(there, None) as http:
        there.ports = {"https": https, "http": http}
        yield there


@asynccontextmanager
async def _serving(there: Internet, tls: ssl.SSLContext | None) -> AsyncIterator[int]:
    async def answer(request: web.Request) -> web.StreamResponse:
        return there.answer(request)

    runner = web.ServerRunner(web.Server(answer))  # type: ignore[arg-type]
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def ways(found: Discovered) -> list[tuple[str, str, int, str, str]]:
    return [(each.protocol, each.hostname, each.port, each.security, each.source) for each in found.candidates]


def the_only(found: Discovered) -> Candidate:
    assert len(found.candidates) == 1, found
    return found.candidates[0]


async def test_dns_says_which_servers_there_are_the_preferred_first(internet: Internet) -> None:
    internet.zone |= {
        "_imaps._tcp.example.com": [Srv("slow.example.com", 993, priority=20), Srv("imap.example.com", 1993)],
        "_pop3._tcp.example.com": [Srv("pop.example.com", 110)],
        "_imap._tcp.example.com": [Srv(".", 0)],  # expressly none
    }
    found = await internet.discover()
    assert ways(found) == [
        ("imap", "imap.example.com", 1993, "tls", "srv"),
        ("imap", "slow.example.com", 993, "tls", "srv"),
        ("pop3", "pop.example.com", 110, "starttls", "srv"),
    ]
    assert [each.warning for each in found.candidates] == [None] * 3


async def test_a_server_of_another_domain_is_marked(internet: Internet) -> None:
    internet.zone["_imaps._tcp.example.com"] = [Srv("mail.hoster.example", 993)]
    assert the_only(await internet.discover()).warning == finding.ELSEWHERE


async def test_the_domains_own_file_is_read_over_https(internet: Internet) -> None:
    internet.zone["autoconfig.example.com"] = HERE
    internet.pages["https", PUBLISHED] = file(server(hostname="box.example.com", user="%EMAILLOCALPART%"))
    found = the_only(await internet.discover())
    assert (found.hostname, found.user, found.source, found.warning) == (
        "box.example.com",
        "anna",
        Source.AUTOCONFIG,
        None,
    )


async def test_what_came_in_clear_is_marked_and_worse_where_it_asks_for_a_plain_login(internet: Internet) -> None:
    internet.zone["example.com"] = HERE
    internet.pages["http", WELL_KNOWN] = file(server(), server(port="143", security="plain"))
    found = [each for each in (await internet.discover()).candidates if each.source is Source.AUTOCONFIG]
    assert [each.warning for each in found] == [finding.IN_CLEAR, finding.IN_CLEAR_AND_PLAIN]


async def test_the_address_is_told_to_nobody_in_clear(internet: Internet) -> None:
    internet.zone |= {"autoconfig.example.com": HERE, "example.com": HERE}
    await internet.discover()
    assert any(url.startswith("https://") and "anna" in url for url in internet.asked)
    assert [url for url in internet.asked if url.startswith("http://") and "anna" in url] == []


async def test_a_redirect_is_followed_but_not_into_the_clear(internet: Internet) -> None:
    internet.zone["autoconfig.example.com"] = HERE
    port = internet.ports["https"]

    def elsewhere(to: str) -> Handler:
        return lambda _: web.Response(status=302, headers={"Location": to})

    internet.pages["https", PUBLISHED] = elsewhere(f"https://autoconfig.example.com:{port}/moved.xml")
    internet.pages["https", "/moved.xml"] = file(server())
    assert the_only(await internet.discover()).warning is None
    internet.pages["https", PUBLISHED] = elsewhere(f"http://autoconfig.example.com:{internet.ports['http']}/clear.xml")
    internet.pages["http", "/clear.xml"] = file(server())
    assert (await internet.discover()).candidates == []
    internet.pages["https", PUBLISHED] = elsewhere(f"https://autoconfig.example.com:{port}{PUBLISHED}")
    assert (await internet.discover()).candidates == []


async def test_nothing_is_fetched_from_where_checks_may_not_connect(internet: Internet) -> None:
    internet.zone["autoconfig.example.com"] = HERE
    internet.pages["https", PUBLISHED] = file(server())
    assert (await internet.discover(allowed=())).candidates == []
    assert internet.asked == []


async def test_a_redirect_to_where_checks_may_not_connect_is_not_followed(internet: Internet) -> None:
    internet.zone["autoconfig.example.com"] = HERE
    port = internet.ports["https"]
    internet.pages["https", PUBLISHED] = lambda _: web.Response(
        status=302, headers={"Location": f"https://127.0.0.3:{port}/secret.xml"}
    )
    assert (await internet.discover(allowed=("127.0.0.1/32",))).candidates == []
    assert not any("secret" in url for url in internet.asked)


async def test_a_file_cannot_lead_to_our_own_network(internet: Internet) -> None:
    internet.zone["autoconfig.example.com"] = HERE
    internet.pages["https", PUBLISHED] = file(
        server(hostname="10.0.0.1"), server(hostname="127.0.0.3"), server(hostname="good.example.com")
    )
    assert the_only(await internet.discover(allowed=("127.0.0.1/32",))).hostname == "good.example.com"


async def test_a_file_without_an_end_or_of_another_kind_is_left_alone(internet: Internet) -> None:
    internet.zone |= {"autoconfig.example.com": HERE, "example.com": HERE}
    internet.pages["https", PUBLISHED] = file(server()).ljust(200_000)
    internet.pages["https", WELL_KNOWN] = b"<html>welcome</html>"
    found = await internet.discover()
    assert {each.source for each in found.candidates} <= {Source.GUESS}


async def test_a_provider_is_known_by_who_takes_the_mail_and_the_domains_own_word_goes_first(
    internet: Internet,
) -> None:
    internet.zone |= {
        "example.com": [Mx("mx00.kundenserver.de")],
        "_imaps._tcp.example.com": [Srv("imap.example.com", 993)],
    }
    found = await internet.discover()
    assert found.provider is not None
    assert found.provider.name == "IONOS"
    assert [each.source for each in found.candidates] == ["srv", "provider", "provider"]


async def test_usual_names_are_guessed_last_and_only_where_they_exist(internet: Internet) -> None:
    internet.zone |= {"mail.example.com": ["192.0.2.1"], "pop.example.com": ["192.0.2.1"]}
    found = await internet.discover(fetches=False)
    assert ways(found) == [
        ("imap", "mail.example.com", 993, "tls", "guess"),
        ("pop3", "pop.example.com", 995, "tls", "guess"),
        ("pop3", "mail.example.com", 995, "tls", "guess"),
    ]


async def test_a_known_domain_costs_no_question(internet: Internet) -> None:
    found = await internet.discover("anna@gmail.com")
    assert found.provider is not None
    assert internet.names is not None
    assert (internet.names.asked, internet.asked) == ([], [])
    assert found.candidates[0].protocol is MailProtocol.IMAP
    assert found.candidates[0].security is Security.TLS


async def test_a_database_of_providers_is_asked_only_where_it_is_set(internet: Internet) -> None:
    internet.pages["https", "/v1.1/example.com"] = file(server())
    assert (await internet.discover()).candidates == []
    found = await internet.discover(ispdb=f"https://127.0.0.1:{internet.ports['https']}/v1.1")
    assert the_only(found).source is Source.AUTOCONFIG


async def test_what_hangs_holds_up_nothing_for_long(internet: Internet) -> None:
    internet.zone |= {
        "_imaps._tcp.example.com": [Srv("imap.example.com", 993)],
        "autoconfig.example.com": HANGS,
        "example.com": HANGS,
        "_pop3s._tcp.example.com": HANGS,
    }
    async with asyncio.timeout(60):
        found = await internet.discover(seconds=3.0)
    assert the_only(found).source is Source.SRV


async def test_slow_domains_of_one_organization_do_not_keep_others_waiting(internet: Internet) -> None:
    internet.zone |= {"_imaps._tcp.slow.example.com": HANGS, "slow.example.com": HANGS, "imap.slow.example.com": HANGS}
    discovery = internet.discovery(fetches=False, seconds=3.0)
    address = mail_address("anna@slow.example.com")
    asked = [asyncio.create_task(discovery.discover(address, organization_id=1)) for _ in range(20)]
    done, waiting = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    while len(done) < 12:
        more, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        done |= more
    assert all(isinstance(each.exception(), TooManyAtOnce) for each in done), "eight turns are one organization's share"
    assert (await discovery.discover(mail_address("anna@gmail.com"), organization_id=2)).provider is not None
    await discovery.discover(mail_address("bert@example.com"), organization_id=2)
    await asyncio.gather(*waiting)


async def test_it_is_asked_over_the_api_without_a_password(api: Api) -> None:
    answer = await api.post("/api/discovery", {"address": "anna@gmail.com"})
    assert answer.status == 200
    assert answer.body["provider"]["name"] == "Gmail"
    assert answer.body["candidates"][0] == {
        "protocol": "imap",
        "hostname": "imap.gmail.com",
        "port": 993,
        "security": "tls",
        "user": "anna@gmail.com",
        "source": "provider",
        "warning": None,
    }
    for body, pointer in (
        ({"address": "anna"}, "/address"),
        ({}, "/address"),
        ({"address": "anna@gmail.com", "password": "x"}, "/password"),
        ({"address": "a" * 300 + "@example.com"}, "/address"),
    ):
        refused = await api.post("/api/discovery", body)
        assert (refused.status, refused.pointers) == (400, [pointer])
