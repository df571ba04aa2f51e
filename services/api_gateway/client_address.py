"""Whose address a request comes from, and whether by https, where proxies stand before us.

X-Forwarded-For is believed only as far as trusted proxies wrote it: from its right end, up to the first address that
is no trusted proxy's. X-Forwarded-Proto is believed of a trusted proxy alone.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp import web

_V6_SITE_BITS = 64

Networks = Sequence[IPv4Network | IPv6Network]


def address_of(request: web.Request, trusted: Networks) -> str:
    """The client's address, as exactly as it is known."""
    return client_address(_peer(request), request.headers.getall("X-Forwarded-For", []), trusted)


def client_address(peer: str | None, forwarded_for: Sequence[str], trusted: Networks) -> str:
    """The same, of what a request says; a peer that is no address stays as it is."""
    current = _read(peer or "")
    if current is None:
        return peer or "unknown"
    hops = [hop.strip() for line in forwarded_for for hop in line.split(",")]
    while hops and _within(current, trusted):
        hop = _read(hops.pop())
        if hop is None:
            break
        current = hop
    return str(current)


def counted_address(address: str) -> str:
    """The address to count by: of an IPv6 one its /64, which one household or server has to itself."""
    read = _read(address)
    if isinstance(read, IPv6Address):
        return str(IPv6Network((int(read) >> _V6_SITE_BITS << _V6_SITE_BITS, _V6_SITE_BITS)))
    return address


def came_by_https(request: web.Request, trusted: Networks) -> bool:
    """Whether the client spoke https to a trusted proxy (we do not speak it ourselves)."""
    peer = _read(_peer(request) or "")
    if peer is None or not _within(peer, trusted):
        return False
    # What the proxy nearest to us says; those before it may be the client's own invention.
    said = ",".join(request.headers.getall("X-Forwarded-Proto", [])).rpartition(",")[2]
    return said.strip().lower() == "https"


def _peer(request: web.Request) -> str | None:
    peer = request.transport.get_extra_info("peername") if request.transport is not None else None
    return peer[0] if isinstance(peer, tuple) else None


def _read(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _within(address: IPv4Address | IPv6Address, networks: Networks) -> bool:
    return any(address in network for network in networks if network.version == address.version)
