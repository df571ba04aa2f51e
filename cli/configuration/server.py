"""What a mailprobe has, in the normal form."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cli.api_client import ApiClient
from cli.configuration.document import day_name
from cli.configuration.normal import CONFIG_FIELDS, DEFAULTS, Found, Kind
from shared.notifications.channel_types import ChannelType, secret_fields

_OF_TLS = {"rejectUnauthorized": "verifyCertificate", "servername": "servername"}
_NO_EXTRA = frozenset({*CONFIG_FIELDS, "tls", "tlsOptions", "password", "passwordSet"})


@dataclass(frozen=True, slots=True)
class Server:
    """Everything there is, by kind. Customers are called by their names, or by their UUIDs where names are shared."""

    found: Mapping[Kind, Sequence[Found]]

    def all(self) -> Iterable[Found]:
        """Of every kind."""
        return (each for kind in Kind for each in self.found[kind])


async def look(api: ApiClient) -> Server:
    """Read all of it; raises Failed."""
    customers, tags, channels, monitors, windows = await asyncio.gather(
        api.customers(), api.tags(), api.channels(), api.monitors(), api.windows()
    )
    shared = {name for name, count in Counter(each["name"] for each in customers).items() if count > 1}
    labels = {each["id"]: str(each["publicId"] if each["name"] in shared else each["name"]) for each in customers}
    ids_of_channels = {each["id"]: str(each["publicId"]) for each in channels}
    ids_of_monitors = {each["id"]: str(each["publicId"]) for each in monitors}
    return Server(
        {
            Kind.CUSTOMER: [_customer(each, labels[each["id"]]) for each in customers],
            Kind.TAG: [_tag(each) for each in tags],
            Kind.CHANNEL: [_channel(each, labels, ids_of_channels) for each in channels],
            Kind.MONITOR: [_monitor(each, labels) for each in monitors],
            Kind.WINDOW: [_window(each, labels, ids_of_monitors) for each in windows],
        }
    )


def _found(kind: Kind, item: Mapping[str, Any], fields: Mapping[str, Any], **more: Any) -> Found:
    return Found(
        kind=kind,
        name=more.pop("name", item["name"]),
        fields={**DEFAULTS[kind], **fields},
        public_id=str(item["publicId"]),
        number=item["id"],
        key=item.get("externalKey"),
        manager=item.get("managedBy"),
        **more,
    )


def _customer(item: Mapping[str, Any], label: str) -> Found:
    return _found(Kind.CUSTOMER, item, {name: item[name] for name in DEFAULTS[Kind.CUSTOMER]}, name=label)


def _tag(item: Mapping[str, Any]) -> Found:
    return _found(Kind.TAG, item, {"color": item["color"] or "gray"})


def _channel(item: Mapping[str, Any], labels: Mapping[int, str], ids: Mapping[int, str]) -> Found:
    conditions = item["conditions"] or {}
    secrets = secret_fields(ChannelType(item["type"])) & item["config"].keys()
    return _found(
        Kind.CHANNEL,
        item,
        {
            "customer": labels.get(item["customerId"]),
            "type": item["type"],
            "config": {
                name: value
                for name, value in item["config"].items()
                if name not in secrets and name != "hasSecret" and value is not None
            },
            "priority": item["priority"],
            "delaySeconds": item["delaySeconds"],
            "minIncidentDuration": conditions.get("minIncidentDuration"),
            "isActive": item["isActive"],
            "fallback": ids.get(item["fallbackChannelId"]),
        },
        secret_names=frozenset(secrets),
    )


def _monitor(item: Mapping[str, Any], labels: Mapping[int, str]) -> Found:
    config = item["config"]
    options = config.get("tlsOptions") or {}
    fields: dict[str, Any] = {name: config[name] for name in CONFIG_FIELDS if config.get(name) is not None}
    fields["security"] = config.get("security") or ("tls" if config.get("tls") else "none")
    fields |= {ours: options[theirs] for theirs, ours in _OF_TLS.items() if options.get(theirs) is not None}
    extra = {name: value for name, value in config.items() if name not in _NO_EXTRA}
    others = {name: value for name, value in options.items() if name not in _OF_TLS}
    if others:
        extra["tlsOptions"] = others
    names = (
        *("hostname", "port", "status", "checkInterval", "timeoutSeconds", "allowedCheckCountryCodes"),
        *("notificationEmail", "notificationPhoneNumber"),
    )
    fields |= {name: item[name] for name in names}
    fields |= {
        "customer": labels.get(item["customerId"]),
        "tags": sorted(tag["name"] for tag in item["tags"]),
        "extra": extra,
    }
    return _found(Kind.MONITOR, item, fields, secret_names=frozenset({"password"} if config.get("passwordSet") else ()))


def _window(item: Mapping[str, Any], labels: Mapping[int, str], ids: Mapping[int, str]) -> Found:
    targets = sorted(ids[each["id"]] for each in item["targets"] if each["id"] in ids)
    return _found(
        Kind.WINDOW,
        item,
        {
            **{name: item[name] for name in ("description", "startTime", "endTime", "timeZone", "isActive")},
            "recurrence": None if item["recurrencePattern"] is None else recurrence_of(item["recurrencePattern"]),
            "monitors": targets,
            "tags": sorted(tag["name"] for tag in item["tags"]),
            "customer": None if targets else labels.get(item["customerId"]),
        },
    )


def recurrence_of(pattern: Mapping[str, Any]) -> dict[str, Any]:
    """A pattern of the API as files say it, without what goes without saying."""
    days = pattern.get("daysOfWeek")
    told = {
        "frequency": str(pattern["frequency"]),
        "interval": pattern.get("interval") or 1,
        "daysOfWeek": sorted({day_name(day) for day in days}) if days else None,
        "dayOfMonth": pattern.get("dayOfMonth"),
        "endRecurrenceDate": pattern.get("endRecurrenceDate"),
    }
    return {name: value for name, value in told.items() if value is not None and (name, value) != ("interval", 1)}
