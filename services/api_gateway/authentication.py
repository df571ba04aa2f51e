"""From a request to its principal: by bearer token or session cookie, and how often it and its address may ask."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from aiohttp import web

from services.api_gateway.client_address import address_of, counted_address
from services.api_gateway.identifiers import read_identifier
from services.api_gateway.organizations.organization_store import find_organization_id
from services.api_gateway.principal import Principal
from services.api_gateway.problems import Fault, Problem, not_found, too_many, unauthorized, wrong_fields
from services.api_gateway.rate_limits import RateLimit
from services.api_gateway.resources import Resources
from services.api_gateway.sessions.cookies import is_secure, session_token
from services.api_gateway.sessions.same_origin import SAFE_METHODS, require_same_origin
from services.api_gateway.sessions.session_store import cookie_hash, find_session, touch_session
from services.api_gateway.token_store import LONGEST_TOKEN, PREFIX, find_principal, token_hash, touch_token
from shared.database.errors import DatabaseError
from shared.database.pool import Pool

REMAINING_HEADER = "X-RateLimit-Remaining"
_TOUCH_LIMIT_PER_MINUTE = 1
_ORGANIZATION = "organizationId"


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a request shows to be let in, and where it is looked up."""

    hashed: bytes
    what: str
    find: Callable[[Pool, bytes], Awaitable[Principal | None]]
    touch: Callable[[Pool, Principal], Awaitable[None]]
    by_cookie: bool = False


