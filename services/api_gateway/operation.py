"""What one operation of the API is: its address, who answers, with which models. The list of them is `operations`."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web
from pydantic import BaseModel

from services.api_gateway.calls import CallHandler
from services.api_gateway.manners.entity_tags import Tagged
from services.api_gateway.reading import BODY_CAP_BYTES

# What several operations say of an error.
NOT_ALLOWED = "The token's role or scope does not allow it."
WRONG_FIELDS = "Every wrong field is named in `errors`."
NO_CUSTOMER = "`Customer not found`"
NO_MONITOR = "`IMAP/POP monitor not found`"
ID_REQUIRED = "`IMAP/POP monitor public ID (UUID) required`"
CUSTOMER_ID_REQUIRED = "`Customer public ID (UUID) required`"


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    Args:
        answers: what it answers with, by status; None: a document of no model of ours.
        problems: the error statuses of its own, with what they mean; those all operations share are added.
        handler: for token holders; `anybody` instead where no token is needed.
        counted: calls without a token are counted by address (not so for orchestrators).
        tagged: of a GET of a single resource, what its entity tag is made of; those who change it honour If-Match.
        dry_run: `?dryRun=true` is possible. What it does has to stay within `call.transaction()`.
        outside: what it does leaves the transaction before it is answered, or waits for others: none is held open.
        linked: its answers lead to the next page by a Link header.
        body_cap: the largest body, in bytes.
        media_type: of its answers, where that is not JSON. told: of a stream of events, their data by their names.
    """

    method: str
    path: str
    name: str
    summary: str
    answers: Mapping[int, type[BaseModel] | None]
    handler: CallHandler | None = None
    anybody: Callable[[web.Request], Awaitable[web.Response]] | None = None
    counted: bool = True
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    problems: Mapping[int, str] = field(default_factory=dict)
    tagged: Tagged | None = None
    dry_run: bool = False
    outside: bool = False
    linked: bool = False
    body_cap: int = BODY_CAP_BYTES
    media_type: str = "application/json"
    told: Mapping[str, type[BaseModel]] = field(default_factory=dict)
