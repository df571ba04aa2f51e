import base64
import hashlib

import pytest

from shared.checks.vocabulary import AuthMethod, OutcomeKind
from shared.probing.sasl import (
    Credentials,
    Exchange,
    Mechanism,
    choose_mechanism,
    cram_md5,
    login,
    plain,
    unsupported_variant,
)
from shared.probing.scram import scram_sha_256
from shared.probing.steps import CheckFailed, Compute

USER = Credentials(user=b"user", password=b"pencil")


def choose(
    auth: str, offered: set[str], *, native: bool = True, authzid: bool = False, short: bool = True
) -> Mechanism | None:
    return choose_mechanism(
        AuthMethod(auth),
        offered=frozenset(offered),
        native_allowed=native,
        with_authorization_id=authzid,
        short_plain=short,
    )


@pytest.mark.parametrize(
    ("auth", "offered", "options", "chosen"),
    [
        ("auto", {"PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"}, {}, "SCRAM-SHA-256"),
        ("auto", {"PLAIN", "CRAM-MD5"}, {}, "CRAM-MD5"),
        ("auto", {"PLAIN"}, {}, "PLAIN"),
        ("auto", {"PLAIN"}, {"short": False}, "native"),
        ("auto", {"PLAIN"}, {"short": False, "native": False}, "PLAIN"),
        ("auto", {"LOGIN"}, {"native": False}, "LOGIN"),
        ("auto", {"GSSAPI"}, {"native": False}, None),
        ("auto", {"CRAM-MD5", "PLAIN"}, {"authzid": True}, "PLAIN"),
        ("auto", set(), {"authzid": True}, None),
        ("plain", {"LOGIN"}, {}, None),
        ("login", set(), {}, "native"),
        ("login", {"LOGIN"}, {"native": False}, "LOGIN"),
        ("cram-md5", {"PLAIN"}, {}, None),
        ("none", {"PLAIN"}, {}, None),
    ],
)
def test_the_strongest_that_is_wished_and_offered(
    auth: str, offered: set[str], options: dict[str, bool], chosen: str | None
) -> None:
    assert choose(auth, offered, **options) == chosen


def test_plain_carries_bytes_as_they_are() -> None:
    password = b'p"\\{3} \xff%'
    assert next(plain(Credentials(b"u", password, b"boss"))) == b"boss\0u\0" + password


def test_login_says_user_then_password() -> None:
    exchange = login(USER)
    assert [next(exchange), exchange.send(b"Username:"), exchange.send(b"Password:")] == [None, b"user", b"pencil"]


def test_cram_md5_answers_the_example_of_rfc_2195() -> None:
    exchange = cram_md5(Credentials(b"tim", b"tanstaaftanstaaf"))
    next(exchange)
    answer = exchange.send(b"<1896.697170952@postoffice.reston.mci.net>")
    assert answer == b"tim b913a602c7eda7a495b4e6e7334d3890"


def scram_first(exchange: Exchange) -> bytes:
    first = next(exchange)
    assert isinstance(first, bytes)
    return first


def answer(exchange: Exchange, challenge: bytes) -> bytes:
    step = exchange.send(challenge)
    while isinstance(step, Compute):
        step = exchange.send(step.work())
    assert isinstance(step, bytes)
    return step


SERVER_FIRST = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
SERVER_FINAL = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def test_scram_plays_the_example_of_rfc_7677() -> None:
    exchange = scram_sha_256(USER, nonce=b"rOprNGfwEbeRWgbNEkqO")
    assert scram_first(exchange) == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    final = answer(exchange, SERVER_FIRST)
    assert final.endswith(b",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    assert answer(exchange, SERVER_FINAL) == b""
    with pytest.raises(StopIteration):
        exchange.send(b"")


@pytest.mark.parametrize(
    ("server_first", "kind"),
    [
        (SERVER_FIRST.replace(b"i=4096", b"i=2147483648"), OutcomeKind.AUTH_UNSUPPORTED),
        (SERVER_FIRST.replace(b"i=4096", b"i=" + b"9" * 5000), OutcomeKind.PROTOCOL_ERROR),
        (SERVER_FIRST.replace(b"i=4096", b"i=0"), OutcomeKind.PROTOCOL_ERROR),
        (SERVER_FIRST.replace(b"i=4096", b"i=-1"), OutcomeKind.PROTOCOL_ERROR),
        (SERVER_FIRST.replace(b"r=rOpr", b"r=XXXX"), OutcomeKind.PROTOCOL_ERROR),
        (SERVER_FIRST.replace(b"s=W22", b"s=!!!"), OutcomeKind.PROTOCOL_ERROR),
        (b"", OutcomeKind.PROTOCOL_ERROR),
        (b"m=ext," + SERVER_FIRST, OutcomeKind.PROTOCOL_ERROR),
    ],
)
def test_scram_refuses_before_any_work(server_first: bytes, kind: OutcomeKind) -> None:
    exchange = scram_sha_256(USER, nonce=b"rOprNGfwEbeRWgbNEkqO")
    scram_first(exchange)
    with pytest.raises(CheckFailed) as failed:
        exchange.send(server_first)
    assert failed.value.kind is kind


@pytest.mark.parametrize("final", [b"v=AAAA", b"", b"x=y"])
def test_scram_demands_the_servers_proof(final: bytes) -> None:
    exchange = scram_sha_256(USER, nonce=b"rOprNGfwEbeRWgbNEkqO")
    scram_first(exchange)
    answer(exchange, SERVER_FIRST)
    with pytest.raises(CheckFailed) as failed:
        exchange.send(final)
    assert failed.value.variant == "signature"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (b"e=invalid-proof", OutcomeKind.AUTH_REJECTED),
        (b"e=other-error", OutcomeKind.AUTH_REJECTED),
        (b"e=no-resources", OutcomeKind.AUTH_TEMPORARY),
    ],
)
def test_scram_hears_why_the_server_says_no(said: bytes, kind: OutcomeKind) -> None:
    exchange = scram_sha_256(USER, nonce=b"rOprNGfwEbeRWgbNEkqO")
    scram_first(exchange)
    answer(exchange, SERVER_FIRST)
    with pytest.raises(CheckFailed) as failed:
        exchange.send(said)
    assert failed.value.kind is kind


def test_scram_escapes_names_and_prepares_the_password() -> None:
    exchange = scram_sha_256(Credentials(b"a=b,c", "I\u00adX\u00a0".encode(), b"bo,ss"), nonce=b"n")
    assert scram_first(exchange) == b"n,a=bo=2Css,n=a=3Db=2Cc,r=n"
    step = exchange.send(b"r=nn,s=" + base64.b64encode(b"salt") + b",i=1")
    assert isinstance(step, Compute)
    assert step.work() == hashlib.pbkdf2_hmac("sha256", b"IX ", b"salt", 1)


@pytest.mark.parametrize(
    ("offered", "native_allowed", "protected", "variant"),
    [
        ({"XOAUTH2", "OAUTHBEARER"}, False, True, "oauth"),
        ({"XOAUTH2"}, False, False, "tls_first"),
        ({"XOAUTH2"}, True, True, None),
        ({"XOAUTH2", "PLAIN"}, False, True, None),
        ({"GSSAPI"}, False, True, None),
    ],
)
def test_why_no_login_fits_is_said_where_it_is_known(
    offered: set[str], native_allowed: bool, protected: bool, variant: str | None
) -> None:
    found = unsupported_variant(frozenset(offered), native_allowed=native_allowed, protected=protected)
    assert found == variant
