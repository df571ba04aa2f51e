"""The table of providers: sound in itself, and found by domain and by who takes the mail."""

import pytest

from services.api_gateway.discovery.addresses import mail_address
from services.api_gateway.discovery.provider_table import PROVIDERS
from services.api_gateway.discovery.providers import provider_of_domain, provider_of_mx
from services.api_gateway.hostnames import canonical_hostname
from shared.checks.vocabulary import MailProtocol, Security


def test_no_domain_belongs_to_two_providers() -> None:
    domains = [domain for known in PROVIDERS for domain in known.domains]
    assert len(domains) == len(set(domains))
    exchanges = [suffix for known in PROVIDERS for suffix in known.exchanges]
    assert len(exchanges) == len(set(exchanges))


def test_every_server_is_one_and_encrypted_and_on_its_usual_port() -> None:
    for known in PROVIDERS:
        for server in (*known.servers, *known.for_own_domains, *(s for some in known.regional.values() for s in some)):
            assert canonical_hostname(server.hostname) == server.hostname
            assert server.security is not Security.NONE
            usual = {MailProtocol.IMAP: 993, MailProtocol.POP3: 995}[server.protocol]
            assert server.port == usual or server.warning, server
        assert known.servers or known.advice
        assert known.help_url is None or known.help_url.startswith("https://")


@pytest.mark.parametrize(
    ("address", "name", "host", "user"),
    [
        ("anna@gmail.com", "Gmail", "imap.gmail.com", "anna@gmail.com"),
        ("anna@GoogleMail.com", "Gmail", "imap.gmail.com", "anna@GoogleMail.com"),
        ("anna@icloud.com", "iCloud", "imap.mail.me.com", "anna"),
        ("anna@gmx.com", "GMX", "imap.gmx.com", "anna@gmx.com"),
        ("anna@gmx.de", "GMX", "imap.gmx.net", "anna@gmx.de"),
        ("anna@t-online.de", "t-online", "secureimap.t-online.de", "anna@t-online.de"),
        ("anna@posteo.de", "Posteo", "posteo.de", "anna@posteo.de"),
        ("anna@zoho.eu", "Zoho Mail", "imap.zoho.eu", "anna@zoho.eu"),
    ],
)
def test_a_provider_is_known_by_its_domain(address: str, name: str, host: str, user: str) -> None:
    found = provider_of_domain(mail_address(address))
    assert found is not None
    assert (found.provider.name, found.candidates[0].hostname, found.candidates[0].user) == (name, host, user)


@pytest.mark.parametrize(
    ("exchange", "name", "host"),
    [
        ("aspmx.l.google.com", "Gmail", "imap.gmail.com"),
        ("example-com.mail.protection.outlook.com", "Microsoft 365", "outlook.office365.com"),
        ("mx00.kundenserver.de", "IONOS", "imap.ionos.de"),
        ("smtpin.rzone.de", "STRATO", "imap.strato.de"),
        ("mx1.mail.ovh.net", "OVHcloud", "ssl0.ovh.net"),
        ("mx.zoho.eu", "Zoho Mail", "imappro.zoho.eu"),
    ],
)
def test_a_provider_is_known_by_who_takes_the_mail(exchange: str, name: str, host: str) -> None:
    found = provider_of_mx(mail_address("anna@example.com"), ["mx.unknown.example", exchange])
    assert found is not None
    assert (found.provider.name, found.candidates[0].hostname) == (name, host)
    assert {candidate.user for candidate in found.candidates} == {"anna@example.com"}


def test_a_name_that_only_ends_alike_is_no_provider() -> None:
    assert provider_of_mx(mail_address("anna@example.com"), ["notgoogle.com", "google.com.evil.example"]) is None
    assert provider_of_domain(mail_address("anna@mail.gmail.com")) is None


def test_whoever_lets_no_password_in_says_so() -> None:
    for address in ("anna@outlook.com", "anna@proton.me", "anna@tuta.com"):
        found = provider_of_domain(mail_address(address))
        assert found is not None
        assert found.provider.advice
