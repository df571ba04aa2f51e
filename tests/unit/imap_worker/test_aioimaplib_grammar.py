import logging
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.imap_worker.aioimaplib_grammar import ALLOWED_VERBS, ImapGrammar, Reply
from services.imap_worker.commands import mailbox_name, quoted
from shared.checks.vocabulary import OutcomeKind
from shared.probing.limits import Limits
from shared.probing.steps import CheckFailed


def grammar(verb: str = "EXAMINE") -> ImapGrammar:
    made = ImapGrammar(Limits())
    made.encode(verb)
    return made


def feed(made: ImapGrammar, *lines: bytes) -> Reply | int | None:
    taken: Reply | int | None = None
    for line in lines:
        taken = made.feed_line(line.replace(b"{tag}", made.tag.encode()))
    return taken


def test_only_verbs_that_change_nothing_can_be_said() -> None:
    made = ImapGrammar(Limits())
    for verb in ("SELECT", "STORE", "EXPUNGE", "CLOSE", "FETCH", "UID", "DELETE", "APPEND", "login"):
        with pytest.raises(ValueError, match=verb):
            made.encode(verb)
    assert not ALLOWED_VERBS & {"SELECT", "STORE", "EXPUNGE", "CLOSE", "FETCH"}


@pytest.mark.parametrize("bad", ["a\r\nb LOGOUT", "a\nb", "a\0"])
def test_an_argument_cannot_smuggle_a_command(bad: str) -> None:
    with pytest.raises(ValueError, match="NUL"):
        ImapGrammar(Limits()).encode("LOGIN", bad)


def test_each_command_has_a_tag_of_its_own() -> None:
    made = ImapGrammar(Limits())
    lines = {made.encode("CAPABILITY") for _ in range(3)}
    assert len(lines) == 3
    assert all(line.endswith(b" CAPABILITY\r\n") for line in lines)


def test_a_reply_carries_its_status_text_and_data() -> None:
    taken = feed(grammar(), b"* 3 EXISTS", b"* FLAGS ()", b"{tag} ok [READ-ONLY] done")
    assert taken == Reply("OK", b"[READ-ONLY] done", (b"3 EXISTS", b"FLAGS ()"))


def test_a_literal_is_announced_taken_and_followed_by_the_rest_of_its_line() -> None:
    made = grammar()
    assert feed(made, b"* LIST () NIL {7}") == 7
    made.feed_literal(b"A1 OK\r\n")
    assert feed(made, b"{tag} OK not the end") is None
    taken = feed(made, b"{tag} OK done")
    assert isinstance(taken, Reply)
    assert taken.text == b"done"


def test_data_keeps_what_looks_like_the_beginning_of_a_line() -> None:
    taken = feed(grammar(), b'* LIST () "/" "a * b"', b"{tag} OK done")
    assert taken == Reply("OK", b"done", (b'LIST () "/" "a * b"',))


def test_a_reply_belongs_to_its_own_command() -> None:
    made = grammar("CAPABILITY")
    assert feed(made, b"* CAPABILITY IMAP4rev1", b"{tag} OK") == made.taken
    made.encode("LOGOUT")
    assert made.taken is None
    assert feed(made, b"* bye later", b"{tag} OK") == Reply("OK", b"", (b"bye later",))


def test_a_servers_goodbye_is_remembered() -> None:
    made = grammar()
    assert made.bye is None
    feed(made, b"* 3 EXISTS", b"* Bye [UNAVAILABLE] shutting down")
    assert made.bye == b"[UNAVAILABLE] shutting down"


