"""A thousand checks leave a Dovecot mailbox exactly as it was: files, flags, \\Recent, UIDs and sizes."""

import asyncio
import re
from collections import Counter
from typing import Any

import pytest

from services.imap_worker.probe import imap_probe
from services.pop3_worker.probe import pop3_probe
from shared.checks.target import CheckTarget
from shared.probing.address_policy import LOOPBACK_NETWORKS
from shared.probing.probe import Probe, ProbeEnvironment, ProbeRequest
from tests.support.servers.dovecot import DovecotOptions, DovecotServer
from tests.support.servers.fixtures import StartDovecot

CHECKS = 1_000
AT_ONCE = 10
PROBES: dict[str, Probe] = {"imap": imap_probe, "pop3": pop3_probe}
OPTIONS = DovecotOptions(auth_mechanisms=("plain", "login", "cram-md5", "scram-sha-256"), messages=5)


async def snapshot(server: DovecotServer) -> dict[str, Any]:
    """All there is to know of the mailbox from outside and inside, asked in a way that changes nothing (EXAMINE)."""
    reader, writer = await asyncio.open_connection(server.host, server.imap_port)
    said = b""

    async def ask(tag: bytes, command: bytes) -> None:
        nonlocal said
        writer.write(tag + b" " + command + b"\r\n")
        while True:
            line = await reader.readline()
            assert line, said
            said += line
            if line.startswith(tag + b" "):
                assert line.startswith(tag + b" OK"), line
                return

    await ask(b"a", b'LOGIN anna "right password"')
    said = b""
    await ask(b"b", b"EXAMINE INBOX")
    await ask(b"c", b"FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE)")
    await ask(b"d", b"STATUS INBOX (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN)")
    await ask(b"e", b'LIST "" *')
    writer.write(b"f LOGOUT\r\n")
    await reader.read()
    writer.close()
    await writer.wait_closed()
    # How long Dovecot took is all that may differ.
    answered = re.sub(rb" \([0-9.]+ \+ [0-9.]+[^)]*\)", b"", said)
    return {"answered": answered.splitlines(), "files": server.mailbox_files("anna")}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("protocol", PROBES)
async def test_a_thousand_checks_leave_no_trace(start_dovecot: StartDovecot, protocol: str) -> None:
    server = await start_dovecot(OPTIONS)
    ports = {"imap": (server.imap_port, server.imaps_port), "pop3": (server.pop3_port, server.pop3s_port)}[protocol]
    environment = ProbeEnvironment.create(allowed_private_networks=LOOPBACK_NETWORKS, ca_file=str(server.ca_file))
    outcomes: Counter[str] = Counter()
    waiting = asyncio.Semaphore(AT_ONCE)

    async def check(number: int) -> None:
        security = ("none", "tls", "starttls")[number % 3]
        target = CheckTarget(
            protocol=protocol,
            hostname=server.host,
            port=ports[security == "tls"],
            security=security,
            user="anna",
            auth=("auto", "plain", "login", "cram-md5", "scram-sha-256")[number % 5],
        )
        async with waiting:
            outcomes[(await PROBES[protocol](ProbeRequest(target, b"right password"), environment)).kind] += 1

    try:
        if protocol == "pop3":
            # Any POP3 login counts as having seen the new mail, to Dovecot: the first one moves it from new to cur.
            await check(0)
        before = await snapshot(server)
        outcomes.clear()
        await asyncio.gather(*(check(number) for number in range(CHECKS)))
        assert outcomes == {"ok": CHECKS}
    finally:
        await environment.close()
    after = await snapshot(server)
    assert len(before["files"]) == OPTIONS.messages
    assert (b"* 5 RECENT" in before["answered"]) == (protocol == "imap")
    assert after == before


async def test_the_snapshot_would_see_a_flag_and_a_select(start_dovecot: StartDovecot) -> None:
    server = await start_dovecot(OPTIONS)
    before = await snapshot(server)
    assert await snapshot(server) == before
    for commands in (b"b SELECT INBOX\r\n", b"b SELECT INBOX\r\nc STORE 1 +FLAGS (\\Seen)\r\n"):
        reader, writer = await asyncio.open_connection(server.host, server.imap_port)
        writer.write(b'a LOGIN anna "right password"\r\n' + commands + b"d LOGOUT\r\n")
        await reader.read()
        writer.close()
        await writer.wait_closed()
        changed = await snapshot(server)
        assert changed != before
        before = changed
