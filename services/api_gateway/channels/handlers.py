"""Notification channels over HTTP: described, changed, removed. Trying one out is `trying`'s.

A token of one customer sees and changes that customer's own; defaults are the organization's alone.
"""

from dataclasses import replace
from http import HTTPStatus
from uuid import UUID, uuid4

from aiohttp import web

from services.api_gateway.calls import Call, json_answer
from services.api_gateway.channels.channel_store import (
    Channel,
    StoredChannel,
    delete_channel,
    find_channel,
    hold_channel,
    insert_channel,
    list_channels,
    unheard_customers,
    update_channel,
    watched_hosts,
)
from services.api_gateway.channels.models import (
    ChannelCreate,
    ChannelDeleted,
    ChannelFields,
    ChannelPatch,
    ChannelQuery,
    Channels,
    Coverage,
    UnheardCustomer,
    without_answer_fields,
)
from services.api_gateway.channels.rules import After, Before, configured
from services.api_gateway.channels.view import channel_answer, channel_saved, mail_domains
from services.api_gateway.identifiers import read_identifier
from services.api_gateway.monitors.handlers import customer_in_scope, wanted_customers
from services.api_gateway.ownership.ownership_store import Owned
from services.api_gateway.ownership.rules import own
from services.api_gateway.problems import Fault, Problem, forbidden, not_found, wrong_fields
from services.api_gateway.reading import read_object, read_query, validated
from shared.database.pool import Connection
from shared.notifications.channel_types import seal_secrets, sealed_names, without_secrets

PATH = "/api/notification-channels"
_WHAT = "Notification channel"


async def show_channels(call: Call) -> web.Response:
    """`GET /api/notification-channels`: a bare array."""
    query = read_query(call.request, ChannelQuery)
    if query.organization_id not in (None, call.organization_id):
        raise not_found("Organization")
    async with call.transaction() as connection:
        customer_ids = await wanted_customers(connection, call, query.customer_id)
        found = await list_channels(connection, call.organization_id, customer_ids=customer_ids)
        domains = mail_domains(stored.described for stored in found)
        watched = await watched_hosts(connection, call.organization_id, domains)
    policy = call.resources.address_policy
    return json_answer(Channels([channel_answer(stored, watched, policy) for stored in found]))


async def show_channel(call: Call) -> web.Response:
    """`GET /api/notification-channels/{id}`."""
    identifier = _identifier(call)
    async with call.transaction() as connection:
        stored = channel_in_scope(call, await find_channel(connection, call.organization_id, identifier))
        watched = await watched_hosts(connection, call.organization_id, mail_domains([stored.described]))
    return json_answer(channel_answer(stored, watched, call.resources.address_policy))


async def show_coverage(call: Call) -> web.Response:
    """`GET /api/notification-coverage`."""
    async with call.transaction() as connection:
        found = await unheard_customers(
            connection, call.organization_id, customer_ids=call.principal.customers_wanted()
        )
    customers = [
        UnheardCustomer(customer_id=each.customer_id, name=each.name, monitors=each.monitors) for each in found
    ]
    return json_answer(Coverage(nobody_would_be_told=bool(customers), customers=customers))


async def create_channel(call: Call) -> web.Response:
    """`POST /api/notification-channels`."""
    call.principal.require_write()
    body, unkeepable = await read_object(call.request)
    sent, faults = validated(ChannelCreate, without_answer_fields(body), known=unkeepable)
    if sent is None:
        raise wrong_fields(faults)
    after, faults = configured(sent.type, sent.config, before=None)
    if after is None:
        raise wrong_fields(faults)
    public_id = uuid4()
    async with call.transaction() as connection:
        customer_id = await _customer(connection, call, sent.customer_id)
        channel = Channel(
            customer_id=customer_id,
            name=sent.name,
            type=after.type,
            config=after.config,
            sealed_secrets=sealed(call, after, public_id=public_id, kept=None),
            secret_names=after.secret_names,
            priority=sent.priority,
            delay_seconds=sent.delay_seconds,
            conditions=_conditions(sent),
            is_active=sent.is_active,
            fallback_channel_id=await _fallback(connection, call, sent, customer_id=customer_id, own_id=None),
        )
        made = await insert_channel(connection, call.organization_id, public_id, channel)
        if made is not None and await own(connection, call.organization_id, Owned.CHANNEL, made.id, sent):
            made = await find_channel(connection, call.organization_id, made.id)
        return await _saved(connection, call, made, status=HTTPStatus.CREATED)


async def change_channel(call: Call) -> web.Response:
    """`PATCH /api/notification-channels/{id}`: judged against the row as it is, which is held meanwhile."""
    identifier = _identifier(call)
    call.principal.require_write()
    body, unkeepable = await read_object(call.request)
    sent, faults = validated(ChannelPatch, without_answer_fields(body), known=unkeepable)
    async with call.transaction() as connection:
        stored = channel_in_scope(call, await hold_channel(connection, call.organization_id, identifier))
        if sent is None:
            raise wrong_fields(faults)
        channel = await _changed(connection, call, stored, sent)
        before = stored.described
        anew = (channel.type, channel.config, channel.sealed_secrets) != (
            before.type,
            before.config,
            before.sealed_secrets,
        ) or (channel.is_active and not before.is_active)
        changed = await update_channel(connection, stored, channel, start_anew=anew)
        if await own(connection, call.organization_id, Owned.CHANNEL, stored.id, sent, stored.ownership):
            changed = await find_channel(connection, call.organization_id, stored.id)
        return await _saved(connection, call, changed)


