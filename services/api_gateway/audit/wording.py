"""Columns by the names that people know from the API. Pure."""

from collections.abc import Mapping
from typing import Any

from pydantic.alias_generators import to_camel

_MS_PER_MINUTE = 60_000
# What is kept in other words, or in another unit, than it is shown in.
_NAMES = {
    "interval_ms": "checkInterval",
    "config": "imapPopConfig",
    "sealed_password": "imapPopConfig.password",
    "sealed_secrets": "secrets",
    "password_hash": "password",
    "starts_at": "startTime",
    "ends_at": "endTime",
    "address_token": "slug",
    "shows_hosts": "showsHostnames",
}


def shown_changes(changes: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """By field of the API what by column was kept, as {"old": …, "new": …}."""
    return {
        _shown_name(name): {side: _shown(name, value) for side, value in of.items()} for name, of in changes.items()
    }


def _shown_name(name: str) -> str:
    column, dot, inner = name.partition(".")
    # What stands within a JSON column has its API's name already.
    return f"{_NAMES.get(column) or to_camel(column)}{dot}{inner}"


def _shown(name: str, value: Any) -> Any:
    if name == "interval_ms" and isinstance(value, int):
        return value / _MS_PER_MINUTE
    return value
