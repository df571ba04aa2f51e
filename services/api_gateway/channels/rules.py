"""What becomes of a channel's config and its secrets when it is changed. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.api_gateway.problems import Fault
from services.api_gateway.strict_json import pointer
from shared.notifications.channel_types import (
    ChannelType,
    ConfigInvalid,
    checked_config,
    secret_fields,
    secrets_to_send_again,
    split_secrets,
)


@dataclass(frozen=True, slots=True)
class Before:
    """What is stored: the public config, and which secrets."""

    type: ChannelType
    config: Mapping[str, Any]
    secret_names: frozenset[str]


@dataclass(frozen=True, slots=True)
class After:
    """What is to be stored: the public config, secrets that were sent, and names of those that stay as they are."""

    type: ChannelType
    config: Mapping[str, Any]
    secrets: Mapping[str, Any]
    kept_names: frozenset[str]

    @property
    def secret_names(self) -> frozenset[str]:
        return self.kept_names | self.secrets.keys()


def configured(
    channel_type: ChannelType, sent: Mapping[str, Any], *, before: Before | None
) -> tuple[After | None, list[Fault]]:
    """The config that comes of what was sent, or what is wrong with it.

    A secret that is null or left out stays, an empty one is removed. Where a change would take a stored secret to
    another place, it has to be sent again: whoever may change a channel could else read its secrets.
    """
    of_type = secret_fields(channel_type)
    same_type = before is not None and before.type is channel_type
    stored = before.secret_names if before is not None and same_type else frozenset[str]()
    removed = frozenset(name for name in stored if sent.get(name) in ("", {}))
    cleaned = {name: value for name, value in sent.items() if name not in removed and name != "hasSecret"}
    try:
        model = checked_config(channel_type, cleaned, kept_secrets=stored - removed)
    except ConfigInvalid as error:
        return None, [_fault(fault.path, fault.detail) for fault in error.faults]
    public, secrets = split_secrets(channel_type, model)
    kept = (stored & of_type) - removed - secrets.keys()
    if before is not None and same_type:
        again = secrets_to_send_again(channel_type, before.config, public, stored=kept)
        if again:
            said = "it has to be sent again, as it would go to another place"
            return None, [_fault((name,), said) for name in sorted(again)]
    return After(channel_type, public, secrets, frozenset(kept)), []


def shown_config(channel_type: ChannelType, config: Mapping[str, Any], secret_names: frozenset[str]) -> dict[str, Any]:
    """The config as answers have it: null for each secret that is stored."""
    shown = {**config, **dict.fromkeys(sorted(secret_names))}
    return {**shown, "hasSecret": bool(secret_names)} if secret_fields(channel_type) else shown


def _fault(path: tuple[str | int, ...], detail: str) -> Fault:
    return Fault(pointer=pointer("config", *path), detail=f"{'.'.join(map(str, ('config', *path)))}: {detail}")
