"""Everything that is asked about one address, at once and within one deadline, and put in order of how far to trust it.

What takes too long is left out. Nothing found here is connected to: whether it lets anybody in, a test of it tells.
"""

import asyncio
import contextlib
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from yarl import URL

from services.api_gateway.discovery.addresses import MailAddress
from services.api_gateway.discovery.autoconfig import IncomingServer, NotAutoconfig, read_autoconfig
from services.api_gateway.discovery.fetching import Fetcher
from services.api_gateway.discovery.lookups import Lookups
from services.api_gateway.discovery.models import Candidate, Discovered, Source
from services.api_gateway.discovery.providers import Match, provider_of_domain, provider_of_mx
from services.api_gateway.hostnames import NotAHostname, canonical_hostname
from shared.checks.vocabulary import MailProtocol, Security
from shared.probing.address_policy import AddressPolicy

T = TypeVar("T")

DEADLINE_SECONDS = 5.0
_ANSWER_SECONDS = 2.5
_MOST_AT_ONCE = 16
_MOST_OF_ONE = 8  # organization
_MOST_CANDIDATES = 20

_SRV = (
    ("_imaps._tcp", MailProtocol.IMAP, Security.TLS),
    ("_imap._tcp", MailProtocol.IMAP, Security.STARTTLS),
    ("_pop3s._tcp", MailProtocol.POP3, Security.TLS),
    ("_pop3._tcp", MailProtocol.POP3, Security.STARTTLS),
)
_GUESSES = (
    (MailProtocol.IMAP, 993, ("imap.{}", "mail.{}", "{}")),
    (MailProtocol.POP3, 995, ("pop.{}", "pop3.{}", "mail.{}", "{}")),
)

IN_CLEAR = (
    "These settings came over an unencrypted connection, where anybody in between may have written them: "
    "compare them with what the provider says."
)
IN_CLEAR_AND_PLAIN = (
    "These settings came over an unencrypted connection and ask for an unencrypted login: whoever wrote them may be "
    "after the password. Do not use them before the provider has confirmed them."
)
PLAIN = "The password would go to the mail server unencrypted."


class TooManyAtOnce(Exception):
    """As many addresses are looked up at once as this gateway, or the share of one organization, allows."""


ELSEWHERE = (
    "The domain names a server of another domain, and DNS is not protected: make sure that it is the provider's."
)
ONLY_OAUTH = "This server takes no password but only OAuth 2.0, which mailprobe does not do."


class Discovery:
    """Finds the servers of mailboxes.

    Args:
        fetches: ask domains for their autoconfig file; else DNS and our own table are all there is.
        ispdb: the address of a database of providers, asked where a domain has no file of its own.
        https_port, http_port, tls: other than usual in tests.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        dns_servers: Iterable[str] = (),
        fetches: bool = True,
        ispdb: str | None = None,
        https_port: int = 443,
        http_port: int = 80,
        tls: ssl.SSLContext | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._policy = policy
        self._dns_servers = tuple(dns_servers)
        self._fetches = fetches
        self._ispdb = ispdb
        self._ports = {"https": https_port, "http": http_port}
        self._tls = tls
        self._deadline_seconds = deadline_seconds
        self._turns = asyncio.Semaphore(_MOST_AT_ONCE)
        self._asking: Counter[int] = Counter()  # how many look-ups of each organization are under way or wait

    async def discover(self, address: MailAddress, *, organization_id: int) -> Discovered:
        """All that is found within the deadline; raises TooManyAtOnce."""
        known = provider_of_domain(address)
        if known is not None:  # it says what nobody has to ask for
            return _answer(address, known, known.candidates)
        async with self._turn(organization_id):
            lookups = Lookups(self._dns_servers, answer_seconds=min(_ANSWER_SECONDS, self._deadline_seconds))
            try:
                return await self._ask(address, lookups)
            finally:
                await lookups.close()

    @asynccontextmanager
    async def _turn(self, organization_id: int) -> AsyncIterator[None]:
        """One of the turns there are; slow domains named by one organization must not take all of them."""
        if self._asking[organization_id] >= _MOST_OF_ONE:
            raise TooManyAtOnce
        self._asking[organization_id] += 1
        try:
            try:
                async with asyncio.timeout(self._deadline_seconds):
                    await self._turns.acquire()
            except TimeoutError:
                raise TooManyAtOnce from None
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._asking[organization_id] -= 1
            if not self._asking[organization_id]:
                del self._asking[organization_id]

    async def _ask(self, address: MailAddress, lookups: Lookups) -> Discovered:
        async with (
            Fetcher(self._policy, lookups, seconds=self._deadline_seconds, tls=self._tls) as fetcher,
            _ending(
                srv := asyncio.create_task(_of_srv(address, lookups)),
                files := asyncio.create_task(self._of_autoconfig(address, fetcher)),
                mx := asyncio.create_task(lookups.exchanges(address.domain)),
                guesses := asyncio.create_task(_guesses(address, lookups)),
            ) as all_of_them,
        ):
            await asyncio.wait(all_of_them, timeout=self._deadline_seconds)
            match = provider_of_mx(address, _said(mx))
            provided = match.candidates if match else ()
            found = [*_said(srv), *_said(files), *provided, *_said(guesses)]
        return _answer(address, match, [each for each in found if self._is_allowed(each)])

    def _is_allowed(self, candidate: Candidate) -> bool:
        """What a stranger's file names must not be a look into our own network; our own table may."""
        if candidate.source is Source.PROVIDER:
            return True
        return self._policy.judge_hostname(candidate.hostname) is None

    async def _of_autoconfig(self, address: MailAddress, fetcher: Fetcher) -> list[Candidate]:
        if not self._fetches:
            return []
        tried = [self._file(url, address, fetcher) for url in self._places(address)]
        # In the order of trust, whichever comes first.
        for servers in await asyncio.gather(*tried):
            if servers:
                return servers
        return []

    def _places(self, address: MailAddress) -> list[URL]:
        domain = address.domain
        places = []
        for scheme in ("https", "http"):
            # Some servers want the address to answer; in clear it is nobody's business.
            query = {"emailaddress": address.typed} if scheme == "https" else {}
            for host, path in (
                (f"autoconfig.{domain}", "/mail/config-v1.1.xml"),
                (domain, "/.well-known/autoconfig/mail/config-v1.1.xml"),
            ):
                places.append(URL.build(scheme=scheme, host=host, port=self._ports[scheme], path=path, query=query))
        if self._ispdb is not None:
            places.append(URL(self._ispdb.rstrip("/")) / domain)
        return places

    async def _file(self, url: URL, address: MailAddress, fetcher: Fetcher) -> list[Candidate]:
        fetched = await fetcher.fetch(url)
        if fetched is None:
            return []
        try:
            servers = read_autoconfig(fetched.content, address)
        except NotAutoconfig:
            return []
        return [_of_file(server, in_clear=fetched.in_clear) for server in servers]