class Authenticator:
    """Finds who asks, and counts.

    A request without a valid token or session is counted by its address. An address that has used up its share is not
    even looked up, unless its token was good a moment ago: guessing costs us no query, and a neighbour's guessing does
    not shut out who shares the address.
    """

    def __init__(self, resources: Resources) -> None:
        self._pool = resources.pool
        self._settings = resources.settings
        self._anonymous = resources.anonymous_limit
        self._tokens = resources.token_limit
        self._touches = RateLimit(_TOUCH_LIMIT_PER_MINUTE)

    def used_up_for(self, request: web.Request) -> int | None:
        """Seconds until the token it carries may be used again, where all was spent that it may; else None.

        Nothing is looked up and nothing counted: only a token that was good a moment ago has something to spend.
        """
        hashed = _bearer_hash(request) if "Authorization" in request.headers else None
        if hashed is None or not self._tokens.knows(hashed) or not self._tokens.exhausted(hashed):
            return None
        return self._tokens.retry_after_seconds(hashed)

    def remaining(self, request: web.Request) -> int:
        """How many requests are left to the token it carries, or else to its address."""
        hashed = _bearer_hash(request) if "Authorization" in request.headers else None
        if hashed is not None and self._tokens.knows(hashed):
            return self._tokens.remaining(hashed)
        return self._anonymous.remaining(self._address(request))

    def count_anonymous(self, request: web.Request) -> int:
        """Count a request that needs no token; answers how many are left. Raises Problem 429."""
        address = self._address(request)
        self._spend(self._anonymous, address, "this address asks too often")
        return self._anonymous.remaining(address)

    async def principal(self, request: web.Request) -> tuple[Principal, int]:
        """Who asks, and how many requests they have left; raises Problem 401 or 429.

        By cookie also 403, where another page may have sent it; for people with a global role 400 or 404, where they
        ask to act for an organization there is not.
        """
        address = self._address(request)
        shown = self._shown(request)
        if shown is None:
            raise self._refused(address, "the request carries no bearer token and no session")
        if self._tokens.knows(shown.hashed):
            self._spend(self._tokens, shown.hashed, _asks_too_often(shown.what))
            found = await shown.find(self._pool, shown.hashed)
        elif self._anonymous.exhausted(address):
            raise self._limited(self._anonymous, address, "this address asks too often")
        else:
            found = await shown.find(self._pool, shown.hashed)
            if found is not None:
                self._spend(self._tokens, shown.hashed, _asks_too_often(shown.what))
        if found is None:
            self._tokens.forget(shown.hashed)
            raise self._refused(address, f"the {shown.what} is unknown, revoked or expired")
        if shown.by_cookie and request.method not in SAFE_METHODS:
            secure = is_secure(request, self._settings)
            require_same_origin(request, public_url=self._settings.public_url, secure=secure)
        found = await self._acting(request, found)
        await self._touch(shown, found)
        return found, self._tokens.remaining(shown.hashed)

    async def known(self, request: web.Request) -> Principal | None:
        """Who asks, if it is somebody: for what anybody may ask. The caller counts it by address."""
        shown = self._shown(request)
        found = None if shown is None else await shown.find(self._pool, shown.hashed)
        if shown is None or found is None:
            return None
        found = await self._acting(request, found)
        await self._touch(shown, found)
        return found

    def _shown(self, request: web.Request) -> _Shown | None:
        # A bearer token goes before the cookie: only a program sends one, and it means it.
        if "Authorization" in request.headers:
            hashed = _bearer_hash(request)
            return None if hashed is None else _Shown(hashed, "token", find_principal, touch_token)
        cookie = session_token(request, self._settings)
        if cookie is None:
            return None
        return _Shown(cookie_hash(cookie), "session", find_session, touch_session, by_cookie=True)

    async def _acting(self, request: web.Request, principal: Principal) -> Principal:
        """For the organization `?organizationId=` names, where this person may act for any; others are at home."""
        given = request.query.getall(_ORGANIZATION, [])
        if not principal.is_person or not given:
            return principal
        if len(given) > 1:  # neither is a guess at which was meant, nor is home
            raise wrong_fields([Fault(pointer=f"/{_ORGANIZATION}", detail=f"{_ORGANIZATION} is given more than once")])
        wanted = read_identifier(given[0])
        if wanted == principal.home:
            return principal
        if wanted is None:
            said = f"{_ORGANIZATION} must be a number or a public UUID"
            raise wrong_fields([Fault(pointer=f"/{_ORGANIZATION}", detail=said)])
        found = await find_organization_id(self._pool, wanted)
        # Without a global role one is at home alone; to do it there all the same is not what was asked.
        if found is None or (found != principal.home and principal.global_role is None):
            raise not_found("Organization")
        return replace(principal, organization_id=found)

    async def _touch(self, shown: _Shown, principal: Principal) -> None:
        if not self._touches.take(shown.hashed):
            return
        try:
            await shown.touch(self._pool, principal)
        except DatabaseError:
            return  # a read-only database still answers questions

    def _refused(self, address: str, why: str) -> Problem:
        if not self._anonymous.take(address):
            return self._limited(self._anonymous, address, "this address asks too often")
        problem = unauthorized(why)
        problem.headers[REMAINING_HEADER] = str(self._anonymous.remaining(address))
        return problem

    def _spend(self, limit: RateLimit, key: bytes | str, why: str) -> None:
        if not limit.take(key):
            raise self._limited(limit, key, why)

    @staticmethod
    def _limited(limit: RateLimit, key: bytes | str, why: str) -> Problem:
        problem = too_many(why, retry_after_seconds=limit.retry_after_seconds(key))
        problem.headers[REMAINING_HEADER] = "0"
        return problem

    def _address(self, request: web.Request) -> str:
        return counted_address(address_of(request, self._settings.trusted_proxies))


def used_up(what: str, wait_seconds: int) -> Problem:
    """What a token or session is told that has nothing left to spend."""
    return too_many(_asks_too_often(what), retry_after_seconds=wait_seconds)


def _asks_too_often(what: str) -> str:
    return f"this {what} asks too often"


def _bearer_hash(request: web.Request) -> bytes | None:
    given = request.headers.getall("Authorization", [])
    if len(given) != 1:
        return None
    scheme, _, token = given[0].partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token.startswith(PREFIX) or len(token) > LONGEST_TOKEN:
        return None
    return token_hash(token)
