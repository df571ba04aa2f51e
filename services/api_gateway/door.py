"""The quick no: who will be refused in any case hears it before routing, authentication, a body or a log line.

That is whoever finds neither a place nor one to wait for, and whoever carries a token that was used up a moment ago.
The answers are those the layers within would give, prepared; how many were given is said once a second.
"""

import asyncio
from collections import Counter
from functools import lru_cache

import structlog
from aiohttp import web

from services.api_gateway.admission import Crowd, crowded_out
from services.api_gateway.answering import dressed, request_id_of
from services.api_gateway.authentication import REMAINING_HEADER, Authenticator, used_up
from services.api_gateway.problems import CONTENT_TYPE, Problem
from shared.runtime import metrics

SAID_EVERY_SECONDS = 1.0

_API = "/api/"
_MARK = "-the-request-"

_log = structlog.get_logger()


class Door:
    """Looks at each request of one gateway first.

    It leaves to the layers within what needs no place of the ordinary ones, by the path alone.
    """

    def __init__(self, crowd: Crowd, authenticator: Authenticator) -> None:
        self._crowd = crowd
        self._authenticator = authenticator
        self._left_alone = frozenset(path for _, path in crowd.lanes.free | crowd.lanes.lasting)
        self._refused: Counter[str] = Counter()

    async def refusal(self, request: web.Request) -> web.Response | None:
        """The answer where it is no, after a moment for who asks again and again; else None."""
        path = request.raw_path.partition("?")[0]
        if path in self._left_alone:
            return None
        wait_seconds = self._authenticator.used_up_for(request) if path.startswith(_API) else None
        if wait_seconds is not None:
            answer = _prepared_limit(wait_seconds).answer(request)
            answer.headers[REMAINING_HEADER] = "0"
            self._count("too_often")
        elif self._crowd.ordinary.crowded:
            metrics.REQUESTS_REFUSED.inc()
            answer = _prepared_crowd().answer(request)
            if path.startswith(_API):
                answer.headers[REMAINING_HEADER] = str(self._authenticator.remaining(request))
            self._count("crowded")
        else:
            return None
        await self._crowd.holding.hold(request.protocol)
        return answer

    def _count(self, why: str) -> None:
        if not self._refused:
            asyncio.get_running_loop().call_later(SAID_EVERY_SECONDS, self._say)
        self._refused[why] += 1

    def _say(self) -> None:
        refused, self._refused = self._refused, Counter()
        _log.info("requests_refused", **refused)


DOOR = web.AppKey("DOOR", Door)


class _Prepared:
    """A problem as answers that differ by the request they name."""

    def __init__(self, problem: Problem) -> None:
        self._status = problem.status
        self._headers = problem.headers
        self._before, self._after = problem.body(_MARK).model_dump_json(exclude_none=True).split(_MARK)

    def answer(self, request: web.Request) -> web.Response:
        request_id = request_id_of(request)
        text = f"{self._before}{request_id}{self._after}"
        answer = web.Response(status=self._status, text=text, content_type=CONTENT_TYPE, headers=self._headers)
        dressed(answer, request_id)
        return answer


@lru_cache(maxsize=1)
def _prepared_crowd() -> _Prepared:
    return _Prepared(crowded_out())


@lru_cache(maxsize=64)  # by seconds, of a minute at most
def _prepared_limit(wait_seconds: int) -> _Prepared:
    return _Prepared(used_up("token", wait_seconds))
