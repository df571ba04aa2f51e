"""Which thing of the server each wanted one is, and what its labels mean there. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cli.configuration.normal import Found, Kind, Wanted
from cli.configuration.places import Fault, WrongConfiguration
from cli.configuration.server import Server

# What is looked at to tell things of one name apart.
_TELLING: Mapping[Kind, tuple[str, ...]] = {
    Kind.MONITOR: ("hostname", "protocol", "user", "port"),
    Kind.CHANNEL: ("type", "config"),
    Kind.WINDOW: ("startTime", "timeZone"),
}


@dataclass(frozen=True, slots=True)
class Pair:
    """What is wanted and what there is; one of them may be missing. `token` stands for it in other things' fields."""

    wanted: Wanted | None
    found: Found | None

    @property
    def token(self) -> str:
        if self.found is not None:
            return self.found.public_id
        assert self.wanted is not None  # noqa: S101 - never both
        return f"new {self.wanted.kind} {self.wanted.key or ''} {self.wanted.name} {self.wanted.customer or ''}"


@dataclass(frozen=True, slots=True)
class Matched:
    """All pairs by kind, and what people call each token."""

    pairs: Mapping[Kind, Sequence[Pair]]
    names: Mapping[str, str]


def matched(wanted: Mapping[Kind, Sequence[Wanted]], server: Server, *, manager: str) -> Matched:
    """Pair them; raises WrongConfiguration for labels that mean nothing, or several things."""
    faults: list[Fault] = []
    customers = _paired(wanted[Kind.CUSTOMER], server.found[Kind.CUSTOMER], manager)
    tags = _paired(wanted[Kind.TAG], server.found[Kind.TAG], manager)
    named = _customers_named(customers)
    whose = _WithCustomers(named, [pair.wanted.name for pair in customers if pair.wanted], faults)
    monitors = _paired(whose.each(wanted[Kind.MONITOR], needed=True), server.found[Kind.MONITOR], manager)
    channels = _paired(whose.each(wanted[Kind.CHANNEL]), server.found[Kind.CHANNEL], manager)
    windows = whose.each(wanted[Kind.WINDOW])
    with_fallbacks = _replaced(channels, "fallback", _labels(channels, "channel", manager, faults))
    windows = [_with_monitors(each, _labels(monitors, "monitor", manager, faults)) for each in windows]
    pairs = {
        Kind.CUSTOMER: customers,
        Kind.TAG: tags,
        Kind.CHANNEL: with_fallbacks,
        Kind.MONITOR: monitors,
        Kind.WINDOW: _paired(windows, server.found[Kind.WINDOW], manager),
    }
    if faults:
        raise WrongConfiguration(faults)
    names = {pair.token: (pair.wanted or pair.found).name for each in pairs.values() for pair in each}  # type: ignore[union-attr]
    return Matched(pairs, names)


def _paired(wanted: Sequence[Wanted], found: Sequence[Found], manager: str) -> list[Pair]:
    """By key first, then by name and customer; of several the likest. What nobody wants comes last."""
    free = {each.public_id: each for each in found}
    taken: dict[int, Found] = {}
    by_key = {each.key: each for each in found if each.manager == manager and each.key is not None}
    for number, each in enumerate(wanted):
        if each.key is not None and each.key in by_key:
            taken[number] = free.pop(by_key[each.key].public_id)
    for number, each in enumerate(wanted):
        if number in taken:
            continue
        candidates = [other for other in free.values() if _may_be(each, other, manager)]
        if candidates:
            taken[number] = free.pop(min(candidates, key=_likeness(each, manager)).public_id)
    return [Pair(each, taken.get(number)) for number, each in enumerate(wanted)] + [
        Pair(None, each) for each in free.values()
    ]


def _may_be(wanted: Wanted, found: Found, manager: str) -> bool:
    if wanted.kind is Kind.CUSTOMER:
        return wanted.name in (found.name, found.public_id)
    if found.name != wanted.name or (wanted.kind is not Kind.WINDOW and found.customer != wanted.customer):
        return False
    # What has a key of this manager is known by it alone.
    return found.key is None or found.manager != manager


