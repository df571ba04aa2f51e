"""Channels at a border: a config checked with its faults by field, parted from its secrets, and put together again.

Each secret is sealed by itself, to the organization, the channel, its name, and the origin it is sent to: a row
altered to point elsewhere does not open. The rings are given; this room knows no keys.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from pydantic import ValidationError

from shared.notifications.channel_models import CONFIGS, ChannelConfig, ChannelType, EmailConfig, places

__all__ = ["ChannelType", "places"]


@dataclass(frozen=True, slots=True)
class ConfigFault:
    """What is wrong with one field; the path is within `config`, empty for the whole of it."""

    path: tuple[str | int, ...]
    detail: str


class ConfigInvalid(Exception):
    """A config that no channel of this type can have; names every wrong field at once, and no value."""

    def __init__(self, faults: Iterable[ConfigFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{'.'.join(map(str, fault.path))}: {fault.detail}" for fault in self.faults))


class Seals(Protocol):
    """A public key ring."""

    def seal(self, plaintext: bytes, context: bytes) -> str: ...


class Opens(Protocol):
    """A private key ring; raises an error of its own where a seal does not open."""

    def open(self, sealed: str, context: bytes) -> bytes: ...


def secret_fields(channel_type: ChannelType) -> frozenset[str]:
    """The fields that are sealed, and null with `hasSecret` in every answer."""
    return CONFIGS[channel_type].SECRETS


def required_secrets(channel_type: ChannelType) -> frozenset[str]:
    """Those of them without which nothing can be sent."""
    return CONFIGS[channel_type].REQUIRED_SECRETS


def checked_config(
    channel_type: ChannelType, config: Mapping[str, Any], *, kept_secrets: Iterable[str] = ()
) -> ChannelConfig:
    """The config as a model; secrets stand in it as sent, null or left out where they are not.

    Args:
        kept_secrets: names of secrets that are stored already, and so need not be sent.

    Raises:
        ConfigInvalid: naming every wrong field.
    """
    kept = frozenset(kept_secrets)
    faults: list[ConfigFault] = []
    model: ChannelConfig | None = None
    try:
        model = CONFIGS[channel_type].model_validate(dict(config))
    except ValidationError as error:
        faults = [
            ConfigFault(_path(fault["loc"]), _sentence(fault, channel_type))
            for fault in error.errors(include_url=False)
        ]
    told = {fault.path[0] for fault in faults if fault.path}
    faults += [
        ConfigFault((name,), "it is required")
        for name in sorted(CONFIGS[channel_type].REQUIRED_SECRETS - kept - told)
        if config.get(name) is None
    ]
    if faults or model is None:
        raise ConfigInvalid(faults)
    return model


def split_secrets(channel_type: ChannelType, config: ChannelConfig) -> tuple[dict[str, Any], dict[str, Any]]:
    """What may be stored and shown as it is, and the secrets that were sent."""
    told = config.model_dump(mode="json")
    names = secret_fields(channel_type)
    public = {name: value for name, value in told.items() if name not in names and value is not None}
    return public, {name: told[name] for name in sorted(names) if told[name] is not None}


def join_secrets(channel_type: ChannelType, config: Mapping[str, Any], secrets: Mapping[str, Any]) -> ChannelConfig:
    """The whole config, for whoever sends; raises ConfigInvalid where a secret it needs is not there."""
    return checked_config(channel_type, {**config, **secrets})


def seal_secrets(
    keys: Seals,
    secrets: Mapping[str, Any],
    *,
    organization_id: int,
    channel_public_id: UUID,
    channel_type: ChannelType,
    config: Mapping[str, Any],
    kept: str | None = None,
) -> str | None:
    """The secrets as text for the database; None where there are none.

    Args:
        config: the public part, which says where the secrets go.
        kept: what was stored; its secrets stay where none of that name is given. Only for unchanged `places`.
    """
    sealed = json.loads(kept) if kept else {}
    for name, value in secrets.items():
        context = _context(organization_id, channel_public_id, channel_type, config, name)
        sealed[name] = keys.seal(json.dumps(value).encode(), context)
    return json.dumps(sealed, sort_keys=True) if sealed else None


def open_secrets(
    keys: Opens,
    sealed_secrets: str | None,
    *,
    organization_id: int,
    channel_public_id: UUID,
    channel_type: ChannelType,
    config: Mapping[str, Any],
) -> dict[str, Any]:
    """The secrets by name; raises what `keys` does for a seal that does not open."""
    sealed: dict[str, str] = json.loads(sealed_secrets) if sealed_secrets else {}
    return {
        name: json.loads(keys.open(text, _context(organization_id, channel_public_id, channel_type, config, name)))
        for name, text in sealed.items()
    }


def sealed_names(sealed_secrets: str | None) -> frozenset[str]:
    """Which secrets are stored."""
    return frozenset(json.loads(sealed_secrets)) if sealed_secrets else frozenset()


def without_secrets(sealed_secrets: str | None, names: Iterable[str]) -> str | None:
    """What is left once these secrets are removed; None for nothing."""
    left = {name: text for name, text in json.loads(sealed_secrets or "{}").items() if name not in set(names)}
    return json.dumps(left, sort_keys=True) if left else None


def secrets_to_send_again(
    channel_type: ChannelType, before: Mapping[str, Any], after: Mapping[str, Any], *, stored: Iterable[str]
) -> frozenset[str]:
    """Stored secrets that a change from one public config to the other may not simply take along to another place."""
    return frozenset(stored) if places(channel_type, before) != places(channel_type, after) else frozenset()


def mail_hosts(channel_type: ChannelType, config: Mapping[str, Any]) -> frozenset[str]:
    """The domains an e-mail channel's messages go to, in small letters; none for other types."""
    if channel_type is not ChannelType.EMAIL:
        return frozenset()
    mailboxes = EmailConfig.model_validate(config).mailboxes
    return frozenset(mailbox.rpartition("@")[2].lower().rstrip(".") for mailbox in mailboxes)


