"""How things are named in addresses, queries and bodies: a number, or a public UUID in its plain form."""

import re
from typing import Any
from uuid import UUID

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NUMBER = re.compile(r"[1-9][0-9]{0,15}")
_LARGEST = 2**53 - 1


def read_uuid(text: str) -> UUID | None:
    """A UUID; None where the text is none, or one of the other spellings Python would take."""
    return UUID(text) if _UUID.fullmatch(text) else None


def read_identifier(text: str) -> int | UUID | None:
    """What an address or a query names something by: a number or a UUID; None where it is neither."""
    return read_customer_identifier(text)


def read_customer_identifier(value: Any) -> int | UUID | None:
    """A customer's number or UUID; None where it is malformed. In a query everything is text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if 1 <= value <= _LARGEST else None
    if isinstance(value, str):
        return int(value) if _NUMBER.fullmatch(value) else read_uuid(value)
    return None
