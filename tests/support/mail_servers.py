"""Mail servers on loopback that do exactly what a test tells them to: sound ones, and every kind of unsound.

A server is a coroutine over a `Peer`. `sound_imap` and `sound_pop3` answer like real servers and can be told to be
wrong in one place. Certificates come from a `CertificateHouse`, made once per test session.
"""

import asyncio
import base64
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from tests.support.certificate_house import CertificateHouse as CertificateHouse

Behaviour = Callable[["Peer"], Awaitable[None]]


class Peer:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.heard: list[bytes] = []
        self._socket = writer.get_extra_info("socket")

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def hear(self) -> bytes:
        """The client's next line without its end; raises ConnectionError once it has hung up."""
        line = await self.reader.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError("the client hung up")
        self.heard.append(line.rstrip(b"\r\n"))
        return self.heard[-1]

    async def hear_exactly(self, size: int) -> bytes:
        return await self.reader.readexactly(size)

    async def start_tls(self, context: ssl.SSLContext) -> None:
        in_clear = self.writer.transport
        try:
            await self.writer.start_tls(context)
        except AttributeError as error:
            # asyncio 3.11 leaves the writer without a transport where the client hung up in the handshake.
            self.writer._transport = in_clear  # type: ignore[attr-defined]
            raise ConnectionError("the client hung up") from error

    async def silence(self) -> None:
        """Say nothing until the client hangs up."""
        while await self.reader.read(65536):
            pass

    def reset(self) -> None:
        """Cut the connection with a reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.hang_up()

    def hang_up(self) -> None:
        self.writer.transport.abort()


async def handshake_with_alerts(peer: Peer, context: ssl.SSLContext) -> None:
    """A TLS handshake that sends its alert when it fails, as real servers do; asyncio's own drops it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_side=True)
    while True:
        try:
            session.do_handshake()
            return
        except ssl.SSLWantReadError:
            await peer.say(outgoing.read())
            incoming.write(await peer.reader.read(65536))
        except ssl.SSLError:
            await peer.say(outgoing.read())
            raise


@dataclass
class Listener:
    """A running server: where it is, and what its clients said."""

    port: int
    peers: list[Peer] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)

    @property
    def heard(self) -> list[bytes]:
        return [line for peer in self.peers for line in peer.heard]


