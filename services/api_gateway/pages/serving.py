"""Answers for the browser: the document of every page, and what it loads. Everything else is the API's.

The document is asked for anew each time and changes with each release; what it loads is named by its content and kept
for good. Nothing may be loaded, sent or framed but by and to ourselves, and no text can become a script.
"""

from http import HTTPStatus

from aiohttp import ETag, hdrs, web

from services.api_gateway.pages.site import Site, SiteFile
from services.api_gateway.problems import Problem

NOT_BUILT = """The pages of this mailprobe have not been built.

From a clone: type `make web` and start it again; it needs Node 20.19 or later, or brings one along from PyPI.
The API works without them: see /api/openapi.json, and `mailprobe --help` for the command.
"""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
_DOCUMENT_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
_ASSET_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable"}
_READING = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})
_SITE = web.AppKey("SITE", Site)

# The API's own addresses never are pages: an unknown one of them is answered as the API answers.
_ASSET = "/assets/{name}"
_ADDRESS = "/{address:(?!(?:api|assets|livez|readyz)(?:/|$)).*}"


def add_pages(app: web.Application, site: Site | None) -> None:
    """Serve the site; where it was not built, say how it can be."""
    if site is None:
        app.router.add_route("*", _ADDRESS, _say_not_built)
        return
    app[_SITE] = site
    app.router.add_get(_ASSET, _show_asset)
    app.router.add_route("*", _ADDRESS, _show_page)


async def _show_page(request: web.Request) -> web.Response:
    site = request.app[_SITE]
    if site.is_page(request.path):
        if request.method not in _READING:
            raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET, HEAD"})
        return _answer(request, site.document, _DOCUMENT_HEADERS)
    if _reads_as_a_person(request):
        return _answer(request, site.document, _DOCUMENT_HEADERS, status=HTTPStatus.NOT_FOUND)
    raise Problem(HTTPStatus.NOT_FOUND)


async def _show_asset(request: web.Request) -> web.Response:
    found = request.app[_SITE].assets.get(request.match_info["name"])
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND)
    return _answer(request, found, _ASSET_HEADERS)


async def _say_not_built(request: web.Request) -> web.Response:
    if request.method in _READING and (request.path == "/" or _reads_as_a_person(request)):
        return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, text=NOT_BUILT)
    raise Problem(HTTPStatus.NOT_FOUND)


def _reads_as_a_person(request: web.Request) -> bool:
    return request.method in _READING and "text/html" in request.headers.get("Accept", "")


def _answer(
    request: web.Request, file: SiteFile, headers: dict[str, str], *, status: HTTPStatus = HTTPStatus.OK
) -> web.Response:
    coding = file.coding_for(request.headers.get("Accept-Encoding", ""))
    tag = file.tag if coding == "identity" else f"{file.tag}-{coding}"
    known = status is HTTPStatus.OK and _knows(request, tag)
    response = web.Response(status=HTTPStatus.NOT_MODIFIED if known else status, headers=headers)
    response.etag = ETag(tag)
    response.headers["Vary"] = "Accept-Encoding"
    if not known:
        response.body = file.bodies[coding]
        response.headers["Content-Type"] = file.content_type
        if coding != "identity":
            response.headers["Content-Encoding"] = coding
    return response


def _knows(request: web.Request, tag: str) -> bool:
    return any(known.value in (tag, "*") for known in request.if_none_match or ())
