"""What orchestrators and client generators ask: alive, ready, and the description of the API. No token needed."""

import json
from http import HTTPStatus
from typing import Literal

from aiohttp import web

from services.api_gateway.calls import json_answer
from services.api_gateway.field_types import AnswerModel
from services.api_gateway.resources import RESOURCES
from shared.runtime.admin import failing


class Alive(AnswerModel):
    """The event loop answers."""

    status: Literal["alive"] = "alive"


class Readiness(AnswerModel):
    """Whether requests can be served, and what is in the way, by name."""

    status: Literal["ready", "not ready"]
    checks: dict[str, str]


async def show_alive(_request: web.Request) -> web.Response:
    """`GET /livez`: depends on no back end, or an outage there would restart every gateway."""
    return json_answer(Alive())


async def show_ready(request: web.Request) -> web.Response:
    """`GET /readyz`."""
    checks = request.app[RESOURCES].readiness
    wrong = await failing(checks)
    body = Readiness(status="not ready" if wrong else "ready", checks={name: wrong.get(name, "ok") for name in checks})
    return json_answer(body, status=HTTPStatus.SERVICE_UNAVAILABLE if wrong else HTTPStatus.OK)


async def show_openapi(request: web.Request) -> web.Response:
    """`GET /api/openapi.json`."""
    document = json.dumps(request.app[RESOURCES].openapi, ensure_ascii=False)
    return web.Response(text=document, content_type="application/json")
