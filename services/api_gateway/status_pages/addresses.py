"""Where status pages are seen."""

from aiohttp import web

from services.api_gateway.sessions.cookies import is_secure
from shared.runtime.settings import ApiSettings

SHOWN = "/status"


def page_address(request: web.Request, settings: ApiSettings, slug: str) -> str:
    """The whole address of a page: at MAILPROBE_PUBLIC_URL, else where this request came to."""
    reached = settings.public_url
    if reached is None:
        reached = f"{'https' if is_secure(request, settings) else 'http'}://{request.host}"
    return f"{reached}{SHOWN}/{slug}"
