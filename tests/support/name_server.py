"""A DNS server on loopback that answers by a script: addresses, no such name, a failure, or never."""

import asyncio
import contextlib
import ipaddress
import struct
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

NXDOMAIN, SERVFAIL, NODATA, HANGS = "nxdomain", "servfail", "nodata", "hangs"

Answer = str | list[str]
_RCODES = {NXDOMAIN: 3, SERVFAIL: 2, NODATA: 0}
_A, _AAAA = 1, 28


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
        records = []
        if isinstance(answer, list):
            version = {_A: 4, _AAAA: 6}.get(kind)
            records = [a for text in answer if (a := ipaddress.ip_address(text)).version == version]
        rcode = _RCODES[answer] if isinstance(answer, str) else 0
        question = query[12 : end + 4]
        header = query[:2] + struct.pack("!HHHHH", 0x8180 | rcode, 1, len(records), 0, 0)
        body = b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, self._ttl_seconds, len(a.packed)) + a.packed for a in records
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
