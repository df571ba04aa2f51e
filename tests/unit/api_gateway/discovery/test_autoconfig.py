"""A domain's own file of settings: what is taken of it, and what nobody should read."""

import pytest

from services.api_gateway.discovery.addresses import NotAnAddress, mail_address
from services.api_gateway.discovery.autoconfig import MOST_BYTES, IncomingServer, NotAutoconfig, read_autoconfig
from shared.checks.vocabulary import MailProtocol, Security

ANNA = mail_address("Anna@Example.com")


def server(
    *,
    kind: str = "imap",
    hostname: str = "mail.example.com",
    port: str = "993",
    security: str = "SSL",
    user: str = "%EMAILADDRESS%",
    more: str = "<authentication>password-cleartext</authentication>",
) -> str:
    return (
        f'<incomingServer type="{kind}"><hostname>{hostname}</hostname><port>{port}</port>'
        f"<socketType>{security}</socketType><username>{user}</username>{more}</incomingServer>"
    )


def file(*servers: str, head: str = "") -> bytes:
    return (
        f'<?xml version="1.0"?>{head}<clientConfig version="1.1"><emailProvider id="example.com">'
        f"{''.join(servers)}<outgoingServer type='smtp'><hostname>smtp.example.com</hostname></outgoingServer>"
        "</emailProvider></clientConfig>"
    ).encode()


def test_servers_are_read_in_their_order_with_whom_to_log_in_as() -> None:
    found = read_autoconfig(
        file(
            server(hostname="imap.%EMAILDOMAIN%", user="%EMAILLOCALPART%"),
            server(kind="pop3", port="110", security="STARTTLS"),
            server(port="143", security="plain"),
        ),
        ANNA,
    )
    assert found == [
        IncomingServer(MailProtocol.IMAP, "imap.example.com", 993, Security.TLS, "Anna", only_oauth=False),
        IncomingServer(MailProtocol.POP3, "mail.example.com", 110, Security.STARTTLS, "Anna@Example.com", False),
        IncomingServer(MailProtocol.IMAP, "mail.example.com", 143, Security.NONE, "Anna@Example.com", False),
    ]


def test_a_server_that_takes_no_password_is_known() -> None:
    both = "<authentication>OAuth2</authentication><authentication>password-cleartext</authentication>"
    only = "<authentication>OAuth2</authentication>"
    assert [each.only_oauth for each in read_autoconfig(file(server(more=only), server(more=both)), ANNA)] == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    "senseless",
    [
        server(kind="exchange"),
        server(hostname="https://mail.example.com/"),
        server(hostname=""),
        server(hostname="0x7f.1"),
        server(port="0"),
        server(port="99999"),
        server(port="٩٩٣"),
        server(port="-1"),
        server(security="SSLv2"),
        server(user="anna&#9;b"),
    ],
)
def test_what_makes_no_sense_is_left_out(senseless: str) -> None:
    assert [each.hostname for each in read_autoconfig(file(senseless, server()), ANNA)] == ["mail.example.com"]


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<html><body>404</body></html>",
        b"<clientConfig><emailProvider>",
        file(server(hostname="&x;"), head='<!DOCTYPE x [<!ENTITY x "mail.example.com">]>'),
        file(server(hostname="&x;"), head='<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        file(server(), head='<!DOCTYPE x SYSTEM "http://example.com/x.dtd">'),
        file(*[server()] * 21),
        b"<clientConfig>" + b"<a>" * 50 + b"</a>" * 50 + b"</clientConfig>",
        file(server()).ljust(MOST_BYTES + 1),
        b'<?xml version="1.0" encoding="nonsense"?><clientConfig/>',
    ],
)
def test_what_is_no_such_file_or_would_do_harm_is_refused(document: bytes) -> None:
    with pytest.raises(NotAutoconfig):
        read_autoconfig(document, ANNA)


def test_an_address_is_taken_apart() -> None:
    assert (ANNA.local, ANNA.domain, ANNA.typed) == ("Anna", "example.com", "Anna@Example.com")
    assert mail_address("anna@münchen.example").domain == "xn--mnchen-3ya.example"


@pytest.mark.parametrize(
    "text",
    ["anna", "@example.com", "anna@", "a b@example.com", "anna@[192.0.2.1]", "anna@192.0.2.1", "a\r\n@b.de", '"a"@b'],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(NotAnAddress):
        mail_address(text)
