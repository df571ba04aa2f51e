"""A farm of mailboxes in this process, over IMAP and POP3, with a book of its own about who logged in when.

Provides `MailFarm`: sound mailboxes, a few to a host; frail ones, each a host of its own that can be taken down; and
mailboxes whose login can be held. Comparing its book with the database's is left to `ledger`.
"""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from shared.checks.vocabulary import MailProtocol
from tests.support.mail_servers import Behaviour, Manners, Peer, serving, sound_imap, sound_pop3

CUSTOMER = "11111111-1111-4111-8111-111111111111"
BOXES_PER_HOST = 12


@dataclass(slots=True)
class Mailbox:
    """One mailbox, and what its server saw. `outages`: how often it was taken down so far."""

    user: str
    protocol: MailProtocol
    host: str
    port: int = 0
    down: bool = False
    hold: asyncio.Event | None = None  # a login waits for it
    logins: int = 0
    resets: int = 0
    outages: int = 0
    monitor: str = ""  # the public id of the monitor that checks it
    login_came: asyncio.Event = field(default_factory=asyncio.Event)

    def take_down(self) -> None:
        """Reset every connection from now on."""
        self.down = True
        self.outages += 1

    def bring_up(self) -> None:
        self.down = False

    def body(self, **more: Any) -> dict[str, Any]:
        """How its monitor is described to the API."""
        return {
            "customerId": CUSTOMER,
            "name": self.user,
            "hostname": self.host,
            "port": self.port,
            "checkInterval": 0.5,
            "timeoutSeconds": 5,
            "imapPopConfig": {"protocol": self.protocol, "user": self.user, "password": "secret", "security": "none"},
            **more,
        }


class MailFarm:
    """See the module. Anybody known is let in, whatever the password."""

    def __init__(self) -> None:
        self.boxes: dict[str, Mailbox] = {}
        self.strangers = 0  # logins of a user no mailbox has
        self._opened = AsyncExitStack()
        self._hosts = 0

    @property
    def logins(self) -> int:
        return sum(box.logins for box in self.boxes.values()) + self.strangers

    @classmethod
    @asynccontextmanager
    async def opened(cls) -> AsyncIterator["MailFarm"]:
        farm = cls()
        async with farm._opened:
            yield farm

    async def add_sound(self, count: int, *, name: str = "sound") -> list[Mailbox]:
        """So many mailboxes, IMAP and POP3 in turns, a dozen on a host."""
        made = [
            Mailbox(f"{name}-{number}", MailProtocol.POP3 if number % 2 else MailProtocol.IMAP, host="")
            for number in range(count)
        ]
        for first in range(0, count, BOXES_PER_HOST):
            await self._house(made[first : first + BOXES_PER_HOST])
        return made

    async def add_frail(self, count: int) -> list[Mailbox]:
        """So many mailboxes, each on a host of its own."""
        made = [
            Mailbox(f"frail-{number}", MailProtocol.POP3 if number % 2 else MailProtocol.IMAP, host="")
            for number in range(count)
        ]
        for box in made:
            await self._house([box])
        return made

    async def add_held(self, protocol: MailProtocol, name: str) -> Mailbox:
        """A mailbox whose logins wait until its `hold` is set."""
        box = Mailbox(name, protocol, host="", hold=asyncio.Event())
        await self._house([box])
        return box

    async def _house(self, boxes: list[Mailbox]) -> None:
        """A host for these, with a server of each protocol they speak."""
        self._hosts += 1
        host = f"127.0.{40 + self._hosts // 250}.{1 + self._hosts % 250}"
        for protocol in sorted({box.protocol for box in boxes}):
            of = [box for box in boxes if box.protocol is protocol]
            listener = await self._opened.enter_async_context(serving(self._server(protocol, of), host=host))
            for box in of:
                box.host, box.port = host, listener.port
                self.boxes[box.user] = box
        await asyncio.sleep(0)

    def _server(self, protocol: MailProtocol, boxes: list[Mailbox]) -> Behaviour:
        imap = sound_imap(Manners(instead={"AUTHENTICATE": self._authenticated, "LOGIN": self._login_with_words}))
        pop3 = sound_pop3(Manners(capabilities="USER|UIDL", instead={"PASS": self._pass}))
        sound = imap if protocol is MailProtocol.IMAP else pop3

        async def behave(peer: Peer) -> None:
            if all(box.down for box in boxes):
                boxes[0].resets += 1
                peer.reset()
                return
            try:
                await sound(peer)
            finally:
                # What was said is of no more use, and a farm lives long.
                peer.heard.clear()

        return behave

    async def _authenticated(self, peer: Peer, tag: bytes) -> None:
        response = peer.heard[-1].split(b" ")[-1]
        await self._let_in(peer, base64.b64decode(response).split(b"\0")[1], tag + b" OK in\r\n")

    async def _login_with_words(self, peer: Peer, tag: bytes) -> None:
        await self._let_in(peer, peer.heard[-1].split(b" ")[2].strip(b'"'), tag + b" OK in\r\n")

    async def _pass(self, peer: Peer, _: bytes) -> None:
        user = next(line[5:] for line in reversed(peer.heard) if line[:5].upper() == b"USER ")
        await self._let_in(peer, user, b"+OK in\r\n")

    async def _let_in(self, peer: Peer, user: bytes, answer: bytes) -> None:
        box = self.boxes.get(user.decode())
        if box is None:
            self.strangers += 1
        else:
            box.logins += 1
            box.login_came.set()
            if box.hold is not None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(box.hold.wait(), 60)
        await peer.say(answer)