def watched_mail_host(domains: Iterable[str], watched_hosts: Iterable[str]) -> str | None:
    """The first watched host that these domains' mail most likely goes through: the domain itself or a host in it.

    Said as a warning alone: who really takes a domain's mail is in its MX records, which may lead elsewhere.
    """
    hosts = [host.lower().rstrip(".") for host in watched_hosts]
    for domain in sorted(domains):
        for host in sorted(hosts):
            if host == domain or host.endswith(f".{domain}"):
                return host
    return None


def _context(
    organization_id: int, channel_public_id: UUID, channel_type: ChannelType, config: Mapping[str, Any], name: str
) -> bytes:
    bound = ["mailprobe channel secret 1", organization_id, str(channel_public_id), channel_type.value, name]
    return json.dumps([*bound, sorted(places(channel_type, config).items())]).encode()


def _path(location: tuple[str | int, ...]) -> tuple[str | int, ...]:
    # pydantic names validators and keys of mappings as "[key]" beside the fields themselves.
    return tuple(part for part in location if isinstance(part, int) or not part.startswith(("function-", "[")))


def _field_names(channel_type: ChannelType) -> str:
    model = CONFIGS[channel_type]
    return ", ".join(name for name in model.model_fields if name not in model.MEANINGLESS)


def _sentence(fault: Any, channel_type: ChannelType) -> str:
    match fault["type"]:
        case "missing":
            return "it is required"
        case "extra_forbidden":
            return f"there is no such field; a channel of type {channel_type} has {_field_names(channel_type)}"
        case "value_error":
            return str(fault["ctx"]["error"])
        case "none_required":
            return "it is not supported here"
        case "string_pattern_mismatch":
            return "it does not have the form of such a value"
    said = str(fault["msg"])
    return said[:1].lower() + said[1:]
