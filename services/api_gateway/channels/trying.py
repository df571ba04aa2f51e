"""`POST /api/notification-channels/test`: one message sent for real, to a stored channel or one only described.

It goes the way of every other message: a row of deliveries, the notifier, the receiver. Secrets of a channel that is
not stored are sealed to a one-time id.
"""

import asyncio
import time
from http import HTTPStatus
from uuid import UUID, uuid4

from aiohttp import web

from services.api_gateway.calls import Call, json_answer
from services.api_gateway.channels.channel_store import Channel, StoredChannel, find_channel, watched_hosts
from services.api_gateway.channels.handlers import channel_in_scope, sealed
from services.api_gateway.channels.models import UNTRIED, ChannelTest, ChannelTested, Validation, without_answer_fields
from services.api_gateway.channels.rules import configured
from services.api_gateway.channels.trial_store import TrialEnd, insert_trial, trial_end
from services.api_gateway.channels.view import mail_domains, warnings_about
from services.api_gateway.monitors.handlers import customer_in_scope
from services.api_gateway.problems import Fault, Problem, wrong_fields
from services.api_gateway.reading import read_object, validated
from shared.database.pool import Connection

PATIENCE_SECONDS = 25.0
LOOK_SECONDS = 0.25
_UNNAMED = "Test"


async def try_channel(call: Call) -> web.Response:
    """Send the message, and answer with what became of it."""
    call.principal.require_write()
    sent = _read(*await read_object(call.request))
    one_time_id = uuid4()
    started = time.perf_counter()
    async with call.transaction() as connection:
        stored, channel = await _channel(connection, call, sent, one_time_id)
        watched = await watched_hosts(connection, call.organization_id, mail_domains([channel]))
        number = None
        if not sent.dry_run:
            number = await insert_trial(
                connection,
                call.organization_id,
                channel,
                stored=stored,
                one_time_id=one_time_id,
                give_up_ms=round(PATIENCE_SECONDS * 1000),
            )
    end = None if number is None else await _awaited(call, number)
    warnings = [each.text for each in warnings_about(channel, watched, call.resources.address_policy)]
    return json_answer(
        ChannelTested(
            success=end is None or end.sent,
            mode="dryRun" if end is None else "send",
            message=_message(end),
            error=None if end is None or end.sent else end.error or "it was not sent",
            duration_ms=round((time.perf_counter() - started) * 1000),
            validation=Validation(warnings=warnings),
        )
    )


def _read(body: dict[str, object], unkeepable: list[Fault]) -> ChannelTest:
    fields = {key: value for key, value in without_answer_fields(body).items() if key not in UNTRIED}
    sent, faults = validated(ChannelTest, fields, known=unkeepable)
    if sent is None:
        raise wrong_fields(faults)
    if sent.channel_id is not None:
        other = {"type": sent.type, "config": sent.config}
        faults = [
            Fault(
                pointer=f"/{name}", detail=f"{name} does not go with channelId, whose channel is tried as it is stored"
            )
            for name, value in other.items()
            if value is not None
        ]
    elif sent.type is None:
        faults = [Fault(pointer="/type", detail="type is required, or channelId")]
    if faults:
        raise wrong_fields(faults)
    return sent


async def _channel(
    connection: Connection, call: Call, sent: ChannelTest, one_time_id: UUID
) -> tuple[StoredChannel | None, Channel]:
    """What is to be tried; raises Problem 400 naming what is wrong with it, 403 or 404."""
    if sent.channel_id is not None:
        stored = channel_in_scope(call, await find_channel(connection, call.organization_id, sent.channel_id))
        return stored, stored.described
    assert sent.type is not None  # noqa: S101 - see _read
    customer_id = call.principal.single_customer_id
    if sent.customer_id is not None:
        customer_id = (await customer_in_scope(connection, call, sent.customer_id)).id
    after, faults = configured(sent.type, sent.config or {}, before=None)
    if after is None:
        raise wrong_fields(faults)
    return None, Channel(
        customer_id=customer_id,
        name=sent.name or _UNNAMED,
        type=after.type,
        config=after.config,
        sealed_secrets=sealed(call, after, public_id=one_time_id, kept=None),
        secret_names=after.secret_names,
        priority=0,
        delay_seconds=0,
        conditions={},
        is_active=True,
        fallback_channel_id=None,
    )


async def _awaited(call: Call, number: int) -> TrialEnd:
    """What became of it. Looked for again and again: it is rare, and short."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                async with call.transaction() as connection:
                    end = await trial_end(connection, call.organization_id, number)
                if end is not None:
                    return end
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        raise Problem(
            HTTPStatus.GATEWAY_TIMEOUT,
            "No notifier answered in time",
            detail="no notifier sent the message in time; is one running?",
        ) from None


def _message(end: TrialEnd | None) -> str:
    if end is None:
        return "The config is sound; nothing was sent"
    return "The message was sent" if end.sent else "The message could not be sent"
