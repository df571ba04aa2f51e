"""Sealed secrets open with their key and in their own context, and nowhere else."""

import pytest

from shared.sealing import KeyRingError, PrivateKeyRing, PublicKeyRing, SealBroken, generate_key_rings


def test_a_sealed_secret_opens_in_its_context() -> None:
    public, private = generate_key_rings()
    sealed = public.seal(b'p"\\{3} \xff', b"context")
    assert private.open(sealed, b"context") == b'p"\\{3} \xff'
    assert "p" + '"' not in sealed


def test_two_seals_of_one_secret_differ() -> None:
    public, _ = generate_key_rings()
    assert public.seal(b"secret", b"") != public.seal(b"secret", b"")


@pytest.mark.parametrize("context", [b"", b"contex", b"context2"])
def test_another_context_does_not_open(context: bytes) -> None:
    public, private = generate_key_rings()
    with pytest.raises(SealBroken, match="altered"):
        private.open(public.seal(b"secret", b"context"), context)


def test_a_changed_byte_does_not_open() -> None:
    public, private = generate_key_rings()
    sealed = public.seal(b"secret", b"c")
    changed = sealed[:-2] + ("A" if sealed[-2] != "A" else "B") + sealed[-1]
    with pytest.raises(SealBroken):
        private.open(changed, b"c")


def test_a_missing_key_is_named() -> None:
    public, _ = generate_key_rings()
    _, other = generate_key_rings()
    with pytest.raises(SealBroken, match=public.current):
        other.open(public.seal(b"secret", b"c"), b"c")


@pytest.mark.parametrize("text", ["", "mp1", "mp1.k1", "mp2.k1.AAAA", "mp1.k1.###"])
def test_text_that_is_no_seal_is_refused(text: str) -> None:
    _, private = generate_key_rings()
    with pytest.raises(SealBroken):
        private.open(text, b"c")


def test_old_seals_open_after_a_rotation() -> None:
    public, private = generate_key_rings()
    sealed = public.seal(b"secret", b"c")
    rotated = private.with_new_key()
    assert rotated.open(sealed, b"c") == b"secret"
    assert rotated.public().current != public.current
    assert rotated.open(rotated.public().seal(b"new", b"c"), b"c") == b"new"


def test_rings_survive_their_json() -> None:
    public, private = generate_key_rings()
    sealed = PublicKeyRing.from_json(public.to_json()).seal(b"secret", b"c")
    assert PrivateKeyRing.from_json(private.to_json()).open(sealed, b"c") == b"secret"


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"current":"k","keys":{"k":"AA=="}}', '{"current":"k","keys":{}}'])
def test_a_broken_ring_is_refused_in_words(text: str) -> None:
    with pytest.raises(KeyRingError, match="key ring"):
        PrivateKeyRing.from_json(text)


def test_one_ring_is_not_taken_for_the_other() -> None:
    public, private = generate_key_rings()
    with pytest.raises(KeyRingError, match="The public key ring is wanted"):
        PublicKeyRing.from_json(private.to_json())
    with pytest.raises(KeyRingError, match="The private key ring is wanted"):
        PrivateKeyRing.from_json(public.to_json())


def test_a_private_ring_does_not_show_itself() -> None:
    _, private = generate_key_rings()
    assert "PrivateKeyRing object" in repr(private)
