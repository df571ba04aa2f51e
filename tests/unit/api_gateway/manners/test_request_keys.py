"""What is kept of a request's key, and what of its answer."""

import dataclasses
import hashlib

from services.api_gateway.manners.request_keys import masked, request_key

SAID = {"method": "POST", "address": "/api/tags?x=1", "body": b'{"password": "hunter2"}', "credential": "Bearer mp_x"}


def test_the_same_request_has_the_same_fingerprint_and_any_other_another() -> None:
    one = request_key("k", **SAID)  # type: ignore[arg-type]
    assert one == request_key("k", **SAID)  # type: ignore[arg-type]
    for name, other in (("method", "PUT"), ("address", "/api/tags"), ("body", b"{}"), ("credential", "")):
        assert request_key("k", **{**SAID, name: other}).fingerprint != one.fingerprint  # type: ignore[arg-type]
    assert request_key("k2", **SAID).hashed != one.hashed  # type: ignore[arg-type]


def test_a_fingerprint_is_not_the_hash_of_what_could_be_guessed() -> None:
    """Who reads the table has neither key nor token, so trying passwords against it tells nothing."""
    kept = request_key("k", **SAID)  # type: ignore[arg-type]
    body = SAID["body"]
    assert isinstance(body, bytes)
    guesses = {hashlib.sha256(guess).digest() for guess in (body, b"POST /api/tags?x=1\n" + body)}
    assert not guesses & set(dataclasses.astuple(kept))
    assert kept.fingerprint != request_key("k", **{**SAID, "credential": "Bearer mp_y"}).fingerprint  # type: ignore[arg-type]


def test_keys_of_two_do_not_wait_for_each_other() -> None:
    key = request_key("k", **SAID)  # type: ignore[arg-type]
    numbers = {key.lock_number(organization, actor) for organization in (1, 2) for actor in ("token:1", "user:1")}
    assert len(numbers) == 4
    assert all(-(2**63) <= number < 2**63 for number in numbers)


def test_what_is_shown_once_is_masked_wherever_it_stands() -> None:
    answer = {
        "token": "mp_secret",
        "tokenHint": "mp_…cret",
        "results": [{"monitor": {"config": {"password": "p", "user": "u"}, "hasSecret": True}}],
        "invitationLink": "https://x/#y",
        "password": None,
        "passwordSet": True,
    }
    assert masked(answer) == {
        "token": "********",
        "tokenHint": "mp_…cret",
        "results": [{"monitor": {"config": {"password": "********", "user": "u"}, "hasSecret": True}}],
        "invitationLink": "********",
        "password": None,
        "passwordSet": True,
    }
