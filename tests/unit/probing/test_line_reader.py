import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.checks.vocabulary import OutcomeKind
from shared.probing.limits import Limits
from shared.probing.line_reader import LineReader
from shared.probing.steps import CheckFailed

SMALL = Limits(line_bytes=40, lines_per_command=6, connection_bytes=200)
SOUP = st.lists(
    st.sampled_from([b"a", b"* OK hi", b"\r\n", b"\n", b"\r", b"\0", b"\xff", b"x" * 25, b"{3}", b" "]), max_size=20
).map(b"".join)


def read_all(data: bytes, cuts: list[int]) -> tuple[list[bytes], OutcomeKind | None]:
    """The lines of the data fed in these pieces, and how it ended."""
    reader, lines = LineReader(SMALL), []
    at = 0
    try:
        for cut in [*sorted(cuts), len(data)]:
            reader.feed(data[at:cut])
            at = max(cut, at)
            while (line := reader.next_line()) is not None:
                lines.append(line)
    except CheckFailed as failure:
        return lines, failure.kind
    return lines, None


@given(SOUP, st.data())
def test_any_split_of_the_bytes_gives_the_same_lines(data: bytes, draw: st.DataObject) -> None:
    cuts = draw.draw(st.lists(st.integers(0, len(data)), max_size=8))
    byte_by_byte = read_all(data, list(range(len(data))))
    assert read_all(data, cuts) == byte_by_byte or len(data) > SMALL.connection_bytes
    assert read_all(data, []) == byte_by_byte or len(data) > SMALL.connection_bytes


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"a\rb\n", OutcomeKind.PROTOCOL_ERROR),
        (b"a\r\r\n", OutcomeKind.PROTOCOL_ERROR),
        (b"a\0b\n", OutcomeKind.PROTOCOL_ERROR),
        (b"a\0", OutcomeKind.PROTOCOL_ERROR),
        (b"x" * 41, OutcomeKind.RESPONSE_TOO_LARGE),
        (b"a\n" * 7, OutcomeKind.RESPONSE_TOO_LARGE),
        (b"x" * 201, OutcomeKind.RESPONSE_TOO_LARGE),
    ],
)
def test_what_no_grammar_should_see_is_refused(data: bytes, kind: OutcomeKind) -> None:
    assert read_all(data, [])[1] is kind


def test_lf_alone_ends_a_line_and_one_cr_before_it_is_dropped() -> None:
    assert read_all(b"one\ntwo\r\n\n", []) == ([b"one", b"two", b""], None)


def test_a_literal_is_taken_as_it_is_whatever_it_holds() -> None:
    reader = LineReader(SMALL)
    reader.feed(b"\0\r\r\n{9}")
    assert reader.take(8) is None
    assert reader.take(5) == b"\0\r\r\n{"
    assert reader.unread == b"9}"


def test_each_command_may_be_answered_with_as_many_lines() -> None:
    reader = LineReader(SMALL)
    for _ in range(3):
        reader.begin_command()
        reader.feed(b"a\n" * 6)
        for _ in range(6):
            assert reader.next_line() == b"a"


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_lines_that_came_early_count_towards_the_command_they_are_read_for(end: bytes) -> None:
    reader = LineReader(SMALL)
    reader.feed((b"a" + end) * 5)
    assert reader.next_line() == b"a"
    reader.begin_command()
    assert [reader.next_line() for _ in range(4)] == [b"a"] * 4
    reader.feed((b"b" + end) * 3)
    assert [reader.next_line(), reader.next_line()] == [b"b", b"b"]
    with pytest.raises(CheckFailed) as failed:
        reader.next_line()
    assert failed.value.kind is OutcomeKind.RESPONSE_TOO_LARGE


def test_a_literal_begins_in_the_midst_of_whole_lines() -> None:
    reader = LineReader(SMALL)
    reader.feed(b"* X {6}\r\nab\r\ncd and the rest\r\nlast\r\n")
    assert reader.next_line() == b"* X {6}"
    assert reader.take(6) == b"ab\r\ncd"
    assert [reader.next_line(), reader.next_line(), reader.next_line()] == [b" and the rest", b"last", None]
