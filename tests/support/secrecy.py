"""Looks for secrets where none may be: in clear, and in every dress that a program would put on them by accident."""

import base64
import json
import re
from collections.abc import Mapping
from urllib.parse import quote, quote_plus

_TELLING = 8  # letters that do not come up by chance


def disguises(secret: str) -> dict[str, str]:
    """The secret as it would stand in other texts, by the name of the dress."""
    raw = secret.encode()
    found = {
        "raw": secret,
        "URL-encoded": quote(secret, safe=""),
        "form-encoded": quote_plus(secret),
        "hex": raw.hex(),
        "JSON": json.dumps(secret)[1:-1],
        "JSON in UTF-8": json.dumps(secret, ensure_ascii=False)[1:-1],
        "JSON in JSON": json.dumps(json.dumps(secret)[1:-1])[1:-1],
        "repr": repr(secret)[1:-1],
    }
    longest = max(re.findall(r"[\w-]+", secret), key=len)
    if len(longest) >= _TELLING:
        found["a part of it"] = longest
    for shift in range(3):
        # Whatever stands before it moves it by so many bytes; what its neighbours have a part in is left out.
        padded = base64.b64encode(bytes(shift) + raw)
        first = -(-shift * 4 // 3)
        last = len(padded) // 4 * 4 - (4 if (shift + len(raw)) % 3 else 0)
        found[f"base64, moved by {shift}"] = padded[first:last].decode()
        found[f"base64url, moved by {shift}"] = base64.urlsafe_b64encode(bytes(shift) + raw)[first:last].decode()
    return found


def hits(secrets: Mapping[str, str], places: Mapping[str, str]) -> list[str]:
    """Which secret stands in which place, and how it is dressed."""
    found = []
    for name, secret in secrets.items():
        for dress, text in disguises(secret).items():
            # Letters of base64 mean something else when they are made small; the others do not.
            flags = 0 if dress.startswith("base64") else re.IGNORECASE
            pattern = re.compile(re.escape(text), flags)
            found += [f"{name}, {dress}, in {place}" for place, content in places.items() if pattern.search(content)]
    return found
