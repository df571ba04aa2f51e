"""Takes a plan's steps, one after the other; what one cannot do is no reason for the others to be left."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cli.api_client import CHANNELS, CUSTOMERS, MONITORS, TAGS, WINDOWS, ApiClient, Refused
from cli.configuration.bodies import body_of
from cli.configuration.fingerprints import Fingerprints
from cli.configuration.matching import Pair
from cli.configuration.normal import Found, Kind, Wanted
from cli.configuration.planning import Action, Plan, Step
from cli.failing import Failed

_MONITOR_TAGS = "/api/monitor-tags"
_PATHS = {
    Kind.CUSTOMER: CUSTOMERS,
    Kind.TAG: TAGS,
    Kind.CHANNEL: CHANNELS,
    Kind.MONITOR: MONITORS,
    Kind.WINDOW: WINDOWS,
}
_HTTP_FORBIDDEN = {401, 403}


class _NotThere(Exception):
    """Another thing that this one needs could not be made."""


@dataclass(slots=True)
class Outcome:
    """What came of a plan."""

    done: list[Step] = field(default_factory=list)
    failed: list[tuple[Step, str]] = field(default_factory=list)
    stopped: str | None = None  # why the rest was not tried


async def carry_out(
    api: ApiClient,
    plan: Plan,
    *,
    manager: str,
    fingerprints: Fingerprints,
    said: Callable[[int, Step, str | None], None],
) -> Outcome:
    """Take every step; `said` is told each one's number and why it failed, None where it did not."""
    taking = _Taking(api, plan, manager, fingerprints)
    outcome = Outcome()
    for number, step in enumerate(plan.steps, 1):
        try:
            await taking.take(step)
        except (Refused, _NotThere) as error:
            outcome.failed.append((step, str(error)))
            said(number, step, str(error))
            if isinstance(error, Refused) and error.status in _HTTP_FORBIDDEN and not outcome.done:
                outcome.stopped = "the token may not do this"
                break
        except Failed as error:
            outcome.stopped = str(error)
            break
        else:
            outcome.done.append(step)
            said(number, step, None)
    return outcome


class _Taking:
    def __init__(self, api: ApiClient, plan: Plan, manager: str, fingerprints: Fingerprints) -> None:
        self._api = api
        self._manager = manager
        self._fingerprints = fingerprints
        self._made: dict[tuple[Kind, str], Any] = {}
        for kind, pairs in plan.matched.pairs.items():
            for pair in pairs:
                if pair.found is not None:
                    self._know(kind, pair, pair.found.public_id, pair.found.number)

    async def take(self, step: Step) -> None:
        wanted, found = step.pair.wanted, step.pair.found
        if step.action is Action.REMOVE and found is not None:
            await self._remove(found)
        elif step.action is Action.CREATE and wanted is not None:
            await self._create(step, wanted)
        elif wanted is not None and found is not None:
            await self._change(step, wanted, found)

    async def _create(self, step: Step, wanted: Wanted) -> None:
        body = body_of(step, wanted, self._resolved, manager=self._manager)
        later: dict[str, Any] = {}
        if step.kind is Kind.CUSTOMER:
            # These two are taken only where a customer is changed.
            told = {name: body.pop(name) for name in ("allowedCheckCountryCodes", "alertLocationThresholdCount")}
            later = {name: value for name, value in told.items() if value is not None}
        answer = await self._api.request("POST", _PATHS[step.kind], body=body)
        made = answer["customer"] if step.kind is Kind.CUSTOMER else answer
        self._know(step.kind, step.pair, str(made["publicId"]), made["id"])
        self._fingerprints.remember(str(made["publicId"]), dict(step.secrets))
        if later:
            await self._api.request("PATCH", f"{CUSTOMERS}/{made['publicId']}", body=later)
        if step.kind is Kind.MONITOR:
            await self._tag(made["id"], set(wanted.fields["tags"]), set())

    async def _change(self, step: Step, wanted: Wanted, found: Found) -> None:
        body = body_of(step, wanted, self._resolved, manager=self._manager)
        if step.kind is Kind.WINDOW and _leaves_its_customer(wanted, found):
            # The API keeps a customer that is not named; so it is another window.
            await self._remove(found)
            whole = Step(Action.CREATE, Pair(wanted, None), step.changes)
            await self._api.request("POST", WINDOWS, body=body_of(whole, wanted, self._resolved, manager=self._manager))
            return
        if body:
            await self._api.request("PATCH", f"{_PATHS[step.kind]}/{found.public_id}", body=body)
        self._fingerprints.remember(found.public_id, dict(step.secrets))
        if step.kind is Kind.MONITOR:
            await self._tag(found.number, set(wanted.fields["tags"]), set(found.fields["tags"]))

    async def _remove(self, found: Found) -> None:
        try:
            await self._api.request("DELETE", f"{_PATHS[found.kind]}/{found.public_id}")
        except Refused as error:
            if error.status != 404:
                raise
        self._fingerprints.forget(found.public_id)

    async def _tag(self, monitor: int, wanted: set[str], there: set[str]) -> None:
        for method, names in (("POST", wanted - there), ("DELETE", there - wanted)):
            for name in sorted(names):
                body = {"monitorType": "imap_pop", "monitorId": monitor, "tagId": self._resolved(Kind.TAG, name)}
                try:
                    await self._api.request(method, _MONITOR_TAGS, body=body)
                except Refused as error:
                    if method != "DELETE" or error.status != 404:
                        raise

    def _know(self, kind: Kind, pair: Pair, public_id: str, number: int) -> None:
        names = {pair.token}
        if kind in (Kind.CUSTOMER, Kind.TAG):
            names |= {each.name for each in (pair.wanted, pair.found) if each is not None}
        for name in names:
            self._made[kind, name] = number if kind is Kind.TAG else public_id

    def _resolved(self, kind: Kind, label: str) -> Any:
        found = self._made.get((kind, label))
        if found is None:
            raise _NotThere(f"the {kind} it needs could not be made")
        return found


def _leaves_its_customer(wanted: Wanted, found: Found) -> bool:
    return found.customer is not None and wanted.customer is None and not wanted.fields["monitors"]
