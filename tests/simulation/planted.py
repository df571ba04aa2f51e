"""Twenty mistakes planted in the real services, one at a time, for the simulation to find.

Each is a small patch of a function as it is, of the kind that passes for code; two are of SQL, made in its twin. None
was chosen by whether it is found: what is found, and by which seed, is measured by `make simulate`.
"""

import contextlib
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any
from unittest import mock

from services.notifier import ripening_store, sending
from services.result_recorder import folding, health, login_book, recording, result_store, settling
from services.result_recorder.incidents import places
from services.result_recorder.incidents.rules import Thresholds
from services.result_recorder.settling import Settler
from services.scheduler import candidates, dispatcher, lease_store, logins, publishing
from services.scheduler import login_store as granting_store
from services.scheduler.audit import Audit
from shared.broker.seam import BrokerUnavailable, PublishOutcome
from shared.probing.job_handling import admission, consuming
from shared.probing.job_handling.admission import Admission, Verdict
from shared.probing.job_handling.consuming import JobHandler
from shared.probing.job_handling.ledger import Settled
from tests.simulation import statements_of_notifier
from tests.simulation.memory_database import TWINS, Transaction

Patch = tuple[Any, str, Any]


@dataclass(frozen=True, slots=True)
class Planted:
    """A mistake: what was done wrong, and where."""

    name: str
    where: str
    patches: tuple[Patch, ...] = ()
    twins: tuple[tuple[str, Callable[..., Any]], ...] = ()

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for owner, name, value in self.patches:
                stack.enter_context(mock.patch.object(owner, name, value))
            stack.enter_context(mock.patch.dict(TWINS, dict(self.twins)))
            yield


# The scheduler

_passed_over = candidates.passed_over


def _one_slot_too_few(row: Any, location: str) -> Any:
    return _passed_over({**row, "was": row["was"] + row["interval_ms"]}, location)


async def _unfenced(connection: Any, epoch: int) -> int:
    return int(await connection.fetchval(lease_store._CLOCK))


_report = Audit._report


async def _report_once(self: Audit, rows: list[Any]) -> None:
    """Moves on, though the broker did not take it."""
    with contextlib.suppress(BrokerUnavailable):
        await _report(self, rows)


_carry_out = publishing.carry_out
_slot_check = candidates.slot_check


def _new_id_each_time(*args: Any) -> Any:
    check = _slot_check(*args)
    return check and replace(check, check_id=uuid.uuid4())


async def _grants_everybody(connection: Any, wanted: list[Any], *, now_ms: int) -> Any:
    await _take_grants(connection, wanted, now_ms=now_ms)
    return {want.check_id for want in wanted}


_take_grants = granting_store.take_grants


def _at_once(history: Any, credential_id: Any, now_ms: int, *, asked_at: int | None = None) -> int:
    return now_ms


_catch_up = dispatcher.catch_up


def _twice(term: Any, late: list[Any], *, now_ms: int) -> Any:
    again = [replace(check, check_id=uuid.uuid4()) for check in late]
    return _catch_up(term, [*late, *again], now_ms=now_ms)


class _SwallowsLostConfirms:
    """Takes a lost connection for a yes."""

    def __init__(self, broker: Any) -> None:
        self._broker = broker

    async def publish(self, messages: Any, **more: Any) -> Any:
        try:
            return await self._broker.publish(messages, **more)
        except BrokerUnavailable:
            return [PublishOutcome.CONFIRMED] * len(messages)


async def _without_confirms(term: Any, *args: Any, **more: Any) -> bool:
    careless = SimpleNamespace(
        broker=_SwallowsLostConfirms(term.broker), pool=term.pool, epoch=term.epoch, pacer=term.pacer
    )
    return await _carry_out(careless, *args, **more)  # type: ignore[arg-type]


async def _pulls_nothing_back(connection: Any, queue: Any, *, now_ms: int) -> int:
    return 0


# Workers


async def _ack_first(self: JobHandler, delivery: Any, lane: Any) -> None:
    """Acknowledged before the results are confirmed."""
    await delivery.ack()
    await _handle(self, delivery, lane)


_handle = JobHandler.handle


async def _stale_unsaid(self: JobHandler, job: Any, admission: Admission) -> Settled:
    return Settled.ANSWERED


