"""The two cookies of a browser: its session, and that somebody signed in with it before.

Over https they carry the prefix `__Host-`, which binds them to this very host; over plain http they cannot.
"""

from aiohttp import web

from services.api_gateway.client_address import came_by_https
from shared.runtime.settings import ApiSettings

_SESSION = "mailprobe"
_DEVICE = "mailprobe-device"
_LONGEST = 200


def is_secure(request: web.Request, settings: ApiSettings) -> bool:
    """Whether browsers reach us by https: as MAILPROBE_PUBLIC_URL says, else as a trusted proxy does."""
    if settings.public_url is not None:
        return settings.public_url.startswith("https://")
    return came_by_https(request, settings.trusted_proxies)


def session_token(request: web.Request, settings: ApiSettings) -> str | None:
    """What the session cookie holds."""
    return _read(request, settings, _SESSION)


def device_token(request: web.Request, settings: ApiSettings) -> str | None:
    """What the cookie of a browser known from before holds."""
    return _read(request, settings, _DEVICE)


def set_session(
    response: web.StreamResponse, request: web.Request, settings: ApiSettings, token: str, *, lasts_seconds: int
) -> None:
    """Give the browser its session."""
    _set(response, request, settings, _SESSION, token, lasts_seconds)


def set_device(
    response: web.StreamResponse, request: web.Request, settings: ApiSettings, token: str, *, lasts_seconds: int
) -> None:
    """Let the browser be known again."""
    _set(response, request, settings, _DEVICE, token, lasts_seconds)


def clear_session(response: web.StreamResponse, request: web.Request, settings: ApiSettings) -> None:
    """Take the session from the browser."""
    _set(response, request, settings, _SESSION, "", 0)


def _name(request: web.Request, settings: ApiSettings, name: str) -> str:
    return f"__Host-{name}" if is_secure(request, settings) else name


def _read(request: web.Request, settings: ApiSettings, name: str) -> str | None:
    value = request.cookies.get(_name(request, settings, name), "")
    return value if 0 < len(value) <= _LONGEST else None


def _set(
    response: web.StreamResponse,
    request: web.Request,
    settings: ApiSettings,
    name: str,
    value: str,
    lasts_seconds: int,
) -> None:
    response.set_cookie(
        _name(request, settings, name),
        value,
        max_age=lasts_seconds,
        path="/",
        secure=is_secure(request, settings),
        httponly=True,
        samesite="Lax",
    )
