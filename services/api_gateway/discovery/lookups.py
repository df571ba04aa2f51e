"""What DNS says of a domain's mail: SRV (RFC 6186), MX, and whether a name has an address. No answer is no news.

Every question has the caller's deadline; an error of DNS is as good as silence, since whatever is found is tried later.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

import aiodns.error
import pycares

from shared.checks.vocabulary import IpFamily
from shared.probing.dns_channel import DnsChannel
from shared.probing.resolver import Resolver
from shared.probing.steps import CheckFailed

_MOST_RECORDS = 20


@dataclass(frozen=True, slots=True)
class Service:
    """A target of an SRV record."""

    hostname: str
    port: int


class Lookups:
    """DNS as discovery asks it; closed by `close`."""

    def __init__(self, servers: Sequence[str], *, answer_seconds: float) -> None:
        self._channel = DnsChannel(servers=servers, answer_seconds=answer_seconds)
        self._resolver = Resolver(servers=servers, deadline_seconds=answer_seconds)
        self._answer_seconds = answer_seconds

    async def services(self, name: str) -> list[Service]:
        """The targets of `_imaps._tcp.example.com`, the preferred first; none where there is no such service."""
        records = [each for each in await self._query(name, "SRV") if isinstance(each, pycares.SRVRecordData)]
        ordered = sorted(records, key=lambda each: (each.priority, -each.weight))
        # A target of "." says that the domain has no such service (RFC 6186 section 3.4).
        return [Service(target, each.port) for each in ordered if (target := _name(each.target)) and each.port]

    async def exchanges(self, domain: str) -> list[str]:
        """The hosts that take the domain's mail, the preferred first."""
        records = [each for each in await self._query(domain, "MX") if isinstance(each, pycares.MXRecordData)]
        return [name for each in sorted(records, key=lambda each: each.priority) if (name := _name(each.exchange))]

    async def addresses(self, hostname: str) -> tuple[str, ...]:
        """Every address of a name; none where there is none, or nobody says."""
        try:
            return await self._resolver.resolve(hostname, IpFamily.ANY)
        except CheckFailed:
            return ()

    async def close(self) -> None:
        await asyncio.gather(self._channel.close(), self._resolver.close())

    async def _query(self, name: str, kind: str) -> Sequence[object]:
        with self._channel.lent() as channel:
            try:
                asked: Awaitable[pycares.DNSResult] = channel.query_dns(name, kind)
                async with asyncio.timeout(self._answer_seconds):
                    answer = await asked
            except (TimeoutError, aiodns.error.DNSError):
                return ()
        return [record.data for record in answer.answer[:_MOST_RECORDS]]


def _name(name: str | bytes) -> str:
    text = name.decode("ascii", "replace") if isinstance(name, bytes) else name
    return text.rstrip(".").lower()
