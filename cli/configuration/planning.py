"""What has to be done so that a mailprobe is as the files want it. Pure, but for secrets, which are read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cli.configuration.fingerprints import Fingerprints
from cli.configuration.matching import Matched, Pair
from cli.configuration.normal import BINDING_FIELDS, Found, Kind, Wanted
from cli.configuration.places import Fault, WrongConfiguration
from cli.configuration.secret_sources import SecretMissing, SecretSource

# Where their secrets go may change with these, so that all have to be sent again.
_CHANNEL_PLACES = frozenset({"type", "config"})
_MANAGER = "managedBy"
_KEY = "key"


class Action(StrEnum):
    """What is done with one thing."""

    CREATE = "create"
    CHANGE = "change"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Change:
    """One field that becomes another. Of a secret only that it does."""

    field: str
    before: Any
    after: Any
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to be made, changed or removed; `secrets` are those to send, None for one to be taken away."""

    action: Action
    pair: Pair
    changes: tuple[Change, ...] = ()
    secrets: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def kind(self) -> Kind:
        return self._either.kind

    @property
    def name(self) -> str:
        return self._either.name

    @property
    def customer(self) -> str | None:
        return self._either.customer

    @property
    def _either(self) -> Wanted | Found:
        either = self.pair.wanted or self.pair.found
        assert either is not None  # noqa: S101 - a pair has one of them
        return either


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps in the order they are to be taken, and what was seen beside."""

    steps: tuple[Step, ...]
    names: Mapping[str, str]
    same: int
    abandoned: int  # of this manager, no longer wanted, and left alone as nobody said --prune
    assumed: int  # secrets that are set and of which nothing is known to say that they changed
    matched: Matched

    def count(self, action: Action) -> int:
        """How many steps do this."""
        return sum(step.action is action for step in self.steps)


def planned(
    matched: Matched,
    *,
    manager: str,
    prune: bool,
    take_over: bool,
    resend: bool,
    fingerprints: Fingerprints,
    secrets_needed: bool,
) -> Plan:
    """Compare; raises WrongConfiguration.

    Args:
        resend: send every secret, changed or not.
        secrets_needed: a secret that has to be sent and is not to be had is a fault, not just a difference.
    """
    comparing = _Comparing(manager, take_over, resend, fingerprints, secrets_needed)
    steps: list[Step] = []
    same = 0
    for kind in Kind:
        for pair in matched.pairs[kind]:
            if pair.wanted is None:
                continue
            step = comparing.step(pair, pair.wanted)
            if step is None:
                same += 1
            else:
                steps.append(step)
    removed = [
        Step(Action.REMOVE, pair)
        for kind in reversed(Kind)
        for pair in matched.pairs[kind]
        if pair.wanted is None and pair.found is not None and pair.found.manager == manager
    ]
    if comparing.faults:
        raise WrongConfiguration(comparing.faults)
    return Plan(
        steps=(*steps, *(removed if prune else ())),
        names=matched.names,
        same=same,
        abandoned=0 if prune else len(removed),
        assumed=comparing.assumed,
        matched=matched,
    )


class _Comparing:
    def __init__(
        self, manager: str, take_over: bool, resend: bool, fingerprints: Fingerprints, secrets_needed: bool
    ) -> None:
        self.faults: list[Fault] = []
        self.assumed = 0
        self._manager = manager
        self._take_over = take_over
        self._resend = resend
        self._fingerprints = fingerprints
        self._secrets_needed = secrets_needed

    def step(self, pair: Pair, wanted: Wanted) -> Step | None:
        found = pair.found
        if found is None:
            changes = tuple(Change(name, None, value) for name, value in wanted.fields.items())
            return Step(Action.CREATE, pair, changes, self._all_secrets(wanted))
        if wanted.implied:
            return None
        changes = tuple(self._changes(wanted, found))
        secrets = self._secrets(wanted, found, {change.field for change in changes})
        changes += tuple(
            Change(name, name in found.secret_names or None, None if value is None else True, secret=True)
            for name, value in secrets.items()
        )
        return Step(Action.CHANGE, pair, changes, secrets) if changes else None

    def _changes(self, wanted: Wanted, found: Found) -> Iterator[Change]:
        if wanted.kind is not Kind.CUSTOMER:
            yield from self._ownership(wanted, found)
            if wanted.name != found.name:
                yield Change("name", found.name, wanted.name)
        if wanted.kind is Kind.CHANNEL and wanted.customer != found.customer:
            said = (
                f"the channel {wanted.name} is another customer's, which cannot change; remove it, or use another key"
            )
            self.faults.append(Fault(wanted.place, said))
        for name, value in wanted.fields.items():
            if found.fields[name] != value:
                yield Change(name, found.fields[name], value)

    def _ownership(self, wanted: Wanted, found: Found) -> Iterator[Change]:
        if found.manager not in (None, self._manager) and not self._take_over:
            said = f"the {wanted.kind} {wanted.name} is managed by {found.manager}; --take-over makes it ours"
            self.faults.append(Fault(wanted.place, said))
        if found.manager != self._manager:
            yield Change(_MANAGER, found.manager, self._manager)
        if found.key != wanted.key:
            yield Change(_KEY, found.key, wanted.key)

    def _secrets(self, wanted: Wanted, found: Found, changed: set[str]) -> dict[str, Any]:
        """Those to send: new, known to be others than before, or on their way to another place."""
        moved = bool(changed & (BINDING_FIELDS if wanted.kind is Kind.MONITOR else _CHANNEL_PLACES))
        sent: dict[str, Any] = {}
        for name, source in wanted.secrets.items():
            if moved or self._resend or name not in found.secret_names:
                sent[name] = self._read(wanted, name, source)
                continue
            value = self._read(wanted, name, source, needed=False)
            known = self._fingerprints.knows(found.public_id, name, value)
            if known is False:
                sent[name] = value
            elif known is None:
                self.assumed += 1
        gone = found.secret_names - wanted.secrets.keys()
        if "type" in changed or wanted.fields.get("user") is not None:
            # Secrets of another type go with it, and the password of a user may be kept by hand.
            gone = frozenset()
        return {**sent, **dict.fromkeys(sorted(gone))}

    def _all_secrets(self, wanted: Wanted) -> dict[str, Any]:
        return {name: self._read(wanted, name, source) for name, source in wanted.secrets.items()}

    def _read(self, wanted: Wanted, name: str, source: Any, *, needed: bool = True) -> Any:
        try:
            if isinstance(source, SecretSource):
                return source.read(wanted.folder)
            return {header: each.read(wanted.folder) for header, each in source.items()}
        except SecretMissing as error:
            if needed and self._secrets_needed:
                self.faults.append(Fault(wanted.place, f"{name} of {wanted.name} has to be sent, and {error}"))
            return None if not needed else ""


def removals(steps: Sequence[Step]) -> list[Step]:
    """Those that take something away."""
    return [step for step in steps if step.action is Action.REMOVE]
