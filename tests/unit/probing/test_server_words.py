import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.probing.server_words import MASK, Redactor, escaped
from shared.probing.transcript import SERVER, Transcript


@given(st.binary(max_size=2000))
def test_words_are_bounded_and_show_no_control_character(raw: bytes) -> None:
    text = escaped(raw)
    assert len(text.encode()) <= 512
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or ord(c) in (0x202E, 0x2028) for c in text)


def test_what_is_no_utf8_is_shown_escaped_and_markup_stays_text() -> None:
    assert escaped(b"r\xe9ady <b>\x1b[31m\x00") == "r\\xe9ady <b>\\x1b[31m\\x00"


@pytest.mark.parametrize("lead", [b"", b"\0ada\0", b"xy\0ada\0", b"y\0ada\0"])
def test_a_password_is_found_inside_base64_at_any_alignment(lead: bytes) -> None:
    blob = base64.b64encode(lead + b"correct horse battery" + b"\0tail")
    cleaned = Redactor([b"correct horse battery"])(b"you sent " + blob)
    assert b"Y29ycmVjd" not in cleaned
    assert base64.b64encode(b"horse batt")[:-4] not in cleaned
    assert MASK in cleaned


@pytest.mark.parametrize("spelling", [rb"pa\\ss\"word", rb'pa\ss"word', b"pa%5Css%22word", b"70615c7373"])
def test_other_spellings_are_found_too(spelling: bytes) -> None:
    assert MASK in Redactor([b'pa\\ss"word'])(b"x " + spelling + b"22776f7264 y")


@pytest.mark.parametrize(
    "spelling", [b"a-b%2Fc%26d+e%3D", b"a-b/c%26d%20e%3D", b"a%2Db%2Fc%26d%20e%3D", b"a-b/c&amp;d e="]
)
def test_what_urls_and_markup_make_of_it_is_found(spelling: bytes) -> None:
    assert Redactor([b"a-b/c&d e="])(b"x " + spelling + b" y") == b"x " + MASK + b" y"


def test_a_password_of_one_letter_leaves_words_alone() -> None:
    assert Redactor([b"a"])(b"bad a or 'a'?") == b"bad " + MASK + b" or '" + MASK + b"'?"


def test_no_password_changes_nothing() -> None:
    assert Redactor([])(b"words") == b"words"
    assert Redactor([b""])(b"words") == b"words"


def test_a_long_transcript_keeps_its_beginning_and_its_end() -> None:
    transcript = Transcript()
    for number in range(3000):
        transcript.keep((number / 1000, SERVER, b"line %d " % number + b"x" * 100))
    text = transcript.render(Redactor([b"xxxx"]), began_at=0.0)
    assert len(text.encode()) <= 8192
    assert "line 0 " in text
    assert "line 2999 " in text
    assert "left out" in text
    assert "xxxx" not in text
