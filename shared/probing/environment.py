"""What all probes of one worker share, built once: resolver, address policy, TLS contexts, limits, clock."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

from shared.checks.vocabulary import IpFamily
from shared.probing.address_policy import AddressPolicy
from shared.probing.canaries import Canaries
from shared.probing.certificates import CertificateReader
from shared.probing.handshake_gate import HandshakeGate
from shared.probing.limits import Limits
from shared.probing.resolver import Resolver
from shared.probing.tls_contexts import TlsContexts

DEFAULT_HANDSHAKES = 64


@dataclass(frozen=True, slots=True)
class ProbeEnvironment:
    """Made by `create`, shared by every probe of the process, closed at its end."""

    resolver: Resolver
    addresses: AddressPolicy
    tls: TlsContexts
    certificates: CertificateReader
    handshakes: HandshakeGate
    limits: Limits
    wall_clock: Callable[[], float]  # seconds since the epoch
    canaries: Canaries

    @classmethod
    def create(
        cls,
        *,
        allowed_private_networks: Iterable[str] = (),
        ca_file: str | None = None,
        dns_servers: Iterable[str] = (),
        canary_targets: Iterable[str] = (),
        max_handshakes: int | None = None,
        handshake_spacing_seconds: float = 0.001,
        limits: Limits | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> Self:
        """Ready to probe. Raises ValueError or OSError for a malformed network or an unreadable CA file.

        Args:
            allowed_private_networks: CIDRs that may be connected to although they are private.
            ca_file: PEM file trusted beside the system's. dns_servers: `address[:port]` instead of the system's.
            canary_targets: `host:port`; where none of them can be reached, what looks like a dead network is ours.
            max_handshakes, handshake_spacing_seconds: how bursts are spread, so that the times we report are the
                server's and not our own.
        """
        limits = limits or Limits()
        resolver = Resolver(servers=tuple(dns_servers), deadline_seconds=limits.dns_seconds)
        return cls(
            resolver=resolver,
            addresses=AddressPolicy.create(allowed_private_networks),
            tls=TlsContexts(ca_file=ca_file),
            certificates=CertificateReader(),
            handshakes=HandshakeGate(
                at_once=max_handshakes or DEFAULT_HANDSHAKES, spacing_seconds=handshake_spacing_seconds
            ),
            limits=limits,
            wall_clock=wall_clock,
            canaries=Canaries(tuple(canary_targets), lambda host: resolver.resolve(host, IpFamily.ANY)),
        )

    async def close(self) -> None:
        """Give back the resolver's thread and sockets."""
        await self.canaries.close()
        await self.resolver.close()
