"""`POST /api/imap-pop-monitors:batch`: many changes in one transaction, each by itself a part of it.

A change that is refused is undone alone. Where the database goes away in the middle, nothing is kept of any.
"""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from aiohttp import web

from services.api_gateway.answering import REQUEST_ID, problem_of
from services.api_gateway.batch.models import Batch, BatchAnswer, BatchItem, BatchResult, Method
from services.api_gateway.calls import Call, json_answer
from services.api_gateway.monitors.handlers import PATH as MONITORS
from services.api_gateway.monitors.handlers import monitor_changed, monitor_made, monitor_removed
from services.api_gateway.problems import Fault, Problem, wrong_fields
from services.api_gateway.reading import Body, read_object, validated
from services.api_gateway.strict_json import MOST_FAULTS, pointer
from shared.database.errors import DatabaseConflict, DatabaseRejected

PATH = f"{MONITORS}:batch"
BODY_CAP_BYTES = 4 * 1024 * 1024

_METHODS: tuple[Method, ...] = ("create", "update", "delete")


async def change_many(call: Call) -> web.Response:
    """Make every change that can be made, and say of each what became of it."""
    call.principal.require_change_of(())
    fields, unkeepable = await read_object(call.request, cap=BODY_CAP_BYTES)
    if len(unkeepable) >= MOST_FAULTS:
        raise wrong_fields(unkeepable)  # there may be more that nobody noted
    of_batch = [fault for fault in unkeepable if not fault.pointer.startswith("/items/")]
    sent, faults = validated(Batch, fields, known=of_batch)
    if sent is None:
        raise wrong_fields(faults)
    results = []
    async with call.transaction() as connection:
        within = replace(call, joined=connection)
        for index, item in enumerate(fields["items"]):
            results.append(await _result(within, index, item, _faults_below(unkeepable, pointer("items", index))))
    failed = sum(result.problem is not None for result in results)
    return json_answer(BatchAnswer(succeeded=len(results) - failed, failed=failed, results=results))


async def _result(call: Call, index: int, item: Any, unkeepable: Sequence[Fault]) -> BatchResult:
    method = item.get("method") if isinstance(item, dict) else None
    known: Method | None = method if method in _METHODS else None
    try:
        return await _changed(call, index, item, unkeepable)
    except (Problem, DatabaseRejected, DatabaseConflict) as error:
        problem = problem_of(error).below(pointer("items", index))
        return BatchResult(
            index=index,
            method=known,
            status=problem.status,
            public_id=None,
            monitor=None,
            problem=problem.body(call.request[REQUEST_ID]),
        )


async def _changed(call: Call, index: int, item: Any, unkeepable: Sequence[Fault]) -> BatchResult:
    if not isinstance(item, dict):
        raise wrong_fields([Fault(pointer="", detail="an item must be an object")])
    of_item = [fault for fault in unkeepable if not fault.pointer.startswith("/body")]
    sent, faults = validated(BatchItem, item, known=of_item)
    if sent is None:
        raise wrong_fields(faults)
    _require_fitting(sent)
    body = Body(sent.body or {}, _faults_below(unkeepable, "/body"))
    try:
        match sent.method:
            case "create":
                made = await monitor_made(call, body)
                return _done(index, sent, HTTPStatus.CREATED, made.public_id, made)
            case "update":
                assert sent.public_id is not None  # noqa: S101 - see _require_fitting
                changed = await monitor_changed(call, sent.public_id, body)
                return _done(index, sent, HTTPStatus.OK, sent.public_id, changed)
            case "delete":
                assert sent.public_id is not None  # noqa: S101 - see _require_fitting
                await monitor_removed(call, sent.public_id)
                return _done(index, sent, HTTPStatus.OK, sent.public_id, None)
    except Problem as problem:
        raise problem.below("/body") from None


def _done(index: int, sent: BatchItem, status: HTTPStatus, public_id: Any, monitor: Any) -> BatchResult:
    return BatchResult(
        index=index, method=sent.method, status=status, public_id=public_id, monitor=monitor, problem=None
    )


def _require_fitting(sent: BatchItem) -> None:
    """Raises Problem 400 where an item lacks what its method takes, or has what it does not."""
    faults = []
    wants_id, wants_body = sent.method != "create", sent.method != "delete"
    for name, value, wanted in (("publicId", sent.public_id, wants_id), ("body", sent.body, wants_body)):
        if wanted and value is None:
            faults.append(Fault(pointer=f"/{name}", detail=f"{name} is required to {sent.method} a monitor"))
        if not wanted and value is not None:
            faults.append(Fault(pointer=f"/{name}", detail=f"{name} has no place where one is to {sent.method}"))
    if faults:
        raise wrong_fields(faults)


def _faults_below(faults: Sequence[Fault], place: str) -> list[Fault]:
    """Those within this place, as seen from there."""
    return [
        Fault(pointer=fault.pointer.removeprefix(place), detail=fault.detail)
        for fault in faults
        if fault.pointer == place or fault.pointer.startswith(f"{place}/")
    ]
