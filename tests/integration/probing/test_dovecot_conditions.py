"""A real Dovecot in the conditions mail servers get into: full, locked, out of connections, too new, too old."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from shared.checks.vocabulary import LoginOutcome, OutcomeKind, Phase
from tests.integration.probing.test_probes_against_dovecot import check
from tests.support.servers.dovecot import DovecotOptions
from tests.support.servers.fixtures import StartDovecot

FULL = "mail_plugins = quota\nplugin {\n  quota = count:all\n  quota_vsizes = yes\n  quota_rule = *:storage=1B\n}\n"
TLS_10 = """openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = old
[old]
MinProtocol = TLSv1
MaxProtocol = TLSv1
CipherString = ALL:@SECLEVEL=0
"""


@asynccontextmanager
async def session(host: str, port: int, *lines: bytes, until: bytes) -> AsyncIterator[bytes]:
    """Another client of the server, logged in for as long as the block lasts; what it was told so far."""
    reader, writer = await asyncio.open_connection(host, port)
    told = b""
    try:
        for line in (*lines, None):
            told += await reader.readline()
            if line is not None:
                writer.write(line + b"\r\n")
        assert until in told, told
        yield told
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
async def test_a_full_mailbox_is_a_mailbox_that_can_be_read(start_dovecot: StartDovecot, protocol: str) -> None:
    server = await start_dovecot(DovecotOptions(extra=FULL))
    login, append = b'a LOGIN anna "right password"', b"b APPEND INBOX {5+}\r\nhello"
    async with session(server.host, server.imap_port, login, append, until=b"OVERQUOTA"):
        outcome = await check(server, protocol, "tls")
    assert (outcome.kind, outcome.login) == (OutcomeKind.OK, LoginOutcome.ACCEPTED)


async def test_a_pop3_mailbox_locked_by_another_session(start_dovecot: StartDovecot) -> None:
    server = await start_dovecot(DovecotOptions(extra="pop3_lock_session = yes\n"))
    lines = (b"USER anna", b"PASS right password")
    async with session(server.host, server.pop3_port, *lines, until=b"+OK Logged in"):
        outcome = await check(server, "pop3", "tls")
    assert (outcome.kind, outcome.phase) == (OutcomeKind.MAILBOX_LOCKED, Phase.AUTH)
    assert "[IN-USE]" in (outcome.server_words or "")
    # No judgement on the password, so the ladder of refused logins does not begin.
    assert outcome.login is LoginOutcome.UNDECIDED


@pytest.mark.parametrize(
    ("protocol", "kind"),
    # Dovecot's own codes for it: [LIMIT] to IMAP, and to POP3, which has no such code, [IN-USE].
    [("imap", OutcomeKind.RATE_LIMITED), ("pop3", OutcomeKind.MAILBOX_LOCKED)],
)
async def test_no_more_connections_for_this_user_and_address(
    start_dovecot: StartDovecot, protocol: str, kind: OutcomeKind
) -> None:
    server = await start_dovecot(DovecotOptions(mail_max_userip_connections=1))
    port, lines, until = {
        "imap": (server.imap_port, (b'a LOGIN anna "right password"',), b"a OK"),
        "pop3": (server.pop3_port, (b"USER anna", b"PASS right password"), b"+OK Logged in"),
    }[protocol]
    async with session(server.host, port, *lines, until=until):
        outcome = await check(server, protocol, "tls")
    assert (outcome.kind, outcome.login) == (kind, LoginOutcome.UNDECIDED)
    assert "Maximum number of connections" in (outcome.server_words or "")


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
async def test_a_server_of_tls_1_3_only(start_dovecot: StartDovecot, protocol: str) -> None:
    server = await start_dovecot(DovecotOptions(ssl_min_protocol="TLSv1.3"))
    for security in ("tls", "starttls"):
        outcome = await check(server, protocol, security)
        assert outcome.kind is OutcomeKind.OK
        assert outcome.certificate is not None
        assert outcome.certificate.tls_version == "TLSv1.3"


async def test_a_server_of_tls_1_0_only(start_dovecot: StartDovecot, servers_state: Path) -> None:
    config = servers_state / "tls10.cnf"
    config.write_text(TLS_10)
    config.chmod(0o644)
    old = f"ssl_cipher_list = ALL:@SECLEVEL=0\nimport_environment = OPENSSL_CONF={config}\n"
    server = await start_dovecot(DovecotOptions(ssl_min_protocol="TLSv1", extra=old))
    assert await _handshakes(server.host, server.imaps_port, ssl.TLSVersion.TLSv1)
    assert not await _handshakes(server.host, server.imaps_port, ssl.TLSVersion.TLSv1_2)
    for protocol in ("imap", "pop3"):
        for security in ("tls", "starttls"):
            outcome = await check(server, protocol, security)
            assert (outcome.kind, outcome.phase) == (OutcomeKind.TLS_PROTOCOL, Phase.TLS)
            assert outcome.login is LoginOutcome.NOT_SENT


async def _handshakes(host: str, port: int, version: ssl.TLSVersion) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    try:
        _, writer = await asyncio.open_connection(host, port, ssl=context)
    except (ssl.SSLError, ConnectionError):
        return False
    writer.close()
    return True


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
async def test_a_server_that_takes_passwords_over_tls_only(start_dovecot: StartDovecot, protocol: str) -> None:
    server = await start_dovecot(DovecotOptions(disable_plaintext_auth=True, auth_mechanisms=("plain", "cram-md5")))
    for security in ("tls", "starttls"):
        assert (await check(server, protocol, security)).kind is OutcomeKind.OK
    refused = await check(server, protocol, "none", auth="plain")
    assert (refused.kind, refused.login) == (OutcomeKind.AUTH_UNSUPPORTED, LoginOutcome.NOT_SENT)
    # What shows nobody the password needs no TLS.
    assert (await check(server, protocol, "none", auth="auto")).kind is OutcomeKind.OK


async def test_a_sysadmin_can_see_who_called(start_dovecot: StartDovecot) -> None:
    server = await start_dovecot(DovecotOptions(extra="imap_id_log = *\n"))
    for security in ("tls", "starttls", "none"):
        assert (await check(server, "imap", security)).kind is OutcomeKind.OK
    assert server.log().count("name=mailprobe") == 3
