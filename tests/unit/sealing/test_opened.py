"""Secrets opened before open again without HPKE, in their own context alone, and lie in no clear meanwhile."""

import gc

import pytest

from shared.sealing import OpenedSeals, PrivateKeyRing, SealBroken, generate_key_rings

PUBLIC, PRIVATE = generate_key_rings()
# What it opens with once the seals are to be known: it has no key at all.
EMPTY = PrivateKeyRing(current="none", keys={})


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_seal_opened_before_needs_no_key() -> None:
    opened = OpenedSeals()
    sealed = PUBLIC.seal(b"secret", b"context")
    assert opened.open(PRIVATE, sealed, b"context") == b"secret"
    assert opened.open(EMPTY, sealed, b"context") == b"secret"


@pytest.mark.parametrize("context", [b"", b"other", b"context2"])
def test_in_another_context_it_was_not_opened_before(context: bytes) -> None:
    opened = OpenedSeals()
    sealed = PUBLIC.seal(b"secret", b"context")
    opened.open(PRIVATE, sealed, b"context")
    with pytest.raises(SealBroken):
        opened.open(PRIVATE, sealed, context)


def test_what_is_moved_from_the_seal_to_its_context_is_another_name() -> None:
    opened = OpenedSeals()
    sealed = PUBLIC.seal(b"secret", b"context")
    opened.open(PRIVATE, sealed, b"context")
    with pytest.raises(SealBroken):
        opened.open(PRIVATE, sealed[:-1], sealed[-1:].encode() + b"context")


def test_what_does_not_open_is_not_remembered() -> None:
    opened = OpenedSeals()
    for _ in range(2):
        with pytest.raises(SealBroken):
            opened.open(EMPTY, PUBLIC.seal(b"secret", b"c"), b"c")
    assert len(opened) == 0


def test_it_keeps_no_more_than_it_may_and_those_asked_for_last() -> None:
    opened = OpenedSeals(kept=10)
    often = PUBLIC.seal(b"often", b"c")
    for number in range(40):
        opened.open(PRIVATE, PUBLIC.seal(b"%d" % number, b"c"), b"c")
        opened.open(PRIVATE if number == 0 else EMPTY, often, b"c")
    assert len(opened) <= 10


def test_what_nobody_asks_for_is_forgotten() -> None:
    clock = Clock()
    opened = OpenedSeals(forgotten_after_seconds=60, clock=clock)
    old, used = PUBLIC.seal(b"old", b"c"), PUBLIC.seal(b"used", b"c")
    opened.open(PRIVATE, old, b"c")
    for turn in range(6):
        opened.open(EMPTY if turn else PRIVATE, used, b"c")
        clock.now += 31
    assert opened.open(EMPTY, used, b"c") == b"used"
    with pytest.raises(SealBroken):
        opened.open(EMPTY, old, b"c")


def test_nothing_it_keeps_holds_the_secret_in_clear() -> None:
    opened = OpenedSeals()
    secret = b"open sesame, " + b"and be quick about it"
    opened.open(PRIVATE, PUBLIC.seal(secret, b"c"), b"c")
    seen, left = set(), [opened]
    held: list[object] = []
    while left:  # everything that can be come to from it, but for modules and classes
        one = left.pop()
        if id(one) in seen or isinstance(one, type) or type(one).__name__ in {"module", "function"}:
            continue
        seen.add(id(one))
        held.append(one)
        left += gc.get_referents(one)
    kept = [one for one in held if isinstance(one, bytes)]
    assert kept, "nothing was looked at"
    assert not any(secret in one or secret[:8] in one for one in kept)
