"""`GET /api/docs`: the OpenAPI document as a page. It loads nothing, so it works where there is no internet.

The page is made once for each application, when somebody first asks for it.
"""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

from aiohttp import web

from services.api_gateway.reference.page import page
from services.api_gateway.resources import RESOURCES

PATH = "/api/docs"
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class _Made:
    text: str
    policy: str


_made: WeakKeyDictionary[web.Application, _Made] = WeakKeyDictionary()


async def show_reference(request: web.Request) -> web.Response:
    """The page, which may do nothing but look as we meant it and copy text."""
    made = _made.get(request.app) or _made.setdefault(request.app, _make(request.app))
    headers = {"Content-Security-Policy": made.policy, "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache"}
    return web.Response(text=made.text, content_type="text/html", charset="utf-8", headers=headers)


def _make(app: web.Application) -> _Made:
    style, script = (_HERE / "page.css").read_text("utf-8"), (_HERE / "page.js").read_text("utf-8")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return _Made(page(app[RESOURCES].openapi, style=style, script=script), policy)


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
