"""Whether a browser's own page sent a request that changes something, so that no other page can act in its name.

Browsers say which site a request comes from: by Sec-Fetch-Site where the address is trustworthy (https, localhost), by
Origin everywhere. Pages cannot set either. Requests by bearer token need none of this: no browser adds a token.
"""

from urllib.parse import urlsplit

from aiohttp import web

from services.api_gateway.problems import Problem, forbidden

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def require_same_origin(
    request: web.Request, *, public_url: str | None, secure: bool, unless_silent: bool = False
) -> None:
    """Raises Problem 403 where another page may have sent it.

    Args:
        secure: browsers reach us by https: a page of ours that came in clear may be anybody's.
        unless_silent: a request that says nothing of where it comes from is no browser's, and has nothing to abuse.
    """
    site = request.headers.getall("Sec-Fetch-Site", [])
    if site:
        if site != ["same-origin"]:
            raise _refused()
        return
    origins = request.headers.getall("Origin", [])
    if not origins and unless_silent:
        return
    if not origins:
        raise forbidden(
            "the request may come from another page, as it has no header Origin; a program sends "
            f"`Origin: {'https' if secure else 'http'}://{request.host}`, or better a bearer token"
        )
    if len(origins) != 1 or not _is_ours(origins[0], request, public_url, secure=secure):
        raise _refused()


def _is_ours(origin: str, request: web.Request, public_url: str | None, *, secure: bool) -> bool:
    if public_url is not None and _same(origin, public_url):
        return True
    # Host is what the browser was asked for, or what the proxy makes of it; another page cannot choose it.
    try:
        read = urlsplit(origin)
        return read.netloc.lower() == request.host.lower() != "" and (read.scheme == "https" or not secure)
    except ValueError:
        return False


def _same(origin: str, address: str) -> bool:
    try:
        one, other = urlsplit(origin), urlsplit(address)
        return (one.scheme, one.netloc.lower()) == (other.scheme, other.netloc.lower())
    except ValueError:
        return False


def _refused() -> Problem:
    return forbidden("the request comes from another page; open mailprobe itself, or use a bearer token")
