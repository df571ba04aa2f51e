"""What anybody sees of a status page who knows its address: the page, its summary, its badge and its feed.

An address that was revoked is answered as one that never was. Answers may be kept for a short time by whoever stands
between; they have no cookie and say nothing of who asked.
"""

import base64
import hashlib
import re
from functools import cache
from http import HTTPStatus
from pathlib import Path

from aiohttp import web

from services.api_gateway.manners import entity_tags as tags
from services.api_gateway.problems import not_found
from services.api_gateway.resources import RESOURCES
from services.api_gateway.status_pages.addresses import SHOWN, page_address
from services.api_gateway.status_pages.badge import badge
from services.api_gateway.status_pages.feed import feed
from services.api_gateway.status_pages.html import page
from services.api_gateway.status_pages.models import SLUG_PATTERN
from services.api_gateway.status_pages.page_store import find_page, find_published
from services.api_gateway.status_pages.standing import Standing, standing
from services.api_gateway.status_pages.summary import summary
from services.api_gateway.status_pages.view_store import read_seen
from shared.database.pool import organization_transaction

PAGE = f"{SHOWN}/{{slug}}"
SUMMARY = f"{PAGE}/summary.json"
BADGE = f"{PAGE}/badge.svg"
FEED = f"{PAGE}/history.atom"
KEPT_SECONDS = 30
# Larger bodies are compressed by another thread.
_COMPRESSED_APART = 64 * 1024
_SLUG = re.compile(SLUG_PATTERN)
_STYLE = Path(__file__).parent / "page.css"
_HEADERS = {
    "Cache-Control": f"public, max-age={KEPT_SECONDS}",
    # Its address is what lets one see it: it goes neither to search engines nor to where a link leads.
    "X-Robots-Tag": "noindex",
    "Referrer-Policy": "no-referrer",
}
_NO_CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'"


async def show_page(request: web.Request) -> web.Response:
    """`GET /status/{slug}`."""
    shown = await _shown(request, with_days=True)
    style, policy = _style()
    text = page(shown, style=style, feed=f"{SHOWN}/{request.match_info['slug']}/history.atom")
    return _answer(request, text, "text/html", policy=policy)


async def show_summary(request: web.Request) -> web.Response:
    """`GET /status/{slug}/summary.json`: for programs of other pages as well."""
    made = summary(await _shown(request, with_days=False), _address(request))
    response = _answer(request, made.model_dump_json(by_alias=True), "application/json")
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


async def show_badge(request: web.Request) -> web.Response:
    """`GET /status/{slug}/badge.svg`."""
    return _answer(request, badge(await _shown(request, with_days=False)), "image/svg+xml")


async def show_feed(request: web.Request) -> web.Response:
    """`GET /status/{slug}/history.atom`."""
    made = feed(await _shown(request, with_days=False), address=_address(request))
    return _answer(request, made, "application/atom+xml")


async def _shown(request: web.Request, *, with_days: bool) -> Standing:
    """How the page of an address stands; raises Problem 404, the same whyever there is none."""
    slug = request.match_info["slug"]
    pool = request.app[RESOURCES].pool
    found = await find_published(pool, slug) if _SLUG.fullmatch(slug) else None
    if found is None:
        raise not_found("Status page")
    organization_id, number = found
    async with organization_transaction(pool, organization_id) as connection:
        stored = await find_page(connection, organization_id, number)
        if stored is None:
            raise not_found("Status page")
        lines = stored.described.lines
        seen = await read_seen(
            connection,
            organization_id,
            stored.customer_id,
            monitor_ids=None if lines is None else [each.monitor_id for each in lines if each.monitor_id is not None],
            tag_ids=[each.tag_id for each in lines or () if each.tag_id is not None],
            with_days=with_days,
        )
    return standing(stored, seen)


def _answer(request: web.Request, text: str, content_type: str, *, policy: str = _NO_CONTENT_POLICY) -> web.Response:
    body = text.encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    # A weak one: the same is sent with and without a coding.
    headers = {**_HEADERS, "Content-Security-Policy": policy, tags.HEADER: f"W/{tag}", "Vary": "Accept-Encoding"}
    known = tags.read_condition(request, tags.IF_NONE_MATCH)
    if known is not None and tags.is_known(known, tag):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    response = web.Response(
        body=body, content_type=content_type, charset="utf-8", headers=headers, zlib_executor_size=_COMPRESSED_APART
    )
    response.enable_compression()
    return response


def _address(request: web.Request) -> str:
    return page_address(request, request.app[RESOURCES].settings, request.match_info["slug"])


@cache
def _style() -> tuple[str, str]:
    """The style, and a policy that lets nothing do anything but look so."""
    style = _STYLE.read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return style, (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
