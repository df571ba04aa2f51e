"""The operations on status pages: of those who describe them, and of anybody who knows the address of one."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from pydantic import BaseModel

from services.api_gateway.manners.entity_tags import Tagged
from services.api_gateway.manners.holding_store import status_page_held
from services.api_gateway.monitors.models import Deleted
from services.api_gateway.operation import NO_CUSTOMER, NOT_ALLOWED, WRONG_FIELDS, Operation
from services.api_gateway.status_pages import handlers, showing
from services.api_gateway.status_pages.models import (
    PageCreate,
    PagePatch,
    PageQuery,
    StatusPage,
    StatusPages,
    StatusSummary,
)

_PAGE = f"{handlers.PATH}/{{publicId}}"
_ID_REQUIRED = "`Status page public ID (UUID) required`"
_NO_PAGE = "`Status page not found`"


def _for_anybody(
    path: str,
    name: str,
    summary: str,
    anybody: Callable[[web.Request], Awaitable[web.Response]],
    media_type: str,
    model: type[BaseModel] | None = None,
) -> Operation:
    return Operation(
        method="GET",
        path=path,
        name=name,
        summary=summary,
        anybody=anybody,
        answers={200: model, 304: None},
        media_type=media_type,
        problems={
            400: "If-None-Match cannot be read.",
            404: f"{_NO_PAGE}: no such address, or one that was revoked.",
            503: "A back end does not answer.",
        },
    )


STATUS_PAGE_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path=handlers.PATH,
        name="listStatusPages",
        summary="The status pages a token may see.",
        handler=handlers.show_pages,
        query=PageQuery,
        answers={200: StatusPages},
        problems={400: WRONG_FIELDS, 403: NOT_ALLOWED, 404: "The customer or organization is unknown."},
    ),
    Operation(
        method="POST",
        path=handlers.PATH,
        name="createStatusPage",
        summary="Make a status page of a customer; whoever knows its address sees it.",
        handler=handlers.create_page,
        dry_run=True,
        body=PageCreate,
        answers={201: StatusPage},
        problems={400: WRONG_FIELDS, 403: NOT_ALLOWED, 404: NO_CUSTOMER},
    ),
    Operation(
        method="GET",
        path=_PAGE,
        name="getStatusPage",
        summary="One status page, as it is described.",
        handler=handlers.show_page,
        tagged=Tagged(hold=status_page_held),
        answers={200: StatusPage},
        problems={400: _ID_REQUIRED, 403: NOT_ALLOWED, 404: _NO_PAGE},
    ),
    Operation(
        method="PATCH",
        path=_PAGE,
        name="changeStatusPage",
        summary="Change any of a status page's fields, revoke its address, or give it another one.",
        handler=handlers.change_page,
        dry_run=True,
        body=PagePatch,
        answers={200: StatusPage},
        problems={400: f"{_ID_REQUIRED}; or: {WRONG_FIELDS}", 403: NOT_ALLOWED, 404: f"{_NO_PAGE}, {NO_CUSTOMER}"},
    ),
    Operation(
        method="DELETE",
        path=_PAGE,
        name="deleteStatusPage",
        summary="Remove a status page; its address leads nowhere from then on.",
        handler=handlers.remove_page,
        dry_run=True,
        answers={200: Deleted},
        problems={400: _ID_REQUIRED, 403: NOT_ALLOWED, 404: _NO_PAGE},
    ),
    _for_anybody(showing.PAGE, "showStatusPage", "A status page, for people.", showing.show_page, "text/html"),
    _for_anybody(
        showing.SUMMARY,
        "statusPageSummary",
        "The same for programs, in Statuspage's schema.",
        showing.show_summary,
        "application/json",
        StatusSummary,
    ),
    _for_anybody(
        showing.BADGE,
        "statusPageBadge",
        "How all of it is, as a small image for other pages.",
        showing.show_badge,
        "image/svg+xml",
    ),
    _for_anybody(
        showing.FEED,
        "statusPageFeed",
        "Its incidents as an Atom feed.",
        showing.show_feed,
        "application/atom+xml",
    ),
)
