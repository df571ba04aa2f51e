"""The floor under every ratio to the limit: a bare uvloop protocol with the same dialogue, that keeps no record of it.

What of `vs_limit` is the interpreter's, the event loop's and the kernel's can be seen here; what lies above is the
price of a check that can say afterwards what happened. Told what to do line by line, like `our_probes`.

run <imap|pop3> <plain|tls> PORT CHECKS AT_ONCE    ->  ok
"""

import asyncio
import base64
import ssl
import sys
from collections.abc import Sequence

import uvloop

from benchmarks.engine.certificates import SERVER_NAME
from benchmarks.engine.stage import PASSWORD, USER

_LOGIN = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode())

# What is in the greeting and in each answer, how it ends, and what is said to it.
_POP3 = (
    (b"+OK", b"\r\n", b"CAPA\r\n"),
    (b"+OK", b"\r\n.\r\n", b"AUTH PLAIN " + _LOGIN + b"\r\n"),
    (b"+OK", b"\r\n", b"STAT\r\n"),
    (b"+OK", b"\r\n", b"QUIT\r\n"),
    (b"+OK", b"\r\n", b""),
)
_IMAP = (
    (b"* OK", b"\r\n", b"A1 CAPABILITY\r\n"),
    (b"A1 OK", b"\r\n", b"A2 AUTHENTICATE PLAIN " + _LOGIN + b"\r\n"),
    (b"A2 OK", b"\r\n", b'A3 EXAMINE "INBOX"\r\n'),
    (b"A3 OK", b"\r\n", b"A4 LOGOUT\r\n"),
    (b"A4 OK", b"\r\n", b""),
)
_SCRIPTS = {"imap": _IMAP, "pop3": _POP3}


class _Bare(asyncio.Protocol):
    __slots__ = ("_done", "_heard", "_in", "_out", "_script", "_shaking", "_step", "_tls", "_transport")

    def __init__(
        self, script: Sequence[tuple[bytes, bytes, bytes]], done: asyncio.Future[None], context: ssl.SSLContext | None
    ) -> None:
        self._script = script
        self._done = done
        self._step = 0
        self._heard = b""
        self._tls: ssl.SSLObject | None = None
        self._shaking = context is not None
        if context is not None:
            self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
            self._tls = context.wrap_bio(self._in, self._out, server_hostname=SERVER_NAME)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        if self._tls is not None:
            self._shake(self._tls)

    def data_received(self, data: bytes) -> None:
        if self._tls is not None:
            self._in.write(data)
            if self._shaking and not self._shake(self._tls):
                return
            try:
                data = self._tls.read(16 * 1024)
            except ssl.SSLWantReadError:
                return
        self._heard += data
        holds, ends, answer = self._script[self._step]
        if not self._heard.endswith(ends) or holds not in self._heard:
            return
        self._heard = b""
        self._step += 1
        if not answer:
            self._transport.close()
            self._done.set_result(None)
        elif self._tls is not None:
            self._tls.write(answer)
            self._transport.write(self._out.read())
        else:
            self._transport.write(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(exc or ConnectionError("the server hung up"))

    def _shake(self, tls: ssl.SSLObject) -> bool:
        try:
            tls.do_handshake()
            self._shaking = False
        except ssl.SSLWantReadError:
            pass
        if self._out.pending:
            self._transport.write(self._out.read())
        return not self._shaking


async def _obey(line: str, context: ssl.SSLContext) -> str:
    _, protocol, mode, port, checks, at_once = line.split()
    loop = asyncio.get_running_loop()

    async def one_after_another(count: int) -> None:
        for _ in range(count):
            done: asyncio.Future[None] = loop.create_future()
            bare = _Bare(_SCRIPTS[protocol], done, context if mode == "tls" else None)
            await loop.create_connection(lambda bare=bare: bare, "127.0.0.1", int(port))  # type: ignore[misc]
            await done

    await asyncio.gather(*(one_after_another(int(checks) // int(at_once)) for _ in range(int(at_once))))
    return "ok"


def main() -> None:
    """Obey the lines of standard input until it ends; the first argument is the CA file."""
    context = ssl.create_default_context(cafile=sys.argv[1])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for line in sys.stdin:
            print(runner.run(_obey(line, context)), flush=True)


if __name__ == "__main__":
    main()
