"""Locations over HTTP. They belong to the installation, so every token sees all of them."""

from aiohttp import web

from services.api_gateway.calls import Call, json_answer
from services.api_gateway.locations.location_store import list_locations
from services.api_gateway.locations.models import Locations

PATH = "/api/locations"


async def show_locations(call: Call) -> web.Response:
    """`GET /api/locations`: a bare array."""
    async with call.transaction() as connection:
        return json_answer(Locations(await list_locations(connection)))
