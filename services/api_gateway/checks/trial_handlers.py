"""`POST /api/imap-pop-monitors/test`: one check of a monitor that is not stored, on a real worker.

It goes the way of every other check, within the rules for logins: a row of check_requests, the scheduler, a worker;
the answer comes back on this gateway's own reply queue. The password is sealed to a one-time id.
"""

import asyncio
import math
import time
from http import HTTPStatus
from uuid import uuid4

from aiohttp import web

from services.api_gateway.calls import Call, json_answer
from services.api_gateway.checks.eligibility import NO_ACTIVE, require_eligible
from services.api_gateway.checks.models import TestAnswer
from services.api_gateway.checks.request_store import LiveLocation, live_locations, request_test
from services.api_gateway.diagnostics import check_answer, health_after
from services.api_gateway.monitors import rules
from services.api_gateway.monitors.description import Description, allowed_countries
from services.api_gateway.monitors.handlers import customer_in_scope, floors_of, read_new_monitor
from services.api_gateway.monitors.sealing import with_password
from services.api_gateway.monitors.view import warnings_about
from services.api_gateway.problems import Problem, too_many, unavailable
from services.api_gateway.reading import read_object
from services.api_gateway.replies import Reply, TooManyWaiting
from shared.broker.seam import BrokerError
from shared.checks.messages import MissedSlots
from shared.checks.vocabulary import MissedReason

# What comes on top of the check itself: waiting for the scheduler, the queue, and the way back.
PATIENCE_SECONDS = 12.0
_WITHHELD_RETRY_SECONDS = 300


async def try_monitor(call: Call) -> web.Response:
    """Run the check and answer with everything it saw."""
    call.principal.require_write()
    sent = read_new_monitor(*await read_object(call.request), floors=floors_of(call))
    one_time_id, check_id = uuid4(), uuid4()
    try:
        async with call.resources.replies.expected(check_id) as (reply_to, reply):
            async with call.transaction() as connection:
                customer = await customer_in_scope(connection, call, sent.customer_id)
                description = with_password(
                    rules.described(sent, customer_id=customer.id),
                    rules.sent_password(sent.imap_pop_config),
                    call,
                    public_id=one_time_id,
                )
                live = await live_locations(connection, description.protocol)
                countries = allowed_countries(description, customer.allowed_check_country_codes)
                location = require_eligible(live, countries)[0]
                await request_test(
                    connection,
                    call.organization_id,
                    check_id=check_id,
                    one_time_id=one_time_id,
                    location=location,
                    target=description.target(),
                    credential_id=description.credential_id,
                    reply_to=reply_to,
                )
            answer = await _awaited(reply, sent.timeout_seconds)
    except TooManyWaiting:
        raise unavailable(
            "Service Unavailable", detail="too many tests are under way", retry_after_seconds=10
        ) from None
    except BrokerError:
        raise unavailable("Service Unavailable", detail="the message broker does not answer") from None
    return _answered(call, answer, description, location)


async def _awaited(reply: asyncio.Future[Reply], timeout_seconds: int) -> Reply:
    try:
        async with asyncio.timeout(timeout_seconds + PATIENCE_SECONDS):
            return await reply
    except TimeoutError:
        raise Problem(HTTPStatus.GATEWAY_TIMEOUT, "No worker answered in time") from None


def _answered(call: Call, answer: Reply, description: Description, location: LiveLocation) -> web.Response:
    if isinstance(answer, MissedSlots):
        raise _refusal(answer)
    checked = check_answer(answer, location)
    return json_answer(
        TestAnswer(
            success=checked.status == "success",
            health=health_after(answer),
            result=checked,
            warnings=warnings_about(description, call.resources.address_policy),
        )
    )


def _refusal(missed: MissedSlots) -> Problem:
    """Why no check was made: the rules for logins forbid one now, or nobody could make it."""
    if missed.reason in (MissedReason.WITHHELD, MissedReason.BUSY, MissedReason.PACED):
        why = {
            MissedReason.WITHHELD: "the rules that keep accounts from being locked allow no login now",
            MissedReason.BUSY: "another login to this account, or a first one at this mail server, is under way",
        }.get(missed.reason, "this mail server is asked as often as it may be")
        return too_many(why, retry_after_seconds=_seconds_until(missed))
    if missed.reason is MissedReason.NO_WORKER:
        return unavailable(NO_ACTIVE, retry_after_seconds=10)
    return unavailable("Service Unavailable", detail=f"the check was not made ({missed.reason})")


def _seconds_until(missed: MissedSlots) -> int:
    if missed.retry_at is None:
        return _WITHHELD_RETRY_SECONDS if missed.reason is MissedReason.WITHHELD else 10
    return max(1, math.ceil(missed.retry_at / 1000 - time.time()))
