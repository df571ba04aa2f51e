"""From a request to its principal: the bearer token, and how often it and its address may ask."""

from aiohttp import web

from services.api_gateway.client_address import address_of, counted_address
from services.api_gateway.principal import Principal
from services.api_gateway.problems import Problem, too_many, unauthorized
from services.api_gateway.rate_limits import RateLimit
from services.api_gateway.resources import Resources
from services.api_gateway.token_store import LONGEST_TOKEN, PREFIX, find_principal, token_hash, touch_token
from shared.database.errors import DatabaseError

REMAINING_HEADER = "X-RateLimit-Remaining"
_TOUCH_LIMIT_PER_MINUTE = 1


class Authenticator:
    """Finds who asks, and counts.

    A request without a valid token is counted by its address. An address that has used up its share is not even
    looked up, unless its token was good a moment ago: guessing costs us no query, and a neighbour's guessing does
    not shut out who shares the address.
    """

    def __init__(self, resources: Resources) -> None:
        self._pool = resources.pool
        self._trusted = resources.settings.trusted_proxies
        self._anonymous = resources.anonymous_limit
        self._tokens = resources.token_limit
        self._touches = RateLimit(_TOUCH_LIMIT_PER_MINUTE)

    def count_anonymous(self, request: web.Request) -> int:
        """Count a request that needs no token; answers how many are left. Raises Problem 429."""
        address = self._address(request)
        self._spend(self._anonymous, address, "this address asks too often")
        return self._anonymous.remaining(address)

    async def principal(self, request: web.Request) -> tuple[Principal, int]:
        """Who asks, and how many requests they have left; raises Problem 401 or 429."""
        address = self._address(request)
        hashed = _bearer_hash(request)
        if hashed is None:
            raise self._refused(address, "the request carries no bearer token")
        if self._tokens.knows(hashed):
            self._spend(self._tokens, hashed, "this token asks too often")
            found = await find_principal(self._pool, hashed)
        elif self._anonymous.exhausted(address):
            raise self._limited(self._anonymous, address, "this address asks too often")
        else:
            found = await find_principal(self._pool, hashed)
            if found is not None:
                self._spend(self._tokens, hashed, "this token asks too often")
        if found is None:
            self._tokens.forget(hashed)
            raise self._refused(address, "the token is unknown, revoked or expired")
        await self._touch(hashed, found)
        return found, self._tokens.remaining(hashed)

    async def _touch(self, hashed: bytes, principal: Principal) -> None:
        if not self._touches.take(hashed):
            return
        try:
            await touch_token(self._pool, principal)
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
        return counted_address(address_of(request, self._trusted))


def _bearer_hash(request: web.Request) -> bytes | None:
    given = request.headers.getall("Authorization", [])
    if len(given) != 1:
        return None
    scheme, _, token = given[0].partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token.startswith(PREFIX) or len(token) > LONGEST_TOKEN:
        return None
    return token_hash(token)
