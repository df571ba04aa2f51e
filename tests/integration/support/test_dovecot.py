"""The private Dovecot, asked by the standard library's clients: each port, each variation, what it counts."""

import asyncio
import contextlib
import imaplib
import poplib
import socket
import ssl
from collections.abc import Callable

import pytest

from tests.support.servers.dovecot import DovecotOptions, DovecotServer
from tests.support.servers.fixtures import StartDovecot

PASSWORD = "right password"


def trusting(server: DovecotServer) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=server.ca_file)


def shake_hands(server: DovecotServer, context: ssl.SSLContext) -> None:
    with (
        socket.create_connection((server.host, server.imaps_port), timeout=10) as connection,
        context.wrap_socket(connection, server_hostname=server.host),
    ):
        pass


def imap_plain(server: DovecotServer, password: str) -> int:
    return count_by_imap(imaplib.IMAP4(server.host, server.imap_port), password)


def imap_starttls(server: DovecotServer, password: str) -> int:
    client = imaplib.IMAP4(server.host, server.imap_port)
    client.starttls(trusting(server))
    return count_by_imap(client, password)


def imap_tls(server: DovecotServer, password: str) -> int:
    return count_by_imap(imaplib.IMAP4_SSL(server.host, server.imaps_port, ssl_context=trusting(server)), password)


def pop3_plain(server: DovecotServer, password: str) -> int:
    return count_by_pop3(poplib.POP3(server.host, server.pop3_port), password)


def pop3_stls(server: DovecotServer, password: str) -> int:
    client = poplib.POP3(server.host, server.pop3_port)
    client.stls(trusting(server))
    return count_by_pop3(client, password)


def pop3_tls(server: DovecotServer, password: str) -> int:
    return count_by_pop3(poplib.POP3_SSL(server.host, server.pop3s_port, context=trusting(server)), password)


def count_by_imap(client: imaplib.IMAP4, password: str) -> int:
    try:
        client.login("anna", password)
        number = int(client.select("INBOX", readonly=True)[1][0])
        client.logout()
    except imaplib.IMAP4.error:
        client.shutdown()
        raise
    return number


def count_by_pop3(client: poplib.POP3, password: str) -> int:
    with contextlib.closing(client):
        client.user("anna")
        client.pass_(password)
        number = client.stat()[0]
        client.quit()
        return number


@pytest.mark.parametrize("ask", [imap_plain, imap_starttls, imap_tls, pop3_plain, pop3_stls, pop3_tls])
async def test_serves_the_mailbox_on_each_port(
    dovecot: DovecotServer, ask: Callable[[DovecotServer, str], int]
) -> None:
    assert await asyncio.to_thread(ask, dovecot, PASSWORD) == 3
    assert (dovecot.accepted_logins("anna"), dovecot.rejected_logins()) == (1, 0)


async def test_a_password_changes_while_it_runs_and_refusals_are_counted(dovecot: DovecotServer) -> None:
    await dovecot.set_password("anna", "another")
    for ask in (imap_plain, pop3_tls):
        with pytest.raises((imaplib.IMAP4.error, poplib.error_proto), match="AUTH"):
            await asyncio.to_thread(ask, dovecot, PASSWORD)
    assert dovecot.rejected_logins("anna") == 2
    assert await asyncio.to_thread(imap_plain, dovecot, "another") == 3
    await dovecot.set_password("anna", PASSWORD)
    assert await asyncio.to_thread(imap_plain, dovecot, PASSWORD) == 3
    assert dovecot.accepted_logins() == 2


async def test_an_expired_certificate_is_served(dovecot: DovecotServer, start_dovecot: StartDovecot) -> None:
    server = await start_dovecot(DovecotOptions(certificate=dovecot.authority.expired()))
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        await asyncio.to_thread(shake_hands, server, trusting(server))


async def test_plain_text_logins_can_be_refused(start_dovecot: StartDovecot) -> None:
    server = await start_dovecot(DovecotOptions(disable_plaintext_auth=True))
    with imaplib.IMAP4(server.host, server.imap_port) as client:
        assert "LOGINDISABLED" in client.capabilities
    assert await asyncio.to_thread(imap_starttls, server, PASSWORD) == 3


async def test_the_mechanisms_and_the_protocol_are_settable(start_dovecot: StartDovecot) -> None:
    server = await start_dovecot(
        DovecotOptions(auth_mechanisms=("cram-md5", "scram-sha-256"), ssl_min_protocol="TLSv1.3")
    )
    with imaplib.IMAP4(server.host, server.imap_port) as client:
        assert {c for c in client.capabilities if c.startswith("AUTH=")} == {
            "AUTH=CRAM-MD5",
            "AUTH=SCRAM-SHA-256",
        }
    old = trusting(server)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    await asyncio.to_thread(shake_hands, server, trusting(server))
    with pytest.raises(ssl.SSLError):
        await asyncio.to_thread(shake_hands, server, old)


async def test_connections_per_account_can_be_limited(start_dovecot: StartDovecot) -> None:
    server = await start_dovecot(DovecotOptions(mail_max_userip_connections=1))
    with imaplib.IMAP4(server.host, server.imap_port) as first:
        first.login("anna", PASSWORD)
        with pytest.raises(imaplib.IMAP4.error, match="LIMIT"):
            await asyncio.to_thread(imap_plain, server, PASSWORD)


async def test_starts_again_on_the_same_ports_after_being_killed(dovecot: DovecotServer) -> None:
    await dovecot.kill()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.to_thread(imap_plain, dovecot, PASSWORD)
    await dovecot.start()
    assert await asyncio.to_thread(imap_plain, dovecot, PASSWORD) == 3
