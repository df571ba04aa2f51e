"""Secrets are found however they are dressed."""

import base64
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest

from tests.support.secrecy import hits

SECRET = 'Marker-7f3a"\\{3} päss'


@pytest.mark.parametrize(
    "dressed",
    [
        str,
        str.upper,
        lambda secret: json.dumps({"password": secret}),
        lambda secret: json.dumps(secret, ensure_ascii=False),
        lambda secret: json.dumps(json.dumps(secret)),
        lambda secret: f"/x?password={quote(secret)}&y",
        lambda secret: f"\\x{secret.encode().hex()}",
        repr,
        *(lambda secret, n=n: base64.b64encode(b"x" * n + secret.encode() + b"tail").decode() for n in range(6)),
        *(lambda secret, n=n: base64.urlsafe_b64encode(b"x" * n + secret.encode()).decode() for n in range(6)),
    ],
)
def test_a_secret_is_found_in_every_dress(dressed: Callable[[str], str]) -> None:
    assert hits({"password": SECRET}, {"log": f"before {dressed(SECRET)} after"})


def test_what_is_not_there_is_not_found() -> None:
    assert hits({"password": SECRET}, {"log": base64.b64encode(b"Marker-7f3b something else").decode()}) == []