def _likeness(wanted: Wanted, manager: str) -> Callable[[Found], tuple[bool, int, int]]:
    def order(found: Found) -> tuple[bool, int, int]:
        unlike = sum(found.fields[name] != wanted.fields[name] for name in _TELLING.get(wanted.kind, ()))
        return found.manager != manager, unlike, found.number

    return order


def _customers_named(pairs: Iterable[Pair]) -> dict[str, str]:
    """Each word a customer may be called by, and the label it is compared by."""
    named: dict[str, str] = {}
    for pair in pairs:
        label = pair.found.name if pair.found is not None else pair.wanted.name if pair.wanted is not None else ""
        named[label] = label
        if pair.found is not None:
            named[pair.found.public_id] = named[str(pair.found.number)] = label
        if pair.wanted is not None:
            named[pair.wanted.name] = label
    return named


class _WithCustomers:
    """Puts the customers' labels into what is wanted."""

    def __init__(self, named: Mapping[str, str], described: Sequence[str], faults: list[Fault]) -> None:
        self._named = named
        self._only = next(iter(set(named.values())), None) if len(set(named.values())) == 1 else None
        self._described = described
        self._faults = faults

    def each(self, wanted: Iterable[Wanted], *, needed: bool = False) -> list[Wanted]:
        return [self._one(each, needed) for each in wanted]

    def _one(self, wanted: Wanted, needed: bool) -> Wanted:
        said = wanted.customer
        if said is None and (not needed or self._only is not None):
            label = self._only if needed else None
        elif said is None:
            self._faults.append(
                Fault(
                    wanted.place,
                    "customer is required, as there are several; under `defaults:` it is said once for all",
                )
            )
            return wanted
        elif said not in self._named:
            fault = f"there is no customer {said}, or there are several of this name; name it by its publicId"
            self._faults.append(Fault(wanted.place, fault))
            return wanted
        else:
            label = self._named[said]
        return replace(wanted, fields={**wanted.fields, "customer": label})


def _labels(pairs: Sequence[Pair], kind: str, manager: str, faults: list[Fault]) -> Callable[[Wanted, str], str]:
    """Turns what a file calls a thing (key, name, UUID or number) into its token."""
    by_key: dict[str, list[Pair]] = {}
    by_name: dict[str, list[Pair]] = {}
    by_id: dict[str, list[Pair]] = {}
    unwanted: dict[str, list[Pair]] = {}  # in no file, and meant only where nothing in the files is
    for pair in pairs:
        if pair.wanted is not None:
            if pair.wanted.key is not None:
                by_key.setdefault(pair.wanted.key, []).append(pair)
            by_name.setdefault(pair.wanted.name, []).append(pair)
        if pair.found is not None:
            by_id[pair.found.public_id] = by_id[str(pair.found.number)] = [pair]
            if pair.wanted is None:
                unwanted.setdefault(pair.found.name, []).append(pair)
                if pair.found.key is not None and pair.found.manager == manager:
                    by_key.setdefault(pair.found.key, []).append(pair)

    def token(wanted: Wanted, label: str) -> str:
        for known in (by_key, by_name, by_id, unwanted):
            candidates = known.get(label, [])
            if len(candidates) == 1:
                return candidates[0].token
            if candidates:
                faults.append(Fault(wanted.place, f"there are several {kind}s named {label}; give them keys"))
                return label
        faults.append(Fault(wanted.place, f"there is no {kind} {label}"))
        return label

    return token


def _replaced(pairs: Sequence[Pair], name: str, token: Callable[[Wanted, str], str]) -> list[Pair]:
    def one(pair: Pair) -> Pair:
        label: Any = None if pair.wanted is None else pair.wanted.fields[name]
        if pair.wanted is None or label is None:
            return pair
        fields = {**pair.wanted.fields, name: token(pair.wanted, label)}
        return Pair(replace(pair.wanted, fields=fields), pair.found)

    return [one(pair) for pair in pairs]


def _with_monitors(wanted: Wanted, token: Callable[[Wanted, str], str]) -> Wanted:
    tokens = sorted({token(wanted, label) for label in wanted.fields["monitors"]})
    return replace(wanted, fields={**wanted.fields, "monitors": tokens})