async def _of_srv(address: MailAddress, lookups: Lookups) -> list[Candidate]:
    asked = [lookups.services(f"{service}.{address.domain}") for service, _, _ in _SRV]
    found = []
    for (_, protocol, security), services in zip(_SRV, await asyncio.gather(*asked), strict=True):
        for service in services:
            try:
                hostname = canonical_hostname(service.hostname)
            except NotAHostname:
                continue
            at_home = hostname == address.domain or hostname.endswith(f".{address.domain}")
            found.append(
                Candidate(
                    protocol=protocol,
                    hostname=hostname,
                    port=service.port,
                    security=security,
                    user=address.typed,
                    source=Source.SRV,
                    warning=None if at_home else ELSEWHERE,
                )
            )
    return found


async def _guesses(address: MailAddress, lookups: Lookups) -> list[Candidate]:
    """Names that are usual, where they have an address."""
    hosts = {
        pattern.format(address.domain): None for _, _, patterns in _GUESSES for pattern in patterns
    }  # each once, in order
    names = list(hosts)
    known = dict(zip(names, await asyncio.gather(*(lookups.addresses(name) for name in names)), strict=True))
    return [
        Candidate(
            protocol=protocol,
            hostname=pattern.format(address.domain),
            port=port,
            security=Security.TLS,
            user=address.typed,
            source=Source.GUESS,
        )
        for protocol, port, patterns in _GUESSES
        for pattern in patterns
        if known[pattern.format(address.domain)]
    ]


def _of_file(server: IncomingServer, *, in_clear: bool) -> Candidate:
    plain = server.security is Security.NONE
    warning = IN_CLEAR_AND_PLAIN if in_clear and plain else IN_CLEAR if in_clear else PLAIN if plain else None
    if server.only_oauth:
        warning = ONLY_OAUTH if warning is None else f"{ONLY_OAUTH} {warning}"
    return Candidate(
        protocol=server.protocol,
        hostname=server.hostname,
        port=server.port,
        security=server.security,
        user=server.user,
        source=Source.AUTOCONFIG,
        warning=warning,
    )


def _answer(address: MailAddress, match: Match | None, candidates: Iterable[Candidate]) -> Discovered:
    """Each server once; what is safe to use before what is not, and then by who says so."""
    once: dict[tuple[MailProtocol, str, int], Candidate] = {}
    order = list(Source)
    ranked = sorted(candidates, key=lambda each: (each.warning not in (None, ELSEWHERE), order.index(each.source)))
    for candidate in ranked:
        once.setdefault((candidate.protocol, candidate.hostname, candidate.port), candidate)
    return Discovered(
        address=address.typed,
        provider=None if match is None else match.provider,
        candidates=list(once.values())[:_MOST_CANDIDATES],
    )


def _said(task: asyncio.Task[list[T]]) -> list[T]:
    return task.result() if task.done() else []


@contextlib.asynccontextmanager
async def _ending(*tasks: asyncio.Task[Any]) -> AsyncIterator[Sequence[asyncio.Task[Any]]]:
    """Tasks of which none outlives the block."""
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