@contextlib.asynccontextmanager
async def serving(
    behaviour: Behaviour, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Listener]:
    """The behaviour on a port of its own, for as long as the block lasts."""
    listener = Listener(port=0)
    tasks: set[asyncio.Task[None]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        listener.peers.append(peer)
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await behaviour(peer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, TimeoutError):
            pass
        except asyncio.CancelledError:
            pass
        except Exception as error:
            # uvloop's way of saying that the client hung up.
            if "handler is closed" not in str(error):
                listener.failures.append(error)
        finally:
            tasks.discard(task)
            peer.hang_up()

    server = await asyncio.start_server(one, host, 0, ssl=tls, limit=1 << 20)
    listener.port = server.sockets[0].getsockname()[1]
    try:
        yield listener
    finally:
        server.close()
        # Hanging up ends a behaviour that waits; one that sleeps is cancelled.
        for peer in listener.peers:
            peer.hang_up()
        if tasks:
            await asyncio.wait(tasks, timeout=0.05)
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert not listener.failures, listener.failures


@dataclass(frozen=True)
class Account:
    """Who may log in at a sound server."""

    user: bytes = b"ada@example.org"
    password: bytes = b"correct horse"
    authorization_id: bytes = b""


@dataclass(frozen=True)
class Manners:
    """How a sound server behaves, and where it is told to be unsound.

    `instead` maps a verb (and `greeting`) to what is said in place of the answer; `{tag}` stands for the tag, and a
    callable is given the peer and the tag. `capabilities` are before and after TLS.
    """

    account: Account = Account()
    starttls: ssl.SSLContext | None = None
    capabilities: str = "IMAP4rev1 SASL-IR AUTH=PLAIN ID"
    capabilities_in_clear: str | None = None
    greets_with_capabilities: bool = False
    messages: int = 3
    instead: Mapping[str, bytes | Callable[[Peer, bytes], Awaitable[None]]] = field(default_factory=dict)


def sound_imap(manners: Manners = Manners()) -> Behaviour:
    """An IMAP server good enough for a check."""

    async def behave(peer: Peer) -> None:
        await _Imap(peer, manners).run()

    return behave


def sound_pop3(manners: Manners = Manners(capabilities="SASL PLAIN|USER|UIDL")) -> Behaviour:
    """A POP3 server good enough for a check. Its capabilities are lines, separated by `|`."""

    async def behave(peer: Peer) -> None:
        await _Pop3(peer, manners).run()

    return behave


class _Sound:
    def __init__(self, peer: Peer, manners: Manners) -> None:
        self.peer = peer
        self.manners = manners
        self.in_tls = manners.starttls is None

    @property
    def capabilities(self) -> str:
        if not self.in_tls and self.manners.capabilities_in_clear is not None:
            return self.manners.capabilities_in_clear
        return self.manners.capabilities

    async def unsound(self, verb: str, tag: bytes = b"") -> bool:
        answer = self.manners.instead.get(verb)
        if answer is None:
            return False
        if isinstance(answer, bytes):
            await self.peer.say(answer.replace(b"{tag}", tag))
        else:
            await answer(self.peer, tag)
        return True

    def plain_is_right(self, response: bytes) -> bool:
        account = self.manners.account
        expected = b"\0".join((account.authorization_id, account.user, account.password))
        return base64.b64decode(response) == expected


class _Imap(_Sound):
    async def run(self) -> None:
        if not await self.unsound("greeting"):
            code = f"[CAPABILITY {self.capabilities}] " if self.manners.greets_with_capabilities else ""
            await self.peer.say(f"* OK {code}ready\r\n".encode())
        while True:
            tag, _, rest = (await self.peer.hear()).partition(b" ")
            verb, _, argument = rest.partition(b" ")
            name = verb.decode().upper()
            if await self.unsound(name, tag):
                continue
            if name == "LOGOUT":
                await self.peer.say(b"* BYE bye\r\n" + tag + b" OK done\r\n")
                return
            await self.answer(name, tag, argument)

    async def answer(self, name: str, tag: bytes, argument: bytes) -> None:
        say = self.peer.say
        match name:
            case "CAPABILITY":
                await say(f"* CAPABILITY {self.capabilities}\r\n".encode() + tag + b" OK done\r\n")
            case "STARTTLS" if self.manners.starttls is not None:
                await say(tag + b" OK begin\r\n")
                await self.peer.start_tls(self.manners.starttls)
                self.in_tls = True
            case "ID":
                await say(b'* ID ("name" "scripted")\r\n' + tag + b" OK done\r\n")
            case "AUTHENTICATE":
                mechanism, _, response = argument.partition(b" ")
                if mechanism != b"PLAIN":
                    await say(tag + b" NO unknown mechanism\r\n")
                    return
                if not response:
                    await say(b"+ \r\n")
                    response = await self.peer.hear()
                await self.verdict(tag, self.plain_is_right(response))
            case "LOGIN":
                user, password = await self.strings(argument)
                account = self.manners.account
                await self.verdict(tag, (user, password) == (account.user, account.password))
            case "EXAMINE":
                await say(b"* FLAGS (\\Seen)\r\n* %d EXISTS\r\n* 0 RECENT\r\n" % self.manners.messages)
                await say(tag + b" OK [READ-ONLY] done\r\n")
            case _:
                await say(tag + b" BAD no such command\r\n")

    async def verdict(self, tag: bytes, right: bool) -> None:
        await self.peer.say(tag + (b" OK in\r\n" if right else b" NO [AUTHENTICATIONFAILED] wrong\r\n"))

    async def strings(self, line: bytes) -> list[bytes]:
        found: list[bytes] = []
        while line:
            if line[:1] == b'"':
                text, at = bytearray(), 1
                while line[at : at + 1] != b'"':
                    if line[at : at + 1] == b"\\":
                        at += 1
                    text += line[at : at + 1]
                    at += 1
                found.append(bytes(text))
                line = line[at + 1 :].lstrip(b" ")
            elif line[:1] == b"{":
                size = line[1:].rstrip(b"}")
                if not size.endswith(b"+"):
                    await self.peer.say(b"+ go on\r\n")
                found.append(await self.peer.hear_exactly(int(size.rstrip(b"+"))))
                line = (await self.peer.hear()).lstrip(b" ")
            else:
                atom, _, line = line.partition(b" ")
                found.append(atom)
        return found


class _Pop3(_Sound):
    user: bytes | None = None

    async def run(self) -> None:
        if not await self.unsound("greeting"):
            await self.peer.say(b"+OK ready\r\n")
        while True:
            verb, _, argument = (await self.peer.hear()).partition(b" ")
            name = verb.decode().upper()
            if await self.unsound(name):
                continue
            if name == "QUIT":
                await self.peer.say(b"+OK bye\r\n")
                return
            await self.answer(name, argument)

    async def answer(self, name: str, argument: bytes) -> None:
        say = self.peer.say
        account = self.manners.account
        match name:
            case "CAPA":
                lines = "".join(f"{line}\r\n" for line in self.capabilities.split("|"))
                await say(f"+OK\r\n{lines}.\r\n".encode())
            case "STLS" if self.manners.starttls is not None:
                await say(b"+OK begin\r\n")
                await self.peer.start_tls(self.manners.starttls)
                self.in_tls = True
            case "USER":
                self.user = argument
                await say(b"+OK\r\n")
            case "PASS":
                right = (self.user, argument) == (account.user, account.password)
                await say(b"+OK in\r\n" if right else b"-ERR [AUTH] wrong\r\n")
            case "AUTH":
                mechanism, _, response = argument.partition(b" ")
                if mechanism != b"PLAIN":
                    await say(b"-ERR unknown mechanism\r\n")
                    return
                if not response:
                    await say(b"+ \r\n")
                    response = await self.peer.hear()
                await say(b"+OK in\r\n" if self.plain_is_right(response) else b"-ERR [AUTH] wrong\r\n")
            case "STAT":
                await say(b"+OK %d 1024\r\n" % self.manners.messages)
            case _:
                await say(b"-ERR no such command\r\n")
