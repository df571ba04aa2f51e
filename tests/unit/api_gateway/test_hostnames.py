"""Host names: one spelling each, and nothing a resolver could read in a second way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api_gateway.hostnames import NotAHostname, canonical_hostname


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("mail.example.com", "mail.example.com"),
        ("MAIL.Example.COM", "mail.example.com"),
        ("mail.example.com.", "mail.example.com"),
        ("localhost", "localhost"),
        ("dovecot", "dovecot"),
        ("a-b.1c.example", "a-b.1c.example"),
        ("r3---sn.example.com", "r3---sn.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("faß.example", "xn--fa-hia.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("почта.рф", "xn--80a1acny.xn--p1ai"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("::ffff:127.0.0.1", "::ffff:7f00:1"),
    ],
)
def test_a_name_is_kept_in_its_one_spelling(sent: str, kept: str) -> None:
    assert canonical_hostname(sent) == kept


@pytest.mark.parametrize(
    "trick",
    [
        "127.0.0.1\0.example.com",
        "mail.example.com\0",
        "ⓛocalhost",
        "①②⑦.0.0.1",
        "127。0。0。1",
        "127.0.0.1.",
        "0x7f.1",
        "0x7f000001",
        "0X7F.0.0.1",
        "2130706433",
        "127.1",
        "0177.0.0.1",
        "1.2.3.4.5",
        "256.1.1.1",
        "example.0x",
        "example.123",
        "ｍail.example.com",
        "MA\u212a.example.com",
        "https://mail.example.com",
        "mail.example.com/imap",
        "mail.example.com:993",
        "user@mail.example.com",
        "[::1]",
        "fe80::1%eth0",
        "a b",
        " mail.example.com",
        "mail.example.com\n",
        "mail..example.com",
        ".example.com",
        "",
        ".",
        "-a.example",
        "a-.example",
        "under_score.example",
        "*.example.com",
        "xn--.example",
        "xn--a.example",
        "a" * 64 + ".example",
        ".".join(["a" * 60] * 5),
        "ü" * 60 + ".example",
        "\u202elocalhost",
        "local\u200bhost",
        "x" * 100_000,
    ],
)
def test_whatever_could_be_read_in_two_ways_is_refused(trick: str) -> None:
    with pytest.raises(NotAHostname):
        canonical_hostname(trick)


@given(st.text(max_size=300) | st.text(alphabet="0123456789abcdefx.:-", max_size=40))
def test_any_text_is_kept_in_a_form_that_stays_or_refused(text: str) -> None:
    try:
        kept = canonical_hostname(text)
    except NotAHostname:
        return
    assert kept.isascii()
    assert kept == kept.lower()
    assert canonical_hostname(kept) == kept
