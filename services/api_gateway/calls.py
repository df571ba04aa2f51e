"""A call of an operation: the request, who makes it, and what is needed to answer. Also how answers are written."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel

from services.api_gateway.acting import told_actor
from services.api_gateway.answering import REQUEST_ID
from services.api_gateway.authentication import REMAINING_HEADER, Authenticator
from services.api_gateway.client_address import address_of
from services.api_gateway.principal import Principal
from services.api_gateway.problems import Problem
from services.api_gateway.resources import RESOURCES, Resources
from shared.database.pool import Connection, organization_transaction, savepoint


@dataclass(frozen=True, slots=True)
class Call:
    """An authenticated request."""

    request: web.Request
    principal: Principal
    resources: Resources
    joined: Connection | None = None  # a transaction that is open already, which this call's are a part of

    @property
    def organization_id(self) -> int:
        return self.principal.organization_id

    @property
    def address(self) -> str:
        """Where it comes from."""
        return address_of(self.request, self.resources.settings.trusted_proxies)

    @property
    def actor(self) -> str:
        """Who is answerable for what it does, as the setting `mailprobe.actor` tells the triggers of a transaction.

        What it holds is told where it is written: `acting.told_actor`.
        """
        actor = self.principal.actor
        request_id = self.request.get(REQUEST_ID)
        return told_actor(actor.kind, actor.id, actor.name, address=self.address, request_id=request_id)

    def transaction(self) -> AbstractAsyncContextManager[Connection]:
        """A transaction for the organization this call is about, in the name of who makes it."""
        if self.joined is not None:
            return savepoint(self.joined)
        return organization_transaction(self.resources.pool, self.organization_id, actor=self.actor)

    def home_transaction(self) -> AbstractAsyncContextManager[Connection]:
        """The same for the organization whoever calls belongs to: where their own account and sessions are."""
        return organization_transaction(self.resources.pool, self.principal.home, actor=self.actor)


CallHandler = Callable[[Call], Awaitable[web.Response]]

AUTHENTICATOR = web.AppKey("AUTHENTICATOR", Authenticator)
REMAINING = web.RequestKey("REMAINING", int)

_READING = frozenset({"GET", "HEAD"})


def for_token_holders(handler: CallHandler) -> Handler:
    """The handler behind the door: called with who asks, its answers saying how many requests are left."""

    async def authenticated(request: web.Request) -> web.StreamResponse:
        principal, remaining = await request.app[AUTHENTICATOR].principal(request)
        request[REMAINING] = remaining
        actor = principal.actor
        structlog.contextvars.bind_contextvars(
            organization_id=principal.organization_id, **{f"{actor.kind}_id": actor.id}
        )
        call = Call(request, principal, request.app[RESOURCES])
        try:
            response = await handler(call)
        except Problem as problem:
            problem.headers.setdefault(REMAINING_HEADER, str(remaining))
            raise
        if request.method not in _READING:
            call.resources.feeds.tell(principal.organization_id)
        response.headers[REMAINING_HEADER] = str(remaining)
        return response

    return authenticated


def for_anybody(handler: Callable[[web.Request], Awaitable[web.Response]], *, counted: bool) -> Handler:
    """A handler that needs no token; where `counted`, its callers may ask so often by address."""

    async def open_to_all(request: web.Request) -> web.StreamResponse:
        if not counted:
            return await handler(request)
        remaining = request.app[AUTHENTICATOR].count_anonymous(request)
        try:
            response = await handler(request)
        except Problem as problem:
            problem.headers.setdefault(REMAINING_HEADER, str(remaining))
            raise
        response.headers[REMAINING_HEADER] = str(remaining)
        return response

    return open_to_all


def json_answer(body: BaseModel, *, status: HTTPStatus = HTTPStatus.OK, location: str | None = None) -> web.Response:
    """A model as an answer."""
    headers = {} if location is None else {"Location": location}
    text = body.model_dump_json(by_alias=True)
    return web.Response(status=status, text=text, content_type="application/json", headers=headers)
