"""Certificates nobody should issue, and some that are merely unusual: what a check says of them."""

import ssl
from pathlib import Path

import pytest
from cryptography import x509

from services.imap_worker.probe import imap_probe
from shared.checks.outcome import Outcome
from shared.checks.target import CheckTarget
from shared.checks.vocabulary import OutcomeKind
from shared.probing.address_policy import LOOPBACK_NETWORKS
from shared.probing.probe import ProbeEnvironment, ProbeRequest
from tests.support.mail_servers import serving, sound_imap
from tests.support.odd_certificates import Issued

NAME = x509.SubjectAlternativeName([x509.DNSName("localhost")])
CLIENTS_ONLY = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CLIENT_AUTH])
ROOT = Issued.make("root", authority=True)
STRANGER = Issued.make("stranger", authority=True)
PAST, FUTURE = (-30, -3), (3, 30)


def leaf(by: Issued | None = ROOT, *more: x509.ExtensionType, name: x509.ExtensionType = NAME) -> Issued:
    return Issued.make("localhost", by=by, extensions=[name, *more])


async def outcome_of(folder: Path, shown: Issued, *others: Issued, trusted: Issued = ROOT) -> Outcome:
    ca_file = folder / "ca.pem"
    ca_file.write_bytes(trusted.pem)
    environment = ProbeEnvironment.create(allowed_private_networks=LOOPBACK_NETWORKS, ca_file=str(ca_file))
    async with serving(sound_imap(), tls=shown.server_context(folder, *others)) as listener:
        target = CheckTarget(
            protocol="imap", hostname="localhost", port=listener.port, security="tls", timeout_ms=30_000
        )
        outcome = await imap_probe(ProbeRequest(target), environment)
    await environment.close()
    return outcome


@pytest.mark.parametrize(
    ("days", "kind", "words"),
    [
        (PAST, OutcomeKind.TLS_EXPIRED, "but one it rests on has expired"),
        (FUTURE, OutcomeKind.TLS_NOT_YET_VALID, "but one it rests on is not valid yet"),
    ],
)
async def test_an_authority_out_of_date_is_told_from_a_certificate_out_of_date(
    tmp_path: Path, days: tuple[int, int], kind: OutcomeKind, words: str
) -> None:
    between = Issued.make("between", by=ROOT, authority=True, days=days)
    outcome = await outcome_of(tmp_path, leaf(between), between)
    assert outcome.kind is kind
    assert words in outcome.message
    own = await outcome_of(tmp_path, Issued.make("localhost", by=ROOT, days=days, extensions=[NAME]))
    assert own.kind is kind
    assert "rests on" not in own.message
    # Three days and a moment ago.
    assert kind is not OutcomeKind.TLS_EXPIRED or own.message.endswith(" has expired, 3 days ago.")


async def test_why_a_certificate_is_not_trusted_is_said(tmp_path: Path) -> None:
    no_authority = Issued.make("no authority", by=ROOT)
    for shown, others, hint in (
        (leaf(None), (), "turn verification off"),
        (leaf(STRANGER), (STRANGER,), "Trust that authority"),
        (leaf(STRANGER), (), "send its intermediate certificates"),
        (leaf(ROOT, CLIENTS_ONLY), (), "serverAuth"),
        (leaf(no_authority), (no_authority,), "names the rule"),
    ):
        outcome = await outcome_of(tmp_path, shown, *others)
        assert outcome.kind is OutcomeKind.TLS_UNTRUSTED
        assert hint in (outcome.hint or "")
        assert outcome.certificate is not None


async def test_an_intermediate_certificate_can_be_trusted_by_itself(tmp_path: Path) -> None:
    between = Issued.make("between", by=STRANGER, authority=True)
    assert (await outcome_of(tmp_path, leaf(between), trusted=between)).kind is OutcomeKind.OK


async def test_forms_no_mail_program_minds_are_refused_under_no_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # From 3.13 on this is the default, and would refuse these certificates for having no key identifiers.
    lenient = ssl.create_default_context

    def strict() -> ssl.SSLContext:
        context = lenient()
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", strict)
    assert (await outcome_of(tmp_path, leaf())).kind is OutcomeKind.OK


@pytest.mark.parametrize("odd", [b"\xa3\x02\x30\x00", b"\xa5\x04\xa1\x02\x0c\x00"], ids=["x400Address", "ediPartyName"])
async def test_a_name_of_a_kind_we_cannot_read_does_no_harm(tmp_path: Path, odd: bytes) -> None:
    names = odd + b"\x82\x09localhost"
    raw = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, b"\x30" + bytes([len(names)]) + names)
    outcome = await outcome_of(tmp_path, leaf(name=raw))
    assert outcome.kind is OutcomeKind.OK
    assert outcome.certificate is not None
    assert outcome.certificate.subject_alternative_names == ()
