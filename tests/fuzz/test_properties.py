"""Bytes of any kind at all, where the fuzzing starts from what servers say."""

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.probing.sasl import Credentials
from shared.probing.scram import scram_sha_256
from shared.probing.server_words import MOST_BYTES, Redactor, escaped
from shared.probing.steps import CheckFailed, Compute
from tests.fuzz.corpus import targets
from tests.fuzz.player import play

_BYTES = st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([b"\r\n", b"+OK", b"* OK ", b"+ ", b"{3}"])))


@given(target=st.sampled_from([target for _, target in targets()]), pieces=_BYTES)
@settings(deadline=None, max_examples=300)
async def test_any_bytes_in_any_pieces_are_one_answer(target: object, pieces: list[bytes]) -> None:
    whole = await play(target, [b"".join(pieces)])  # type: ignore[arg-type]
    assert whole.like(await play(target, pieces))  # type: ignore[arg-type]


@given(first=st.binary(max_size=200), final=st.binary(max_size=200))
@settings(deadline=None)
def test_scram_says_protocol_error_and_nothing_else(first: bytes, final: bytes) -> None:
    exchange = scram_sha_256(Credentials(b"ada", b"secret"), nonce=b"n")
    next(exchange)
    try:
        step = exchange.send(first)
        while isinstance(step, Compute):
            step = exchange.send(step.work())
        exchange.send(final)
    except CheckFailed:
        return
    raise AssertionError("a server that knows no password was believed")


@given(raw=st.binary(max_size=3000), secret=st.binary(min_size=1, max_size=12))
@settings(deadline=None)
def test_words_are_kept_short_and_shown_as_text(raw: bytes, secret: bytes) -> None:
    shown = escaped(Redactor([secret])(raw))
    assert len(shown.encode()) <= MOST_BYTES
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in shown)
