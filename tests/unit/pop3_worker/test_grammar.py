import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pop3_worker.commands import ALLOWED_VERBS, encode
from services.pop3_worker.grammar import (
    Capabilities,
    Listing,
    Status,
    is_challenge,
    read_capabilities,
    read_stat,
    read_status,
)
from shared.checks.vocabulary import OutcomeKind
from shared.probing.steps import CheckFailed


def test_only_verbs_that_change_nothing_can_be_said() -> None:
    for verb in ("DELE", "RETR", "APOP", "RSET", "TOP", "LIST", "UIDL", "quit"):
        with pytest.raises(ValueError, match=verb):
            encode(verb)
    assert not ALLOWED_VERBS & {"DELE", "RETR", "APOP"}


def test_arguments_are_sent_as_they_are() -> None:
    assert encode("PASS", b' p"\\ {3} \xff% ') == b'PASS  p"\\ {3} \xff% \r\n'


@pytest.mark.parametrize("bad", [b"a\r\nDELE 1", b"a\n", b"a\0"])
def test_an_argument_cannot_smuggle_a_command(bad: bytes) -> None:
    with pytest.raises(ValueError, match="PASS"):
        encode("PASS", bad)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"+OK", Status(ok=True, text=b"")),
        (b"+OK done", Status(ok=True, text=b"done")),
        (b"+ok done", Status(ok=True, text=b"done")),
        (b"+OK<1@x>", Status(ok=True, text=b"<1@x>")),
        (b"-ERR [AUTH] no", Status(ok=False, text=b"[AUTH] no")),
    ],
)
def test_status_lines(line: bytes, status: Status) -> None:
    assert read_status(line) == status


@pytest.mark.parametrize("line", [b"", b"OK", b"+OKAY", b"+ b64", b"* OK", b"ERR"])
def test_other_lines_are_no_status(line: bytes) -> None:
    with pytest.raises(CheckFailed) as failed:
        read_status(line)
    assert failed.value.kind is OutcomeKind.PROTOCOL_ERROR


def test_challenges_are_told_from_answers() -> None:
    assert [is_challenge(line) for line in (b"+", b"+ aGk=", b"+OK", b"+ok", b"-ERR")] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_capabilities() -> None:
    lines = [b"TOP", b"sasl PLAIN cram-md5", b"STLS", b"", b"IMPLEMENTATION \xff"]
    expected = Capabilities(known=True, stls=True, user=False, mechanisms=frozenset({"PLAIN", "CRAM-MD5"}))
    assert read_capabilities(lines) == expected


@pytest.mark.parametrize(
    ("lines", "user"),
    [
        ([b"UIDL"], True),
        ([], True),
        ([b"USER", b"STLS", b"SASL PLAIN"], True),
        ([b"UIDL", b"SASL GSSAPI"], False),
        ([b"UIDL", b"SASL"], False),
        ([b"UIDL", b"STLS"], False),
    ],
)
def test_user_and_pass_are_forbidden_by_a_list_that_names_another_way_only(lines: list[bytes], user: bool) -> None:
    assert read_capabilities(lines).user is user


LISTED = [b"+OK here it comes", b"..x", b"x", b"..", b"."]


def test_a_listing_ends_with_a_dot_and_a_stuffed_dot_is_taken_away() -> None:
    listing = Listing()
    done = Status(ok=True, text=b"here it comes")
    assert [listing.take([line]) for line in LISTED] == [None, None, None, None, done]
    assert listing.lines == [b".x", b"x", b"."]


@given(st.integers(0, len(LISTED)))
def test_a_listing_takes_what_is_there_and_no_more(cut: int) -> None:
    listing = Listing()
    first, rest = LISTED[:cut][::-1], [*LISTED[cut:], b"+OK the next reply"][::-1]
    if cut < len(LISTED):
        assert listing.take(first) is None
        assert not first
        assert listing.take(rest) is not None
    else:
        assert listing.take(first) is not None
    assert rest == [b"+OK the next reply"]
    assert listing.lines == [b".x", b"x", b"."]


def test_a_listing_refused_has_no_lines() -> None:
    coming = [b"+OK the next reply", b"-ERR not here"]
    assert Listing().take(coming) == Status(ok=False, text=b"not here")
    assert coming == [b"+OK the next reply"]


def test_stat_counts() -> None:
    assert read_stat(b"3 1024") == 3
    assert read_stat(b"0 0 octets") == 0
    assert read_stat(b" 3  1024 ") == 3


@given(st.one_of(st.binary(max_size=60), st.sampled_from([b"-1 2", b"1", b"1 -2", b"9" * 500, b"1  2", b"1 2x", b""])))
def test_stat_raises_nothing_but_the_verdict(text: bytes) -> None:
    with contextlib.suppress(CheckFailed):
        assert 0 <= read_stat(text) < 10**10


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_any_lines_are_some_capabilities(lines: list[bytes]) -> None:
    assert read_capabilities(lines).known
