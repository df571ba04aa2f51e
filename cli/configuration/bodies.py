"""What is sent to the API for a step. Pure.

A change sends the fields that change and no others, so that a rule which came later is no reason to refuse it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from cli.configuration.document import day_number
from cli.configuration.normal import CONFIG_FIELDS, DEFAULTS, Kind, Wanted
from cli.configuration.planning import Action, Step

# A label or token of another thing, as the API takes it; of a monitor its public UUID, of a tag its number.
Resolve = Callable[[Kind, str], Any]

_IN_CONFIG = frozenset({*CONFIG_FIELDS, "verifyCertificate", "servername", "extra"})
_CONFIG_DEFAULTS = DEFAULTS[Kind.MONITOR]


def body_of(step: Step, wanted: Wanted, resolve: Resolve, *, manager: str) -> dict[str, Any]:
    """The body of a step that makes or changes something."""
    changed = None if step.action is Action.CREATE else {change.field for change in step.changes}
    whole = _BODIES[step.kind](wanted, resolve, step.secrets, changed)
    if changed is None:
        whole["name"] = wanted.name
        if step.kind is not Kind.CUSTOMER:
            whole |= {"managedBy": manager, "externalKey": wanted.key}
        return whole
    if "name" in changed:
        whole["name"] = wanted.name
    if changed & {"managedBy", "key"}:
        whole |= {"managedBy": manager, "externalKey": wanted.key}
    return whole


def _customer(wanted: Wanted, resolve: Resolve, secrets: Mapping[str, Any], changed: set[str] | None) -> dict[str, Any]:
    return _only(dict(wanted.fields), changed)


def _tag(wanted: Wanted, resolve: Resolve, secrets: Mapping[str, Any], changed: set[str] | None) -> dict[str, Any]:
    return _only(dict(wanted.fields), changed)


def _channel(wanted: Wanted, resolve: Resolve, secrets: Mapping[str, Any], changed: set[str] | None) -> dict[str, Any]:
    fields = dict(wanted.fields)
    seconds = fields.pop("minIncidentDuration")
    fallback, customer = fields.pop("fallback"), fields.pop("customer")
    sent = _only(fields, changed)
    if changed is None or changed & {"config", "type"} or secrets:
        # Left out a secret stays; an empty one is taken away.
        removed = {name: "" if name != "headers" else {} for name, value in secrets.items() if value is None}
        sent["config"] = {**fields["config"], **secrets, **removed}
    if changed is None or "minIncidentDuration" in changed:
        sent["conditions"] = None if seconds is None else {"minIncidentDuration": seconds}
    if changed is None or "fallback" in changed:
        sent["fallbackChannelId"] = None if fallback is None else resolve(Kind.CHANNEL, fallback)
    if changed is None and customer is not None:
        sent["customerId"] = resolve(Kind.CUSTOMER, customer)
    return sent


def _monitor(wanted: Wanted, resolve: Resolve, secrets: Mapping[str, Any], changed: set[str] | None) -> dict[str, Any]:
    plain = {name: value for name, value in wanted.fields.items() if name not in _IN_CONFIG}
    customer = plain.pop("customer")
    plain.pop("tags")  # put on and taken off beside
    sent = _only(plain, changed)
    if changed is None or "customer" in changed:
        sent["customerId"] = resolve(Kind.CUSTOMER, customer)
    if changed is None or changed & _IN_CONFIG or secrets:
        sent["imapPopConfig"] = {**_config(wanted.fields), **secrets}
    return sent


def _config(fields: Mapping[str, Any]) -> dict[str, Any]:
    told = {
        name: fields[name]
        for name in CONFIG_FIELDS
        if name in ("protocol", "security") or fields[name] != _CONFIG_DEFAULTS[name]
    }
    options = dict(fields["extra"].get("tlsOptions", {}))
    if not fields["verifyCertificate"]:
        options["rejectUnauthorized"] = False
    if fields["servername"] is not None:
        options["servername"] = fields["servername"]
    return {**fields["extra"], **told, **({"tlsOptions": options} if options else {})}


def _window(wanted: Wanted, resolve: Resolve, secrets: Mapping[str, Any], changed: set[str] | None) -> dict[str, Any]:
    fields = dict(wanted.fields)
    recurrence, customer = fields.pop("recurrence"), fields.pop("customer")
    monitors, tags = fields.pop("monitors"), fields.pop("tags")
    sent = _only(fields, changed)
    if changed is None or "recurrence" in changed:
        sent |= {"isRecurring": recurrence is not None, "recurrencePattern": _pattern(recurrence)}
    if changed is None or changed & {"monitors", "tags", "customer"}:
        sent["targets"] = [{"type": "imap_pop", "id": resolve(Kind.MONITOR, each)} for each in monitors]
        sent["tagIds"] = [resolve(Kind.TAG, each) for each in tags]
        if customer is not None:
            sent["customerId"] = resolve(Kind.CUSTOMER, customer)
    return sent


def _pattern(recurrence: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if recurrence is None:
        return None
    days = recurrence.get("daysOfWeek")
    return {**recurrence, **({} if days is None else {"daysOfWeek": [day_number(day) for day in days]})}


def _only(fields: dict[str, Any], changed: set[str] | None) -> dict[str, Any]:
    return fields if changed is None else {name: value for name, value in fields.items() if name in changed}


_BODIES: Mapping[Kind, Callable[[Wanted, Resolve, Mapping[str, Any], set[str] | None], dict[str, Any]]] = {
    Kind.CUSTOMER: _customer,
    Kind.TAG: _tag,
    Kind.CHANNEL: _channel,
    Kind.MONITOR: _monitor,
    Kind.WINDOW: _window,
}
