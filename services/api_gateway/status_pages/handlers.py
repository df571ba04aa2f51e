"""Status pages over HTTP, for those who describe them. What others see of them is shown by `showing`."""

from http import HTTPStatus
from uuid import UUID

from aiohttp import web

from services.api_gateway.calls import Call, json_answer
from services.api_gateway.identifiers import read_uuid
from services.api_gateway.maintenance.window_store import known_monitors, known_tags
from services.api_gateway.monitors.handlers import customer_in_scope, wanted_customers
from services.api_gateway.monitors.models import Deleted
from services.api_gateway.problems import Fault, Problem, not_found, wrong_fields
from services.api_gateway.reading import read_object, read_query, validated
from services.api_gateway.status_pages.addresses import page_address
from services.api_gateway.status_pages.models import (
    ANSWER_ONLY,
    ComponentAnswer,
    ComponentSent,
    PageCreate,
    PageFields,
    PagePatch,
    PageQuery,
    StatusPage,
    StatusPages,
)
from services.api_gateway.status_pages.page_store import (
    Described,
    Line,
    StoredPage,
    delete_page,
    find_page,
    hold_page,
    insert_page,
    list_pages,
    new_slug,
    update_page,
)
from shared.database.pool import Connection

PATH = "/api/status-pages"
_WHAT = "Status page"


async def show_pages(call: Call) -> web.Response:
    """`GET /api/status-pages`: a bare array."""
    query = read_query(call.request, PageQuery)
    if query.organization_id not in (None, call.organization_id):
        raise not_found("Organization")
    async with call.transaction() as connection:
        customer_ids = await wanted_customers(connection, call, query.customer_id)
        found = await list_pages(connection, call.organization_id, customer_ids=customer_ids)
    return json_answer(StatusPages([_answer(call, stored) for stored in found]))


async def show_page(call: Call) -> web.Response:
    """`GET /api/status-pages/{publicId}`."""
    public_id = _public_id(call)
    async with call.transaction() as connection:
        stored = await find_page(connection, call.organization_id, public_id)
    return json_answer(_answer(call, _in_scope(call, stored)))


async def create_page(call: Call) -> web.Response:
    """`POST /api/status-pages`: it has its address from the beginning."""
    call.principal.require_write()
    body, unkeepable = await read_object(call.request)
    fields = {key: value for key, value in body.items() if key not in ANSWER_ONLY | {"slug"}}
    sent, faults = validated(PageCreate, _without_answers(fields), known=unkeepable)
    if sent is None:
        raise wrong_fields(faults)
    async with call.transaction() as connection:
        customer = await customer_in_scope(connection, call, sent.customer_id)
        described = await _described(connection, call, sent, sent.title, customer.id, before=None)
        made = await insert_page(connection, call.organization_id, customer.id, described)
    assert made is not None  # noqa: S101 - of this very transaction
    return json_answer(_answer(call, made), status=HTTPStatus.CREATED, location=f"{PATH}/{made.public_id}")


async def change_page(call: Call) -> web.Response:
    """`PATCH /api/status-pages/{publicId}`: judged against the row as it is, which is held meanwhile."""
    public_id = _public_id(call)
    call.principal.require_write()
    body, unkeepable = await read_object(call.request)
    fields = {key: value for key, value in body.items() if key not in ANSWER_ONLY}
    sent, faults = validated(PagePatch, _without_answers(fields), known=unkeepable)
    async with call.transaction() as connection:
        stored = _in_scope(call, await hold_page(connection, call.organization_id, public_id))
        if sent is None:
            raise wrong_fields(faults)
        told = sent.model_fields_set
        if "customer_id" in told:
            customer = await customer_in_scope(connection, call, sent.customer_id)
            if customer.id != stored.customer_id:
                said = "a status page stays with its customer; make another one"
                raise wrong_fields([Fault(pointer="/customerId", detail=said)])
        title = sent.title if "title" in told else stored.described.title
        described = await _described(connection, call, sent, title, stored.customer_id, before=stored.described)
        changed = await update_page(connection, stored, described, slug=_slug(sent, stored))
    assert changed is not None  # noqa: S101 - of this very transaction
    return json_answer(_answer(call, changed))


async def remove_page(call: Call) -> web.Response:
    """`DELETE /api/status-pages/{publicId}`."""
    public_id = _public_id(call)
    call.principal.require_write()
    async with call.transaction() as connection:
        stored = _in_scope(call, await hold_page(connection, call.organization_id, public_id))
        await delete_page(connection, stored)
    return json_answer(Deleted())