async def remove_channel(call: Call) -> web.Response:
    """`DELETE /api/notification-channels/{id}`."""
    identifier = _identifier(call)
    call.principal.require_write()
    async with call.transaction() as connection:
        stored = channel_in_scope(call, await hold_channel(connection, call.organization_id, identifier))
        await delete_channel(connection, stored)
        nobody = await _nobody(connection, call)
    return json_answer(ChannelDeleted(nobody_would_be_told=nobody))


def channel_in_scope(call: Call, stored: StoredChannel | None) -> StoredChannel:
    """The channel, where this token may see it; raises Problem 403 or 404."""
    if stored is None:
        raise not_found(_WHAT)
    if stored.described.customer_id is None:
        call.principal.require_organization_wide()
    else:
        call.principal.require_customer(stored.described.customer_id)
    return stored


def sealed(call: Call, after: After, *, public_id: UUID, kept: str | None) -> str | None:
    """The secrets as the database keeps them: new ones sealed to this channel, `kept` ones as they are."""
    return seal_secrets(
        call.resources.channel_keys,
        after.secrets,
        organization_id=call.organization_id,
        channel_public_id=public_id,
        channel_type=after.type,
        config=after.config,
        kept=kept,
    )


def _identifier(call: Call) -> int | UUID:
    identifier = read_identifier(call.request.match_info["id"])
    if identifier is None:
        raise Problem(HTTPStatus.BAD_REQUEST, "Invalid notification channel ID")
    return identifier


async def _changed(connection: Connection, call: Call, stored: StoredChannel, sent: ChannelPatch) -> Channel:
    before, told = stored.described, sent.model_fields_set
    if "customer_id" in told and await _another_customer(connection, call, sent, before):
        said = "customerId cannot be changed; make another channel"
        raise wrong_fields([Fault(pointer="/customerId", detail=said)])
    channel = before
    if "config" in told or ("type" in told and sent.type is not before.type):
        channel_type = sent.type if "type" in told else before.type
        known = Before(before.type, before.config, sealed_names(before.sealed_secrets))
        after, faults = configured(channel_type, sent.config, before=known)
        if after is None:
            raise wrong_fields(faults)
        kept = without_secrets(before.sealed_secrets, known.secret_names - after.kept_names)
        channel = replace(
            channel,
            type=after.type,
            config=after.config,
            sealed_secrets=sealed(call, after, public_id=stored.public_id, kept=kept),
            secret_names=after.secret_names,
        )
    plain = {name: getattr(sent, name) for name in ("name", "priority", "delay_seconds", "is_active") if name in told}
    channel = replace(channel, **plain)
    if "conditions" in told:
        channel = replace(channel, conditions=_conditions(sent))
    if "fallback_channel_id" in told and sent.fallback_channel_id != before.fallback_channel_id:
        fallback = await _fallback(connection, call, sent, customer_id=before.customer_id, own_id=stored.id)
        channel = replace(channel, fallback_channel_id=fallback)
    return channel


async def _another_customer(connection: Connection, call: Call, sent: ChannelPatch, before: Channel) -> bool:
    if sent.customer_id is None:
        return before.customer_id is not None
    return (await customer_in_scope(connection, call, sent.customer_id)).id != before.customer_id


async def _customer(connection: Connection, call: Call, identifier: int | UUID | None) -> int | None:
    """Whose channel it will be; None: the organization's default. Raises Problem 403 or 404."""
    if identifier is not None:
        return (await customer_in_scope(connection, call, identifier)).id
    if call.principal.customer_ids is not None:
        raise forbidden("only channels of the customers in scope may be made; name one as customerId")
    return None


async def _fallback(
    connection: Connection, call: Call, sent: ChannelFields, *, customer_id: int | None, own_id: int | None
) -> int | None:
    """The channel told instead: of the same customer, or the organization's where the token may see those."""
    if sent.fallback_channel_id is None:
        return None
    found = await find_channel(connection, call.organization_id, sent.fallback_channel_id)
    seen = {customer_id, None} if call.principal.customer_ids is None else {customer_id}
    if found is None or found.described.customer_id not in seen or found.id == own_id:
        said = "fallbackChannelId must be another channel of the same customer or of the organization"
        raise wrong_fields([Fault(pointer="/fallbackChannelId", detail=said)])
    return found.id


def _conditions(sent: ChannelFields) -> dict[str, object]:
    if sent.conditions is None:
        return {}
    return sent.conditions.model_dump(mode="json", by_alias=True, exclude_none=True)


async def _nobody(connection: Connection, call: Call) -> bool:
    customer_ids = call.principal.customers_wanted()
    return bool(await unheard_customers(connection, call.organization_id, customer_ids=customer_ids))


async def _saved(
    connection: Connection, call: Call, stored: StoredChannel | None, *, status: HTTPStatus = HTTPStatus.OK
) -> web.Response:
    assert stored is not None  # noqa: S101 - of this very transaction
    watched = await watched_hosts(connection, call.organization_id, mail_domains([stored.described]))
    nobody = await _nobody(connection, call)
    location = f"{PATH}/{stored.public_id}" if status is HTTPStatus.CREATED else None
    answer = channel_saved(stored, watched, call.resources.address_policy, nobody=nobody)
    return json_answer(answer, status=status, location=location)
