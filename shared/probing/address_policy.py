"""Where a check may connect: our own tables of special-purpose networks, and what the operator allows beside.

Python's `ipaddress.is_global` calls NAT64, 6to4, `::7f00:1` and multicast global, so the tables are ours (IANA special
purpose registries, multicast, deprecated ranges that carry an IPv4 address inside). Pure; resolving is the resolver's.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Self

SETTING = "MAILPROBE_ALLOWED_PRIVATE_NETWORKS"

# What the command line, tests and a standalone installation allow from the start.
LOOPBACK_NETWORKS = ("127.0.0.0/8", "::1/128")

_Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network

_SPECIAL_V4 = {
    "0.0.0.0/8": "this network",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "shared by carriers",
    "127.0.0.0/8": "loopback",
    "169.254.0.0/16": "link-local",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "protocol assignments",
    "192.0.2.0/24": "documentation",
    "192.31.196.0/24": "AS112",
    "192.52.193.0/24": "AMT",
    "192.88.99.0/24": "6to4 relays",
    "192.168.0.0/16": "private",
    "192.175.48.0/24": "AS112",
    "198.18.0.0/15": "benchmarking",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
}
_SPECIAL_V6 = {
    "::/96": "IPv4-compatible, loopback and unspecified",
    "::ffff:0:0/96": "IPv4-mapped",
    "::ffff:0:0:0/96": "IPv4-translated",
    "64:ff9b::/96": "NAT64",
    "64:ff9b:1::/48": "local NAT64",
    "100::/64": "discard-only",
    "100:0:0:1::/64": "dummy prefix",
    "2001::/23": "protocol assignments, Teredo among them",
    "2001:db8::/32": "documentation",
    "2002::/16": "6to4",
    "2620:4f:8000::/48": "AS112",
    "3fff::/20": "documentation",
    "5f00::/16": "segment routing",
    "fc00::/7": "private",
    "fe80::/10": "link-local",
    "fec0::/10": "site-local",
    "ff00::/8": "multicast",
}
# Clouds answer with credentials here: only an entry naming the one address opens it, never a wider network.
_METADATA = frozenset({ip_address("169.254.169.254"), ip_address("fd00:ec2::254")})

_V6_LOOPBACK = IPv6Address("::1")


@dataclass(frozen=True, slots=True)
class Blocked:
    """An address a check may not connect to, and the entry that would open it."""

    address: str
    network: str
    purpose: str

    @property
    def cidr(self) -> str:
        """The smallest network to add to the setting."""
        return f"{self.address}/{128 if ':' in self.address else 32}"

    @property
    def sentence(self) -> str:
        return f"{self.address} is in {self.network} ({self.purpose}), which checks may not connect to"

    @property
    def hint(self) -> str:
        return f"To allow it, add {self.cidr} to {SETTING} on this mailprobe's workers."

    @property
    def said_of_messages(self) -> str:
        """The same of a message to a notification channel, which the notifier sends."""
        return f"{self.sentence.replace('checks', 'messages')}. {self.hint.replace('workers', 'notifier')}"


class _RangeTable:
    """Disjoint networks, found by bisection."""

    def __init__(self, networks: dict[str, str]) -> None:
        ordered = sorted((ip_network(cidr), purpose) for cidr, purpose in networks.items())
        self._first = [int(network.network_address) for network, _ in ordered]
        self._entries = [(int(network.broadcast_address), str(network), purpose) for network, purpose in ordered]

    def find(self, number: int) -> tuple[str, str] | None:
        place = bisect_right(self._first, number) - 1
        if place < 0:
            return None
        last, network, purpose = self._entries[place]
        return (network, purpose) if number <= last else None


class AddressPolicy:
    """Judges addresses. Made by `create`; remembers its verdicts up to a cap."""

    _REMEMBERED = 4096

    def __init__(self, allowed: tuple[_Network, ...]) -> None:
        self._allowed = allowed
        self._tables = {4: _RangeTable(_SPECIAL_V4), 6: _RangeTable(_SPECIAL_V6)}
        self._verdicts: dict[str, Blocked | None] = {}

    @classmethod
    def create(cls, allowed_private_networks: Iterable[str] = ()) -> Self:
        """Raises ValueError naming the entry that is no CIDR."""
        return cls(tuple(ip_network(entry.strip()) for entry in allowed_private_networks if entry.strip()))

    def judge(self, address: str) -> Blocked | None:
        """None where a check may connect to this address; ValueError if it is none."""
        try:
            return self._verdicts[address]
        except KeyError:
            pass
        verdict = self._judge(ip_address(address))
        if len(self._verdicts) >= self._REMEMBERED:
            self._verdicts.clear()
        self._verdicts[address] = verdict
        return verdict

    def first_blocked(self, addresses: Iterable[str]) -> Blocked | None:
        """The first address that may not be connected to: one is enough to refuse the name."""
        for address in addresses:
            if (blocked := self.judge(address)) is not None:
                return blocked
        return None

    def judge_hostname(self, hostname: str) -> Blocked | None:
        """What can be said before resolving: an IP literal or a name that means loopback. For warnings only."""
        name = hostname.rstrip(".").lower()
        if name == "localhost" or name.endswith(".localhost"):
            return self.judge("127.0.0.1")
        literal = ip_literal(name)
        return self.judge(literal) if literal is not None else None

    def _judge(self, address: _Address) -> Blocked | None:
        if self._is_allowed(address):
            inner = embedded_ipv4(address)
            # An allowed NAT64 or 6to4 network is a way in, not a right to what lies behind it.
            return self._judge(inner) if inner is not None else None
        found = self._tables[address.version].find(int(address))
        if found is None:
            return None
        return Blocked(address=str(address), network=found[0], purpose=found[1])

    def _is_allowed(self, address: _Address) -> bool:
        if address in _METADATA:
            return any(network.num_addresses == 1 and address in network for network in self._allowed)
        return any(address in network for network in self._allowed if network.version == address.version)


@lru_cache(maxsize=4096)
def ip_literal(hostname: str) -> str | None:
    """The address a host name spells out, in its canonical form; None for a name. Zone ids are no address."""
    if "%" in hostname:
        return None
    try:
        return str(ip_address(hostname.removeprefix("[").removesuffix("]")))
    except ValueError:
        return None


def embedded_ipv4(address: _Address) -> IPv4Address | None:
    """The IPv4 address an IPv6 one carries: mapped, compatible, NAT64, 6to4 (Teredo hides it and is never let in)."""
    if not isinstance(address, IPv6Address) or address in (_V6_LOOPBACK, IPv6Address("::")):
        return None
    number = int(address)
    if number >> 112 == 0x2002:
        return IPv4Address((number >> 80) & 0xFFFFFFFF)
    if number >> 32 in (0, 0xFFFF, 0xFFFF0000, 0x0064FF9B << 64):
        return IPv4Address(number & 0xFFFFFFFF)
    return None
