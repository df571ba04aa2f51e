"""Whose address a request comes from, where proxies stand before us.

X-Forwarded-For is believed only as far as trusted proxies wrote it: from its right end, up to the first address that
is no trusted proxy's.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_V6_SITE_BITS = 64


def client_address(peer: str | None, forwarded_for: Sequence[str], trusted: Sequence[IPv4Network | IPv6Network]) -> str:
    """The address to count by; of an IPv6 one its /64, which one household or server has to itself."""
    current = _read(peer or "")
    if current is None:
        return peer or "unknown"
    hops = [hop.strip() for line in forwarded_for for hop in line.split(",")]
    while hops and _within(current, trusted):
        hop = _read(hops.pop())
        if hop is None:
            break
        current = hop
    if isinstance(current, IPv6Address):
        return str(IPv6Network((int(current) >> _V6_SITE_BITS << _V6_SITE_BITS, _V6_SITE_BITS)))
    return str(current)


def _read(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _within(address: IPv4Address | IPv6Address, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)