def _checks_anyhow(job: Any, arrival: Any, *, now_ms: int) -> Admission:
    """A redelivered login is simply made once more."""
    return Admission(Verdict.MISS) if admission.is_stale(job, now_ms=now_ms) else Admission(Verdict.CHECK)


# The recorder


async def _ack_before_keeping(self: Settler[Any], stop: Any) -> None:
    while batch := await self._gathering.batch():
        for waiting in batch:
            await settling._settle(waiting.ack(), waiting)
        await self._kept_but([(place, item) for place, each in enumerate(batch) for item in each.content], stop)


def _no_unique_key(tx: Transaction, *columns: list[Any]) -> Any:
    """Results go in as they come."""
    new = []
    for values in zip(*columns, strict=True):
        row = dict(zip(result_store._COLUMNS, values, strict=True)) | {"recorded_at": tx.now_ms}
        row["detail"] = json.loads(row["detail"])
        key = (row["check_id"], row["slot_at"])
        tx.put("results", key if tx.get("results", key) is None else (*key, tx.database.next_id()), row)
        new.append(row)
    return new


def _any_order(states: Any, findings: Any, *, soft_tolerated: int = 9) -> Any:
    """Late ones are applied on top of newer ones."""
    known = {at: replace(state, last_slot=0) for at, state in states.items()}
    return _fold(known, findings, soft_tolerated=soft_tolerated)


_fold = folding.fold


# Incidents and telling


def _ripe_at_any_time(tx: Transaction, now_ms: int, held: list[str], most: int) -> Any:
    """The next message does not wait for the last one to arrive."""
    with mock.patch.object(statements_of_notifier, "on_its_way", return_value=False):
        return statements_of_notifier.ripe_targets(tx, now_ms, held, most)


class _KeyOfItsOwn:
    """Each try under another key."""

    def __new__(cls, public_id: Any, number: int, at_ms: int) -> Any:
        return _Attempt(uuid.uuid4() if number > 1 else public_id, number, at_ms)


_Attempt = sending.Attempt


PLANTED = (
    Planted("a slot too few passed over", "dispatcher", ((dispatcher, "passed_over", _one_slot_too_few),)),
    Planted("the lease not fenced", "lease_store", ((lease_store, "_passed_fence", _unfenced),)),
    Planted("the audit moves on unheard", "audit", ((Audit, "_report", _report_once),)),
    Planted("another check_id at each claim", "candidates", ((dispatcher, "slot_check", _new_id_each_time),)),
    Planted("one login at a time not kept", "logins", ((granting_store, "take_grants", _grants_everybody),)),
    Planted(
        "the ladder skipped",
        "shared/checks/logins",
        ((logins, "login_allowed_at", _at_once), (login_book, "login_allowed_at", _at_once)),
    ),
    Planted("caught up with twice", "deciding", ((dispatcher, "catch_up", _twice),)),
    Planted("committed without confirms", "publishing", ((dispatcher, "carry_out", _without_confirms),)),
    Planted(
        "slots of the future not pulled back",
        "schedule_store",
        ((dispatcher.schedule_store, "pull_back", _pulls_nothing_back),),
    ),
    Planted("a job acknowledged before its result", "consuming", ((JobHandler, "handle", _ack_first),)),
    Planted("stale jobs not reported", "consuming", ((JobHandler, "_miss", _stale_unsaid),)),
    Planted("a login repeated by redelivery", "admission", ((consuming, "admit", _checks_anyhow),)),
    Planted("results acknowledged before they are kept", "settling", ((Settler, "run", _ack_before_keeping),)),
    Planted("results kept as often as they come", "result_store", twins=((result_store._INSERT, _no_unique_key),)),
    Planted("late findings over newer ones", "folding", ((recording, "fold", _any_order),)),
    Planted("our own faults counted", "health", ((health.Finding, "counts", property(lambda _: True)),)),
    Planted("one failure is enough", "rules", ((Thresholds, "confirming_weight", property(lambda _: 1)),)),
    Planted("the first pass is recovery", "places", ((places, "PASSES_TO_RECOVER", 1),)),
    Planted("messages overtake", "ripening_store", twins=((ripening_store._RIPE_TARGETS, _ripe_at_any_time),)),
    Planted("a new key at each try", "sending", ((sending, "Attempt", _KeyOfItsOwn),)),
)
