"""Providers we know, found by a mailbox's domain or by who takes its mail (MX), with what their users must do first.

What stands here is public in each provider's own help pages; nothing is asked over the network for it. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from services.api_gateway.discovery.addresses import MailAddress
from services.api_gateway.discovery.models import Candidate, Provider, Source
from services.api_gateway.discovery.provider_table import PROVIDERS, KnownProvider, Server


@dataclass(frozen=True, slots=True)
class Match:
    """A provider, and its ways in for one address."""

    provider: Provider
    candidates: tuple[Candidate, ...]


def provider_of_domain(address: MailAddress) -> Match | None:
    """The provider whose own domain this is."""
    for known in PROVIDERS:
        if address.domain in known.domains:
            return _match(known, known.servers_of(address.domain), address)
    return None


def provider_of_mx(address: MailAddress, exchanges: Iterable[str]) -> Match | None:
    """The provider who takes this domain's mail: it may have its boxes elsewhere, so this is a hint."""
    for exchange in exchanges:
        for known in PROVIDERS:
            if any(_is_within(exchange, suffix) for suffix in known.exchanges):
                return _match(known, known.for_own_domains or known.servers, address)
    return None


def _is_within(name: str, suffix: str) -> bool:
    return name == suffix or name.endswith(f".{suffix}")


def _match(known: KnownProvider, servers: Iterable[Server], address: MailAddress) -> Match:
    candidates = tuple(
        Candidate(
            protocol=server.protocol,
            hostname=server.hostname,
            port=server.port,
            security=server.security,
            user=address.local if server.local_user and address.domain in known.domains else address.typed,
            source=Source.PROVIDER,
            warning=server.warning,
        )
        for server in servers
    )
    return Match(Provider(name=known.name, advice=known.advice, help_url=known.help_url), candidates)
