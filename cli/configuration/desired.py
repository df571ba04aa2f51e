"""What the files want, in the normal form, and what is wrong with it that can be said without a server. Pure."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from cli.configuration.document import Channel, Customer, Monitor, Tag, Window, day_number
from cli.configuration.normal import CONFIG_FIELDS, DEFAULTS, Kind, Wanted
from cli.configuration.places import Fault, WrongConfiguration
from cli.configuration.reading import Configuration, Entry
from cli.configuration.secret_sources import LITERAL, SecretSource
from cli.configuration.server import recurrence_of
from cli.moments import NoMoment, iso, read_length, read_moment
from shared.notifications.channel_types import (
    ChannelType,
    ConfigInvalid,
    checked_config,
    secret_fields,
    split_secrets,
)


def desired(configuration: Configuration, *, allow_literal_secrets: bool = False) -> dict[Kind, list[Wanted]]:
    """All of it by kind; raises WrongConfiguration."""
    making = _Making(allow_literal_secrets)
    wanted = {
        Kind.CUSTOMER: [_customer(each) for each in configuration.customers],
        Kind.TAG: [_tag(each) for each in configuration.tags],
        Kind.CHANNEL: [making.channel(each) for each in configuration.channels],
        Kind.MONITOR: [making.monitor(each) for each in configuration.monitors],
        Kind.WINDOW: [making.window(each) for each in configuration.windows],
    }
    making.faults += [fault for kind in Kind for fault in _twice(wanted[kind])]
    if making.faults:
        raise WrongConfiguration(making.faults)
    wanted[Kind.TAG] += _implied_tags(wanted)
    return wanted


def _customer(entry: Entry[Customer]) -> Wanted:
    told = entry.value.model_dump(mode="json", by_alias=True)
    name = str(entry.value.id or entry.value.name)
    fields = {name: told[name] for name in DEFAULTS[Kind.CUSTOMER]}
    fields["allowedCheckCountryCodes"] = _countries(fields["allowedCheckCountryCodes"])
    return Wanted(Kind.CUSTOMER, name, fields, entry.place)


def _tag(entry: Entry[Tag]) -> Wanted:
    return Wanted(Kind.TAG, entry.value.name, {"color": entry.value.color}, entry.place)


def _implied_tags(wanted: Mapping[Kind, list[Wanted]]) -> list[Wanted]:
    described = {tag.name for tag in wanted[Kind.TAG]}
    used = {
        name: each.place
        for kind in (Kind.MONITOR, Kind.WINDOW)
        for each in wanted[kind]
        for name in each.fields["tags"]
    }
    return [
        Wanted(Kind.TAG, name, DEFAULTS[Kind.TAG], place, implied=True)
        for name, place in used.items()
        if name not in described
    ]


def _twice(wanted: list[Wanted]) -> Iterator[Fault]:
    """Things that could not be told apart later."""
    keys: dict[object, Wanted] = {}
    for each in wanted:
        known_by = ("key", each.key) if each.key is not None else ("name", each.name, each.customer)
        first = keys.setdefault(known_by, each)
        if first is not each:
            where = f"line {first.place.line}" if first.place.file == each.place.file else str(first.place)
            said = f"the key {each.key}" if each.key is not None else f"a {each.kind} of this name"
            yield Fault(each.place, f"{said} is in {where} already; give each a key of its own")


class _Making:
    def __init__(self, allow_literal_secrets: bool) -> None:
        self.faults: list[Fault] = []
        self._literals = allow_literal_secrets

    def monitor(self, entry: Entry[Monitor]) -> Wanted:
        value = entry.value
        told = value.model_dump(mode="json", by_alias=True, exclude={"password"})
        fields = {name: told[name] for name in DEFAULTS[Kind.MONITOR]}
        fields["checkInterval"] = _whole(value.check_interval)
        fields["allowedCheckCountryCodes"] = _countries(fields["allowedCheckCountryCodes"])
        fields["tags"] = sorted(set(value.tags))
        if value.hostname is None:
            self._wrong(entry, "hostname is required")
        if value.password is not None and value.user is None:
            self._wrong(entry, "a password without a user is of no use", "password")
        if value.timeout_seconds > value.check_interval * 60:
            self._wrong(
                entry,
                f"timeoutSeconds is longer than the interval ({value.check_interval * 60:g} seconds)",
                "timeoutSeconds",
            )
        if known := sorted(value.extra.keys() & {*CONFIG_FIELDS, "password", "tls", "passwordSet"}):
            self._wrong(entry, f"extra.{known[0]}: a field of its own says this", "extra", known[0])
        return Wanted(
            Kind.MONITOR,
            value.name or value.user or value.hostname or "?",
            fields,
            entry.place,
            key=value.key,
            secrets={} if value.password is None else {"password": value.password},
            folder=entry.folder,
        )

    def channel(self, entry: Entry[Channel]) -> Wanted:
        value = entry.value
        told = value.model_dump(mode="json", by_alias=True)
        fields = {name: told[name] for name in DEFAULTS[Kind.CHANNEL]}
        secrets: dict[str, Any] = {}
        if value.type is None:
            self._wrong(entry, "type is required")
        else:
            names = secret_fields(value.type)
            secrets = {name: self._secret(entry, name, value.config[name]) for name in names & value.config.keys()}
            public = {name: each for name, each in value.config.items() if name not in names}
            fields["config"] = self._public_config(entry, value.type, public, secrets)
        return Wanted(
            Kind.CHANNEL, value.name, fields, entry.place, key=value.key, secrets=secrets, folder=entry.folder
        )

    def window(self, entry: Entry[Window]) -> Wanted:
        value = entry.value
        told = value.model_dump(mode="json", by_alias=True)
        fields = {name: told[name] for name in DEFAULTS[Kind.WINDOW]}
        fields["startTime"], fields["endTime"] = self._span(entry)
        fields["monitors"], fields["tags"] = sorted(set(value.monitors)), sorted(set(value.tags))
        if value.recurrence is not None:
            pattern = value.recurrence.model_dump(mode="json", by_alias=True)
            days = pattern["daysOfWeek"]
            fields["recurrence"] = recurrence_of(
                {**pattern, "daysOfWeek": None if days is None else [day_number(day) for day in days]}
            )
        if not value.monitors and not value.tags and value.customer is None:
            self._wrong(entry, "it is for nobody: say monitors, tags or customer")
        if value.monitors and value.customer is not None:
            self._wrong(entry, "customer does not go with monitors, which have theirs", "customer")
        return Wanted(Kind.WINDOW, value.name, fields, entry.place, key=value.key)

    def _span(self, entry: Entry[Window]) -> tuple[str | None, str | None]:
        value = entry.value
        now = datetime.now(UTC)
        try:
            start = read_moment(value.start_time, value.time_zone, now=now)
            if (value.end_time is None) == (value.duration is None):
                self._wrong(entry, "say when it ends, by either endTime or duration")
                return iso(start), None
            if value.end_time is not None:
                end = read_moment(value.end_time, value.time_zone, now=now)
            else:
                end = start.astimezone(UTC) + read_length(value.duration or "")
        except (NoMoment, OverflowError) as error:
            self._wrong(entry, str(error), "startTime")
            return None, None
        if end <= start:
            self._wrong(entry, "endTime has to be after startTime", "endTime")
        return iso(start), iso(end)

    def _secret(self, entry: Entry[Any], name: str, value: Any) -> Any:
        match value:
            case {"env": str(variable), **others} if not others:
                return SecretSource(env=variable)
            case {"file": str(path), **others} if not others:
                return SecretSource(file=path)
            case dict() if name == "headers" and value:
                return {str(header): self._secret(entry, f"{name}.{header}", each) for header, each in value.items()}
            case str() if self._literals and value:
                return SecretSource(literal=value)
        self._wrong(entry, f"config.{name}: {LITERAL}", "config", *name.split("."))
        return SecretSource(literal="-")

    def _public_config(
        self, entry: Entry[Channel], channel_type: ChannelType, public: Mapping[str, Any], secrets: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        try:
            model = checked_config(channel_type, public, kept_secrets=secrets)
        except ConfigInvalid as error:
            for fault in error.faults:
                self._wrong(
                    entry, f"{'.'.join(map(str, ('config', *fault.path)))}: {fault.detail}", "config", *fault.path
                )
            return public
        return split_secrets(channel_type, model)[0]

    def _wrong(self, entry: Entry[Any], said: str, *within: str | int) -> None:
        self.faults.append(Fault(entry.at(*within), said))


def _whole(minutes: float) -> int | float:
    return int(minutes) if float(minutes).is_integer() else minutes


def _countries(codes: list[str] | None) -> list[str] | None:
    return list(dict.fromkeys(codes)) or None if codes else None