def _public_id(call: Call) -> UUID:
    public_id = read_uuid(call.request.match_info["publicId"])
    if public_id is None:
        raise Problem(HTTPStatus.BAD_REQUEST, "Status page public ID (UUID) required")
    return public_id


def _in_scope(call: Call, stored: StoredPage | None) -> StoredPage:
    if stored is None:
        raise not_found(_WHAT)
    call.principal.require_customer(stored.customer_id)
    return stored


def _without_answers(fields: dict[str, object]) -> dict[str, object]:
    """The body without what components carry in answers alone."""
    components = fields.get("components")
    if not isinstance(components, list):
        return fields
    kept = [
        {key: value for key, value in each.items() if key != "monitorPublicId"} if isinstance(each, dict) else each
        for each in components
    ]
    return {**fields, "components": kept}


def _slug(sent: PagePatch, stored: StoredPage) -> str | None:
    if "slug" not in sent.model_fields_set or sent.slug == stored.slug:
        return stored.slug
    if sent.slug is None:
        return None
    if sent.slug != "new":
        said = "nobody can choose an address that is not to be guessed; send new for another one, null to revoke it"
        raise wrong_fields([Fault(pointer="/slug", detail=said)])
    return new_slug()


async def _described(
    connection: Connection, call: Call, sent: PageFields, title: str, customer_id: int, *, before: Described | None
) -> Described:
    """What was sent, laid over what is stored; raises Problem 400."""
    told = sent.model_fields_set
    lines = None if before is None else before.lines
    if "components" in told:
        components = sent.components
        lines = None if components is None else await _lines(connection, call, components, customer_id)

    def value(name: str) -> bool:
        return bool(getattr(sent if before is None or name in told else before, name))

    return Described(
        title=title,
        text=sent.text if before is None or "text" in told else before.text,
        lines=lines,
        is_published=value("is_published"),
        shows_hostnames=value("shows_hostnames"),
        shows_users=value("shows_users"),
        shows_messages=value("shows_messages"),
    )


async def _lines(
    connection: Connection, call: Call, components: list[ComponentSent], customer_id: int
) -> tuple[Line, ...]:
    """What is to be shown, looked up; raises Problem 400 naming each that is unknown or another customer's."""
    named = [each.monitor_id for each in components if each.monitor_id is not None]
    monitors = await known_monitors(connection, call.organization_id, named)
    tags = await known_tags(
        connection, call.organization_id, [each.tag_id for each in components if each.tag_id is not None]
    )
    lines, faults = [], []
    seen: set[tuple[int | None, int | None]] = set()
    for place, each in enumerate(components):
        monitor = None if each.monitor_id is None else monitors.get(each.monitor_id)
        tag = None if each.tag_id is None else tags.get(each.tag_id)
        # Whether another customer has such a monitor is nobody's business who may not see that customer.
        if each.monitor_id is not None and (monitor is None or monitor.customer_id != customer_id):
            said = "the customer has no such IMAP/POP monitor"
            faults.append(Fault(pointer=f"/components/{place}/monitorId", detail=said))
        elif each.tag_id is not None and tag is None:
            faults.append(Fault(pointer=f"/components/{place}/tagId", detail="Tag not found"))
        else:
            number = None if monitor is None else monitor.id
            lines.append(Line(monitor_id=number, tag_id=tag, name=each.name, combined=each.combined))
            if (number, tag) in seen:
                faults.append(Fault(pointer=f"/components/{place}", detail="this is named by a component before it"))
            seen.add((number, tag))
    if faults:
        raise wrong_fields(faults)
    return tuple(lines)


def _answer(call: Call, stored: StoredPage) -> StatusPage:
    described = stored.described
    components = None
    if described.lines is not None:
        components = [
            ComponentAnswer(
                monitor_id=line.monitor_id,
                monitor_public_id=line.monitor_public_id,
                tag_id=line.tag_id,
                name=line.name,
                combined=line.combined,
            )
            for line in described.lines
        ]
    address = None
    if stored.slug is not None and described.is_published:
        address = page_address(call.request, call.resources.settings, stored.slug)
    return StatusPage(
        id=stored.id,
        public_id=stored.public_id,
        organization_id=stored.organization_id,
        customer_id=stored.customer_id,
        title=described.title,
        text=described.text,
        components=components,
        is_published=described.is_published,
        shows_hostnames=described.shows_hostnames,
        shows_users=described.shows_users,
        shows_messages=described.shows_messages,
        slug=stored.slug,
        address=address,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
    )
