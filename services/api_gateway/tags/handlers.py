"""Tags over HTTP. They are the organization's words: a customer's token sees and uses them, but makes none."""

from http import HTTPStatus
from uuid import UUID

from aiohttp import web

from services.api_gateway.calls import Call, json_answer
from services.api_gateway.identifiers import read_identifier
from services.api_gateway.monitors.models import Deleted
from services.api_gateway.ownership.ownership_store import Owned, Ownership
from services.api_gateway.ownership.rules import own
from services.api_gateway.problems import Fault, Problem, not_found, wrong_fields
from services.api_gateway.reading import read_model, read_object, validated
from services.api_gateway.tags.models import ANSWER_ONLY, MonitorTag, MonitorTagged, Tag, TagCreate, TagPatch, Tags
from services.api_gateway.tags.tag_store import (
    TaggedMonitor,
    assign_tag,
    delete_tag,
    find_monitor_to_tag,
    find_tag,
    insert_tag,
    list_tags,
    unassign_tag,
    update_tag,
)
from shared.database.pool import Connection

PATH = "/api/tags"
MONITOR_TAGS = "/api/monitor-tags"


async def show_tags(call: Call) -> web.Response:
    """`GET /api/tags`: a bare array."""
    async with call.transaction() as connection:
        found = await list_tags(connection, call.organization_id)
    return json_answer(Tags(found))


async def show_tag(call: Call) -> web.Response:
    """`GET /api/tags/{id}`."""
    identifier = read_identifier(call.request.match_info["id"])
    if identifier is None:
        raise Problem(HTTPStatus.BAD_REQUEST, "Invalid tag ID")
    async with call.transaction() as connection:
        tag = await find_tag(connection, call.organization_id, identifier)
    if tag is None:
        raise not_found("Tag")
    return json_answer(tag)


async def create_tag(call: Call) -> web.Response:
    """`POST /api/tags`."""
    call.principal.require_write()
    call.principal.require_organization_wide()
    body, unkeepable = await read_object(call.request)
    fields = {key: value for key, value in body.items() if key not in ANSWER_ONLY}
    sent, faults = validated(TagCreate, fields, known=unkeepable)
    if sent is None:
        raise _wrong_tag(faults)
    async with call.transaction() as connection:
        tag = await insert_tag(connection, call.organization_id, sent)
        if tag is None:
            raise _name_is_taken()
        if await own(connection, call.organization_id, Owned.TAG, tag.id, sent):
            tag = await find_tag(connection, call.organization_id, tag.id) or tag
    return json_answer(tag, status=HTTPStatus.CREATED, location=f"{PATH}/{tag.public_id}")


async def change_tag(call: Call) -> web.Response:
    """`PATCH /api/tags/{id}`."""
    call.principal.require_write()
    call.principal.require_organization_wide()
    identifier = _identifier(call)
    body, unkeepable = await read_object(call.request)
    fields = {key: value for key, value in body.items() if key not in ANSWER_ONLY}
    sent, faults = validated(TagPatch, fields, known=unkeepable)
    async with call.transaction() as connection:
        tag = await find_tag(connection, call.organization_id, identifier)
        if tag is None:
            raise not_found("Tag")
        if sent is None:
            raise _wrong_tag(faults)
        told = sent.model_fields_set
        name, color = sent.name if "name" in told else tag.name, sent.color if "color" in told else tag.color
        changed = await update_tag(connection, tag, name=name, color=color)
        if changed is None:
            raise _name_is_taken()
        before = Ownership(tag.managed_by, tag.external_key)
        if await own(connection, call.organization_id, Owned.TAG, tag.id, sent, before):
            changed = await find_tag(connection, call.organization_id, tag.id)
    return json_answer(changed or tag)


async def remove_tag(call: Call) -> web.Response:
    """`DELETE /api/tags/{id}`."""
    call.principal.require_write()
    call.principal.require_organization_wide()
    identifier = _identifier(call)
    async with call.transaction() as connection:
        tag = await find_tag(connection, call.organization_id, identifier)
        if tag is None:
            raise not_found("Tag")
        await delete_tag(connection, tag)
    return json_answer(Deleted())


def _identifier(call: Call) -> int | UUID:
    identifier = read_identifier(call.request.match_info["id"])
    if identifier is None:
        raise Problem(HTTPStatus.BAD_REQUEST, "Invalid tag ID")
    return identifier


def _wrong_tag(faults: list[Fault]) -> Problem:
    wrong_color = any(fault.pointer == "/color" for fault in faults)
    return wrong_fields(faults, code="invalidTagColor" if wrong_color else None)


def _name_is_taken() -> Problem:
    said = "there is a tag of this name already"
    return Problem(HTTPStatus.CONFLICT, said, faults=[Fault(pointer="/name", detail=said)])


async def tag_monitor(call: Call) -> web.Response:
    """`POST /api/monitor-tags`: once is as good as twice."""
    call.principal.require_write()
    sent = await _read_monitor_tag(call)
    async with call.transaction() as connection:
        monitor, tag = await _both(connection, call, sent)
        since = await assign_tag(connection, monitor, tag)
    return json_answer(MonitorTagged(monitor_id=monitor.id, tag_id=tag.id, created_at=since))


async def untag_monitor(call: Call) -> web.Response:
    """`DELETE /api/monitor-tags`."""
    call.principal.require_write()
    sent = await _read_monitor_tag(call)
    async with call.transaction() as connection:
        monitor, tag = await _both(connection, call, sent)
        if not await unassign_tag(connection, monitor, tag):
            raise not_found("Tag assignment")
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def _read_monitor_tag(call: Call) -> MonitorTag:
    return await read_model(call.request, MonitorTag, ignored={"createdAt"})


async def _both(connection: Connection, call: Call, sent: MonitorTag) -> tuple[TaggedMonitor, Tag]:
    monitor = await find_monitor_to_tag(connection, call.organization_id, sent.monitor_id)
    if monitor is None:
        raise not_found("IMAP/POP monitor")
    call.principal.require_customer(monitor.customer_id)
    tag = await find_tag(connection, call.organization_id, sent.tag_id)
    if tag is None:
        raise not_found("Tag")
    return monitor, tag
