"""Keys of what has to leave the transaction before it is answered: a test on a worker, a message to a channel.

The key is noted as busy, then the thing is done, then its answer is kept: three steps, so that it may happen that
something was done and its answer is not known. Whoever sends the key again gets 409 until `BUSY_SECONDS` have passed,
and after that it is done once more. What is done this way changes nothing that is kept, so doing it twice costs a
login or a message, no more.
"""

import asyncio

import structlog
from aiohttp import web

from services.api_gateway.calls import Call, CallHandler
from services.api_gateway.manners.kept_answer_store import begin, claim, keep, release
from services.api_gateway.manners.replaying import asker_of, kept, replayed
from services.api_gateway.manners.request_keys import RequestKey
from shared.database.errors import DatabaseError

# Longer than the longest test takes, with what comes on top of it.
BUSY_SECONDS = 120.0

_log = structlog.get_logger()


async def once_outside(call: Call, key: RequestKey, handler: CallHandler) -> web.Response:
    """What the handler answers, or what it answered before."""
    asker = asker_of(call)
    async with call.transaction() as connection:
        before = await claim(connection, asker, key)
        if before is not None:
            return replayed(before)
        await begin(connection, asker, key, busy_seconds=BUSY_SECONDS)
    try:
        response = await handler(call)
    except BaseException:
        # Also of a gateway that is told to stop: the next one need not wait for nobody.
        await asyncio.shield(_given_back(call, key))
        raise
    try:
        async with call.transaction() as connection:
            await keep(connection, asker, key, kept(response))
    except DatabaseError as error:
        _log.warning("answer_not_kept", error=str(error))
    return response


async def _given_back(call: Call, key: RequestKey) -> None:
    try:
        async with call.transaction() as connection:
            await release(connection, asker_of(call), key)
    except DatabaseError as error:
        _log.warning("request_key_not_released", error=str(error))
