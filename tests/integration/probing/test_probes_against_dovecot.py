"""Both probes against a real Dovecot, in every mode and by every mechanism, leaving the mailbox as it was."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services.imap_worker.probe import imap_probe
from services.pop3_worker.probe import pop3_probe
from shared.checks.outcome import Outcome
from shared.checks.target import CheckTarget
from shared.checks.vocabulary import LoginOutcome, LoginPermission, OutcomeKind, Phase, WarningCode
from shared.probing.address_policy import LOOPBACK_NETWORKS
from shared.probing.probe import Probe, ProbeEnvironment, ProbeRequest
from tests.support.servers.dovecot import DovecotOptions, DovecotServer

PROBES: dict[str, Probe] = {"imap": imap_probe, "pop3": pop3_probe}
ODD_PASSWORDS = ('qu"ote', "back\\slash", "brace{3}", " spaces  inside ", "per%cent", "ümläut €", "long" * 256)
EVERYTHING = ("plain", "login", "cram-md5", "scram-sha-256")

StartDovecot = Callable[[DovecotOptions], Awaitable[DovecotServer]]


async def check(
    server: DovecotServer,
    protocol: str,
    security: str,
    *,
    password: str = "right password",
    login: LoginPermission = LoginPermission.ALLOWED,
    **target: Any,
) -> Outcome:
    ports = {"imap": (server.imap_port, server.imaps_port), "pop3": (server.pop3_port, server.pop3s_port)}
    environment = ProbeEnvironment.create(allowed_private_networks=LOOPBACK_NETWORKS, ca_file=str(server.ca_file))
    asked = CheckTarget(
        **{
            "protocol": protocol,
            "hostname": server.host,
            "port": ports[protocol][security == "tls"],
            "security": security,
            "user": "anna",
            **target,
        }
    )
    try:
        request = ProbeRequest(asked, password.encode(), login=login)
        return await PROBES[protocol](request, environment)
    finally:
        await environment.close()


@pytest.mark.parametrize("protocol", PROBES)
async def test_every_mode_passes_and_reports_what_it_saw(dovecot: DovecotServer, protocol: str) -> None:
    if protocol == "pop3":
        # To Dovecot any POP3 login has seen the new mail (RFC 3501's \\Recent): the first one moves it, whoever it is.
        await check(dovecot, protocol, "none")
    logins, before = dovecot.accepted_logins("anna"), dovecot.mailbox_files("anna")
    for security in ("none", "tls", "starttls"):
        outcome = await check(dovecot, protocol, security)
        assert (outcome.kind, outcome.login) == (OutcomeKind.OK, LoginOutcome.ACCEPTED), outcome
        expected = set(Phase) if security != "none" else set(Phase) - {Phase.TLS}
        assert set(outcome.phases_ms) == expected
        assert (outcome.certificate is not None) == (security != "none")
        if outcome.certificate is not None:
            assert outcome.certificate.verified
            assert dovecot.host in outcome.certificate.subject_alternative_names
    assert dovecot.accepted_logins("anna") == logins + 3
    assert dovecot.mailbox_files("anna") == before


@pytest.mark.parametrize("protocol", PROBES)
async def test_a_wrong_password_is_rejected_once_a_check(dovecot: DovecotServer, protocol: str) -> None:
    outcome = await check(dovecot, protocol, "tls", password="wrong password")
    assert (outcome.kind, outcome.phase) == (OutcomeKind.AUTH_REJECTED, Phase.AUTH)
    assert outcome.login is LoginOutcome.REFUSED
    assert dovecot.rejected_logins("anna") == 1
    assert outcome.transcript is not None
    assert "wrong password" not in outcome.model_dump_json()


@pytest.mark.parametrize("protocol", PROBES)
async def test_a_withheld_check_goes_up_to_the_login(dovecot: DovecotServer, protocol: str) -> None:
    outcome = await check(dovecot, protocol, "starttls", login=LoginPermission.WITHHELD)
    assert (outcome.kind, outcome.login) == (OutcomeKind.OK, LoginOutcome.NOT_SENT)
    assert Phase.AUTH not in outcome.phases_ms
    assert dovecot.accepted_logins() == dovecot.rejected_logins() == 0


@pytest.mark.parametrize("protocol", PROBES)
async def test_every_mechanism_logs_in(start_dovecot: StartDovecot, protocol: str) -> None:
    server = await start_dovecot(DovecotOptions(auth_mechanisms=EVERYTHING))
    for auth in ("auto", *EVERYTHING):
        for security in ("tls", "none"):
            outcome = await check(server, protocol, security, auth=auth)
            assert outcome.kind is OutcomeKind.OK, (auth, outcome)
            revealed = any(w.code is WarningCode.PLAINTEXT_PASSWORD for w in outcome.warnings)
            assert revealed == (security == "none" and auth in ("plain", "login"))


@pytest.mark.parametrize("protocol", PROBES)
async def test_odd_passwords_arrive_byte_for_byte(start_dovecot: StartDovecot, protocol: str) -> None:
    accounts = {f"user{number}": password for number, password in enumerate(ODD_PASSWORDS)}
    server = await start_dovecot(DovecotOptions(auth_mechanisms=EVERYTHING, accounts=accounts, messages=0))
    for user, password in accounts.items():
        for auth in EVERYTHING:
            outcome = await check(server, protocol, "tls", user=user, password=password, auth=auth)
            assert outcome.kind is OutcomeKind.OK, (password, auth, outcome)


@pytest.mark.parametrize("protocol", PROBES)
async def test_no_password_goes_where_the_server_wants_tls_first(start_dovecot: StartDovecot, protocol: str) -> None:
    server = await start_dovecot(DovecotOptions(disable_plaintext_auth=True))
    outcome = await check(server, protocol, "none")
    assert (outcome.kind, outcome.login) == (OutcomeKind.AUTH_UNSUPPORTED, LoginOutcome.NOT_SENT)
    assert "starttls" in (outcome.hint or "")


@pytest.mark.parametrize("protocol", PROBES)
async def test_starttls_missing_on_a_server_without_tls(start_dovecot: StartDovecot, protocol: str) -> None:
    server = await start_dovecot(DovecotOptions(ssl="no"))
    outcome = await check(server, protocol, "starttls")
    assert (outcome.kind, outcome.login) == (OutcomeKind.STARTTLS_MISSING, LoginOutcome.NOT_SENT)


@pytest.mark.parametrize("protocol", PROBES)
async def test_tls_to_the_plain_port_and_plain_to_the_tls_port(dovecot: DovecotServer, protocol: str) -> None:
    ports = {"imap": (dovecot.imap_port, dovecot.imaps_port), "pop3": (dovecot.pop3_port, dovecot.pop3s_port)}
    plain, tls = ports[protocol]
    outcome = await check(dovecot, protocol, "tls", port=plain, timeout_ms=2000)
    assert outcome.kind is OutcomeKind.TLS_PROTOCOL
    outcome = await check(dovecot, protocol, "none", port=tls, timeout_ms=2000)
    assert outcome.kind is OutcomeKind.GREETING_TIMEOUT
    assert "tls" in (outcome.hint or "")


async def test_a_mailbox_that_is_not_there(dovecot: DovecotServer) -> None:
    outcome = await check(dovecot, "imap", "tls", mailbox="Entwürfe & Co")
    assert (outcome.kind, outcome.login) == (OutcomeKind.MAILBOX_MISSING, LoginOutcome.ACCEPTED)


@pytest.mark.parametrize("protocol", PROBES)
async def test_a_certificate_from_an_unknown_authority_is_shown_and_never_logged_in_to(
    dovecot: DovecotServer, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = ProbeEnvironment.create
    monkeypatch.setattr(ProbeEnvironment, "create", lambda **options: create(**{**options, "ca_file": None}))
    for security in ("tls", "starttls"):
        outcome = await check(dovecot, protocol, security)
        assert (outcome.kind, outcome.phase) == (OutcomeKind.TLS_UNTRUSTED, Phase.TLS)
        assert outcome.certificate is not None
        assert not outcome.certificate.verified
        assert outcome.certificate.days_left > 0
    unverified = await check(dovecot, protocol, "tls", verify_certificate=False)
    assert unverified.kind is OutcomeKind.OK
    assert "not verified" in unverified.message
    assert WarningCode.UNVERIFIED in {warning.code for warning in unverified.warnings}
    assert dovecot.accepted_logins() == 1


async def test_too_many_connections_of_one_user(start_dovecot: StartDovecot) -> None:
    server = await start_dovecot(DovecotOptions(mail_max_userip_connections=1))
    reader, writer = await asyncio.open_connection(server.host, server.imap_port)
    await reader.readline()
    writer.write(b'a LOGIN anna "right password"\r\n')
    assert b"OK" in await reader.readline()
    outcome = await check(server, "imap", "tls")
    assert outcome.kind in (OutcomeKind.RATE_LIMITED, OutcomeKind.AUTH_TEMPORARY), outcome
    writer.close()
    await writer.wait_closed()
