"""What a mailprobe has, as a file that would make it again. Pure.

Passwords and other secrets are never given back, so each is written as a variable to be set.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from cli.configuration.document import DEFAULT_MANAGER
from cli.configuration.normal import DEFAULTS, Found, Kind
from cli.configuration.server import Server

_SECTIONS = {
    Kind.CUSTOMER: "customers",
    Kind.TAG: "tags",
    Kind.CHANNEL: "channels",
    Kind.MONITOR: "monitors",
    Kind.WINDOW: "maintenance",
}


@dataclass(frozen=True, slots=True)
class Exported:
    """The document, the variables that have to be set before it can be applied, and what was left out."""

    document: dict[str, Any]
    variables: tuple[str, ...]
    left_out: tuple[str, ...]


def exported(server: Server, *, manager: str | None, now: datetime) -> Exported:
    """All of it, or what one manager made and what that needs."""
    exporting = _Exporting(server, now)
    chosen = {
        kind: [each for each in server.found[kind] if manager is None or each.manager == manager] for kind in Kind
    }
    # In an order of its own, so that what is kept beside code differs only where something did.
    for found in chosen.values():
        found.sort(key=lambda each: (each.customer or "", each.name, each.key or "", each.number))
    if manager is not None:
        whose = {each.customer for kind in Kind for each in chosen[kind]}
        chosen[Kind.CUSTOMER] = [each for each in server.found[Kind.CUSTOMER] if each.name in whose]
    exporting.give_labels(chosen)
    document: dict[str, Any] = {"version": 1, "manager": manager or DEFAULT_MANAGER}
    for kind in Kind:
        entries = [entry for each in chosen[kind] if (entry := exporting.entry(each)) is not None]
        if entries:
            document[_SECTIONS[kind]] = entries
    return Exported(document, tuple(exporting.variables), tuple(exporting.left_out))


class _Exporting:
    def __init__(self, server: Server, now: datetime) -> None:
        self.variables: dict[str, None] = {}
        self.left_out: list[str] = []
        self._labels: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        self._now = now
        self._server = server

    def give_labels(self, chosen: Mapping[Kind, Sequence[Found]]) -> None:
        """A key to each that would not be told apart by its name, and to each a word others call it by."""
        for kind in (Kind.CHANNEL, Kind.MONITOR, Kind.WINDOW):
            everything = self._server.found[kind]
            names = Counter((each.name, each.customer) for each in chosen[kind] if each.key is None)
            taken = {each.key for each in chosen[kind] if each.key is not None}
            counted = Counter(each.name for each in everything)
            for each in chosen[kind]:
                key = each.key
                if key is None and (names[each.name, each.customer] > 1 or counted[each.name] > 1):
                    key = _free(_slug(each.name), taken)
                    taken.add(key)
                if key is not None:
                    self._keys[each.public_id] = key
                self._labels[each.public_id] = key or each.name
            for each in everything:
                self._labels.setdefault(each.public_id, each.public_id)

    def entry(self, found: Found) -> dict[str, Any] | None:
        """The thing as its section has it; None where it is left out."""
        told = {name: value for name, value in found.fields.items() if value != DEFAULTS[found.kind][name]}
        if found.kind is Kind.WINDOW:
            if found.fields["recurrence"] is None and _moment(found.fields["endTime"]) <= self._now:
                self.left_out.append(f"the window {found.name}, which is over")
                return None
            told |= {name: _local(found.fields[name], found.fields["timeZone"]) for name in ("startTime", "endTime")}
            told["monitors"] = sorted(self._labels[each] for each in found.fields["monitors"])
        if found.kind is Kind.CHANNEL:
            told["type"] = str(found.fields["type"])
            if found.fields["fallback"] is not None:
                told["fallback"] = self._labels[found.fields["fallback"]]
            secrets = {name: self._secret(found, name) for name in sorted(found.secret_names)}
            told["config"] = {**found.fields["config"], **secrets}
        if found.kind is Kind.MONITOR:
            if "password" in found.secret_names:
                told["password"] = self._secret(found, "password")
            elif found.fields["user"] is not None:
                self.left_out.append(f"a password of {found.name}: none is stored")
        if found.kind is Kind.CUSTOMER and _is_uuid(found.name):
            self.left_out.append(f"the customer {found.name}: its name is another one's as well, so name it by hand")
            return None
        key = {"key": self._keys[found.public_id]} if found.public_id in self._keys else {}
        return {**key, "name": found.name, **{name: value for name, value in told.items() if value not in ([], {})}}

    def _secret(self, found: Found, name: str) -> Any:
        if name == "headers":
            self.left_out.append(f"the headers of the channel {found.name}: their names are secret as well")
            return {"Authorization": {"env": self._variable(found, "headers")}}
        return {"env": self._variable(found, name)}

    def _variable(self, found: Found, name: str) -> str:
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
        label = self._labels.get(found.public_id, found.name)
        variable = _free(_slug(f"{words}_{label}").upper().replace("-", "_").replace(".", "_"), self.variables)
        self.variables[variable] = None
        return variable


def _free(wanted: str, taken: Iterable[str]) -> str:
    """The word, with a number where it is taken."""
    known = set(taken)
    if wanted not in known:
        return wanted
    return next(f"{wanted}_{number}" for number in range(2, 10**9) if f"{wanted}_{number}" not in known)


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-")[:150] or "unnamed"


def _local(moment: str, zone: str) -> str:
    """By the zone's clock, or in UTC where that clock shows this time twice."""
    instant = _moment(moment)
    local = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    again = local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    whole = local.second == 0 and local.microsecond == 0
    return local.isoformat(timespec="minutes" if whole else "milliseconds") if again == instant else moment


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