def test_a_complaint_is_about_the_command_under_way() -> None:
    made = grammar()
    feed(made, b"* NO [ALERT] nearly full", b"* bad internal server error", b"* 3 EXISTS")
    assert made.complaint == b"internal server error"
    made.encode("LOGOUT")
    assert made.complaint is None


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b"* X {4294967295}", OutcomeKind.RESPONSE_TOO_LARGE),
        (b"* X {65537}", OutcomeKind.RESPONSE_TOO_LARGE),
        (b"* X {-1}", OutcomeKind.PROTOCOL_ERROR),
        (b"* X {3+}", OutcomeKind.PROTOCOL_ERROR),
        (b"* X {" + b"9" * 5000 + b"}", OutcomeKind.PROTOCOL_ERROR),
        (b"WRONG1 OK done", OutcomeKind.PROTOCOL_ERROR),
        (b"{tag} FINE done", OutcomeKind.PROTOCOL_ERROR),
        (b"hello", OutcomeKind.PROTOCOL_ERROR),
        (b"", OutcomeKind.PROTOCOL_ERROR),
        (b"*", OutcomeKind.PROTOCOL_ERROR),
        (b"+ go on", OutcomeKind.PROTOCOL_ERROR),
    ],
)
def test_what_breaks_the_grammar_is_refused_at_once(line: bytes, kind: OutcomeKind) -> None:
    with pytest.raises(CheckFailed) as failed:
        feed(grammar(), line)
    assert failed.value.kind is kind


def test_lines_that_came_together_are_taken_up_to_the_end_of_the_reply() -> None:
    made = grammar()
    tag = made.tag.encode()
    coming = [b"* later", tag + b" OK done", b"* FLAGS ()", b"* 3 EXISTS"]
    assert made.take(coming) == Reply("OK", b"done", (b"3 EXISTS", b"FLAGS ()"))
    assert coming == [b"* later"]


def test_an_empty_literal_is_an_item_too() -> None:
    made = grammar()
    assert made.take([b"* X {0}"]) == 0
    made.feed_literal(b"")
    assert made.take([made.tag.encode() + b" OK done", b" and the rest"]) == Reply(
        "OK", b"done", (b"X {0}", b"", b" and the rest")
    )


SOUP = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from(
            [b"* 1 EXISTS", b"* X {3}", b"{tag} OK", b"* OK [", b"* ", b"+ ", b"* BYE", b"A1 OK", b"* {0}"]
        ),
    ),
    max_size=12,
)


@given(SOUP)
def test_lines_taken_together_are_what_they_are_one_by_one(lines: list[bytes]) -> None:
    def taken(step: int) -> list[object]:
        random.seed(1)  # one tag for all of them, for what a server says may hold it
        made, seen = grammar(), list[object]()
        left = [line.replace(b"{tag}", made.tag.encode()) for line in lines][::-1]
        try:
            while left:
                some = [left.pop() for _ in range(min(step, len(left)))][::-1]
                found = made.take(some)
                left += some
                seen.append(found)
                if isinstance(found, int):
                    made.feed_literal(b"x" * found)
                elif found is not None:
                    break
        except CheckFailed as failure:
            seen.append((failure.kind, failure.words))
        return [each for each in seen if each is not None]

    assert taken(1) == taken(3) == taken(len(lines) + 1)


@given(SOUP)
def test_nothing_but_the_verdict_is_ever_raised(lines: list[bytes]) -> None:
    made = grammar()
    try:
        for line in lines:
            taken = feed(made, line)
            if isinstance(taken, Reply):
                return
            if isinstance(taken, int):
                made.feed_literal(b"x" * taken)
    except CheckFailed:
        pass


def test_it_logs_nothing_even_where_debugging_is_on(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        made = ImapGrammar(Limits())
        made.encode("LOGIN", '"anna"', '"geheim"')
        feed(made, b"* OK hm", b"{tag} NO geheim")
    assert caplog.records == []


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"simple", b'"simple"'),
        (b'a"b\\c', b'"a\\"b\\\\c"'),
        (b"x{3}", b'"x{3}"'),
        (b"", b'""'),
        (b"100% ", b'"100% "'),
    ],
)
def test_quoting(raw: bytes, text: bytes) -> None:
    assert quoted(raw) == text


@pytest.mark.parametrize("raw", [b"\xff", "ü".encode(), b"a\r\nb", b"\0"])
def test_what_quotes_cannot_carry(raw: bytes) -> None:
    assert quoted(raw) is None


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("inbox", "INBOX"),
        ("Sent", "Sent"),
        ("R&D", "R&-D"),
        ("Entwürfe", "Entw&APw-rfe"),
        ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
    ],
)
def test_mailbox_names_are_modified_utf7(name: str, wire: str) -> None:
    assert mailbox_name(name) == wire
