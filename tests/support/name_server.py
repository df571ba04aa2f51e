"""A DNS server on loopback that answers by a script: addresses, SRV and MX, no such name, failure, nonsense, never."""

import asyncio
import contextlib
import ipaddress
import struct
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

NXDOMAIN, SERVFAIL, NODATA, GARBLED, HANGS = "nxdomain", "servfail", "nodata", "garbled", "hangs"


@dataclass(frozen=True)
class Srv:
    """A target of an SRV record."""

    target: str
    port: int
    priority: int = 0
    weight: int = 0

    @property
    def data(self) -> bytes:
        return struct.pack("!HHH", self.priority, self.weight, self.port) + _wire(self.target)


@dataclass(frozen=True)
class Mx:
    """A host that takes mail."""

    exchange: str
    priority: int = 10

    @property
    def data(self) -> bytes:
        return struct.pack("!H", self.priority) + _wire(self.exchange)


Answer = str | list[str] | list[Srv] | list[Mx]
_RCODES = {NXDOMAIN: 3, SERVFAIL: 2, NODATA: 0, GARBLED: 0}
_A, _MX, _AAAA, _SRV = 1, 15, 28, 33


@dataclass
class NameServer:
    """Where it listens (`address:port`), and the names it was asked for."""

    address: str
    asked: list[str] = field(default_factory=list)


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, zone: Mapping[str, Answer], otherwise: Answer, asked: list[str], ttl_seconds: int) -> None:
        self._zone, self._otherwise, self._asked, self._ttl_seconds = zone, otherwise, asked, ttl_seconds

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.DatagramTransport = transport  # type: ignore[assignment]

    def datagram_received(self, query: bytes, sender: tuple[str, int]) -> None:
        name, end = _name(query)
        self._asked.append(name)
        kind = struct.unpack("!H", query[end : end + 2])[0]
        answer = self._zone.get(name, self._otherwise)
        if answer == HANGS:
            return
        records = [] if isinstance(answer, str) else [data for each in answer if (data := _data(each, kind))]
        if answer == GARBLED:
            records = [b"\0"]  # no address of either family is one byte long
        rcode = _RCODES[answer] if isinstance(answer, str) else 0
        question = query[12 : end + 4]
        header = query[:2] + struct.pack("!HHHHH", 0x8180 | rcode, 1, len(records), 0, 0)
        body = b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, self._ttl_seconds, len(data)) + data for data in records
        )
        self._transport.sendto(header + question + body, sender)


@contextlib.asynccontextmanager
async def name_server(
    zone: Mapping[str, Answer], otherwise: Answer = NXDOMAIN, *, ttl_seconds: int = 1
) -> AsyncIterator[NameServer]:
    """Serves the zone (which may change) for as long as the block lasts; other names get `otherwise`."""
    server = NameServer(address="")
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Udp(zone, otherwise, server.asked, ttl_seconds), local_addr=("127.0.0.1", 0)
    )
    host, port = transport.get_extra_info("sockname")
    server.address = f"{host}:{port}"
    try:
        yield server
    finally:
        transport.close()


def _name(query: bytes) -> tuple[str, int]:
    labels, at = [], 12
    while size := query[at]:
        labels.append(query[at + 1 : at + 1 + size].decode("ascii", "replace"))
        at += 1 + size
    return ".".join(labels).lower(), at + 1


def _data(record: str | Srv | Mx, kind: int) -> bytes | None:
    """What a record says, where it is of the kind that is asked for."""
    if isinstance(record, Srv | Mx):
        return record.data if kind == (_SRV if isinstance(record, Srv) else _MX) else None
    address = ipaddress.ip_address(record)
    return address.packed if {_A: 4, _AAAA: 6}.get(kind) == address.version else None


def _wire(name: str) -> bytes:
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
