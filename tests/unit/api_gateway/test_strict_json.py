"""JSON that could mean two things, or that a database cannot keep, is refused in words."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api_gateway.strict_json import DEEPEST, MOST_VALUES, NotJson, parse, pointer, taken_out


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"a": 1, "a": 1}', "twice"),
        (b'{"x": {"b": 1, "c": 2, "b": 3}}', '"b" stands twice'),
        (b"\xff", "UTF-8"),
        ("{}".encode("utf-16"), "UTF-8"),
        (b"[" * 100_000, "nested"),
        (b"{'a': 1}", "line 1, column 2"),
        (b"", "not JSON"),
        (b"[1,]", "not JSON"),
        (b'"a\nb"', "not JSON"),
    ],
)
def test_unclear_json_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(NotJson) as refused:
        parse(body)
    assert words in str(refused.value)


def test_whole_numbers_written_with_a_point_are_whole() -> None:
    assert repr(parse(b"[30.0, 1e2, 0.5, -2.0]")) == "[30, 100, 0.5, -2]"


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"a": {"b": ["x", "y\x00"]}}, "/a/b/1"),
        ({"a/b~": "\ud800"}, "/a~1b~0"),
        ({"a": {"k\x00": 1}}, "/a"),
        ("\udfff", ""),
    ],
)
def test_what_postgres_cannot_keep_is_named_where_it_stands(value: Any, where: str) -> None:
    assert [fault.pointer for fault in taken_out(value)[1]] == [where]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("NaN", "x.1 must be a number, not NaN"),
        ("Infinity", "x.1 must be a number, not Infinity"),
        ("-Infinity", "x.1 must be a number, not -Infinity"),
        ("1e400", "too large"),
        ("1" * 5000, "too large"),
        ("9007199254740993", "too large"),
        ("0." + "1" * 5000, "too long"),
    ],
)
def test_a_number_that_cannot_be_kept_is_named_and_taken_out(number: str, words: str) -> None:
    value, faults = taken_out(parse(b'{"x": [1, %s], "y": 2}' % number.encode()))
    assert value == {"x": [1, None], "y": 2}
    assert [fault.pointer for fault in faults] == ["/x/1"]
    assert words in faults[0].detail


def test_what_cannot_be_kept_is_taken_out() -> None:
    assert taken_out({"a": {"k\x00": 1, "b": "\x00", "c": "d"}})[0] == {"a": {"b": None, "c": "d"}}


def test_nesting_has_an_end() -> None:
    deep: Any = 1
    for _ in range(DEEPEST):
        deep = [deep]
    assert [fault.detail for fault in taken_out(deep)[1]] == [f"the body is nested more than {DEEPEST} levels deep"]
    assert taken_out(deep[0]) == (deep[0], [])


def test_no_fault_repeats_what_cannot_be_sent_back() -> None:
    assert pointer("a\ud800\x00").encode().decode() == "/a?␀"


_CLEAN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(_CLEAN)
def test_clear_json_is_read_as_everybody_reads_it(value: Any) -> None:
    body = json.dumps(value).encode("utf-8", "surrogatepass")
    if "\\u0000" not in body.decode():
        assert taken_out(parse(body)) == (value, [])


@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:0123456789.eE-+\\u truefalsn', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        value = parse(body)
    except NotJson:
        return
    taken_out(value)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[" + b",".join([b"1"] * (MOST_VALUES + 1)) + b"]", "values"),
        (b"[" + b",".join([b"[]"] * (MOST_VALUES // 2 + 1)) + b"]", "values"),
        (b'{"a": {"' + b"k" * 1001 + b'": 1}}', "1000 characters"),
    ],
)
def test_what_would_take_everybodys_time_is_refused(body: bytes, said: str) -> None:
    with pytest.raises(NotJson, match=said):
        parse(body)
    assert parse(b'{"' + b"k" * 1000 + b'": [' + b",".join([b"1"] * 1000) + b"]}")
