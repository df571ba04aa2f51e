"""The layer around every operation that makes or changes something, and around those that show a single resource.

A request with an `Idempotency-Key`, a condition or `?dryRun=true` runs within one transaction that this layer opens:
the handler's own becomes a part of it. So the kept answer and what it tells of are stored together or not at all, a
condition is judged while the row is held, and what was only tried is rolled back. What has to leave the transaction
before it is answered (`Operation.outside`: a test on a real worker) is `outside`'s.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus

from aiohttp import web

from services.api_gateway.calls import Call, CallHandler
from services.api_gateway.manners import entity_tags as tags
from services.api_gateway.manners.entity_tags import Tagged
from services.api_gateway.manners.kept_answer_store import claim, keep
from services.api_gateway.manners.outside import once_outside
from services.api_gateway.manners.replaying import asker_of, kept, key_of, replayed
from services.api_gateway.manners.trying import DRY_RUN_HEADER, wants_dry_run
from services.api_gateway.operation import Operation
from services.api_gateway.reading import read_body
from shared.database.pool import Connection

_SHOWING = frozenset({"GET", "HEAD"})


def well_mannered(operation: Operation, resource: Operation | None) -> CallHandler:
    """The operation's handler with everything all operations do alike.

    Args:
        resource: what shows the single resource that the operation changes or makes, if it has a tag.
    """
    assert operation.handler is not None  # noqa: S101 - asked of operations for known callers alone
    if operation.method in _SHOWING:
        if operation.tagged is None:
            return operation.handler
        return _Showing(operation.handler, operation.tagged).answer
    return _Doing(operation, operation.handler, resource).answer


@dataclass(frozen=True, slots=True)
class _Showing:
    """A single resource, with its tag; 304 to who has it already."""

    handler: CallHandler
    tagged: Tagged

    async def answer(self, call: Call) -> web.Response:
        known = tags.read_condition(call.request, tags.IF_NONE_MATCH)
        response = await self.handler(call)
        tag = tags.entity_tag(_body(response), self.tagged)
        if known is not None and tags.is_known(known, tag):
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers={tags.HEADER: tag})
        response.headers[tags.HEADER] = tag
        return response


class _TriedOnly(Exception):
    """Ends the transaction of what was only tried; carries the answer out of it."""

    def __init__(self, answer: web.Response) -> None:
        self.answer = answer
        super().__init__()


@dataclass(frozen=True, slots=True)
class _Doing:
    """What makes or changes something."""

    operation: Operation
    handler: CallHandler
    resource: Operation | None

    async def answer(self, call: Call) -> web.Response:
        dry = wants_dry_run(call.request, possible=self.operation.dry_run)
        condition = tags.read_condition(call.request, tags.IF_MATCH) if self.resource else None
        # Read first: nobody's slow line shall hold a transaction open.
        body = await read_body(call.request, cap=self.operation.body_cap)
        key = key_of(call, body) if self.operation.method == "POST" else None
        if self.operation.outside:
            return await self.handler(call) if key is None else await once_outside(call, key, self.handler)
        if not dry and key is None and self.resource is None:
            return await self.handler(call)
        try:
            async with call.transaction() as connection:
                within = replace(call, joined=connection)
                if key is None or dry:
                    return await self._done(within, connection, condition, dry=dry)
                asker = asker_of(call)
                before = await claim(connection, asker, key)
                if before is not None:
                    return replayed(before)
                response = await self._done(within, connection, condition, dry=False)
                await keep(connection, asker, key, kept(response))
                return response
        except _TriedOnly as tried:
            return tried.answer

    async def _done(
        self, call: Call, connection: Connection, condition: tags.Condition | None, *, dry: bool
    ) -> web.Response:
        if condition is not None and self.resource is not None:
            await _require(call, connection, condition, self.resource)
        response = await self.handler(call)
        if dry:
            raise _TriedOnly(_as_tried(response))
        if self.resource is not None and response.status in (HTTPStatus.OK, HTTPStatus.CREATED):
            tag = await _tag_after(call, self.operation, self.resource, response)
            if tag is not None:
                response.headers[tags.HEADER] = tag
        return response


async def _require(call: Call, connection: Connection, condition: tags.Condition, resource: Operation) -> None:
    """Raises Problem 412 where the condition does not hold; nobody changes the resource from here on."""
    assert resource.tagged is not None  # noqa: S101 - see `resources_of`
    if resource.tagged.hold is not None:
        await resource.tagged.hold(call, connection)
    current = await _current_tag(call, resource, resource.tagged)
    if not tags.may_change(condition, current):
        raise tags.changed_meanwhile(current)


async def _current_tag(call: Call, resource: Operation, tagged: Tagged) -> str:
    assert resource.handler is not None  # noqa: S101 - see `resources_of`
    return tags.entity_tag(_body(await resource.handler(call)), tagged)


async def _tag_after(call: Call, operation: Operation, resource: Operation, response: web.Response) -> str | None:
    """The tag of what was changed or made, read in the same transaction: it is not of somebody's change after it."""
    if operation.method == "DELETE" or resource.tagged is None:
        return None
    if operation.method == "POST":
        location = response.headers.get("Location")
        if location is None:
            return None
        # What shows it goes by the name in its address.
        call.request.match_info[resource.path.rpartition("{")[2].rstrip("}")] = location.rpartition("/")[2]
    return await _current_tag(call, resource, resource.tagged)


def resources_of(operations: tuple[Operation, ...]) -> Mapping[str, Operation]:
    """By path: what shows the single resource there (of an item), or what is made there (of a list)."""
    found: dict[str, Operation] = {}
    for operation in operations:
        if operation.method == "GET" and operation.tagged is not None:
            found[operation.path] = operation
            parent, _, last = operation.path.rpartition("/")
            if last.startswith("{"):
                found.setdefault(parent, operation)
    return found


def _as_tried(response: web.Response) -> web.Response:
    """The answer of what was only tried: nothing was made, so there is no place where it stands."""
    if response.status == HTTPStatus.CREATED:
        response.set_status(HTTPStatus.OK)
    response.headers.popall("Location", None)
    response.headers[DRY_RUN_HEADER] = "true"
    return response


def _body(response: web.Response) -> Mapping[str, object]:
    shown: Mapping[str, object] = json.loads(response.text or "{}")
    return shown
