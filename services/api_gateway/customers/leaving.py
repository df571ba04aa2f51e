"""Customers that leave: some days in which they can come back, and then their monitors are disabled.

Whatever was recorded stays as it is; who has left can be taken back by `DELETE …/cancel` as well.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from http import HTTPStatus

import structlog
from aiohttp import web

from services.api_gateway.acting import told_actor
from services.api_gateway.calls import Call, json_answer
from services.api_gateway.customers.customer_store import (
    CustomerStatus,
    disable_monitors,
    due_cancellations,
    hold_customer,
    set_customer_status,
)
from services.api_gateway.customers.handlers import customer_of_address
from services.api_gateway.customers.models import Customer, CustomerCancelled
from services.api_gateway.problems import Problem, not_found
from services.api_gateway.resources import RESOURCES
from shared.database.errors import DatabaseError
from shared.database.pool import Connection, Pool, organization_transaction

GRACE = timedelta(days=3)
LOOK_SECONDS = 60.0

_log = structlog.get_logger()


async def cancel_customer(call: Call) -> web.Response:
    """`POST /api/customers/{publicId}/cancel`: once more changes nothing, the first day counts."""
    call.principal.require_admin()
    call.principal.require_organization_wide()
    async with call.transaction() as connection:
        customer = await _held(connection, call)
        if customer.status == CustomerStatus.CANCELLED:
            raise Problem(HTTPStatus.CONFLICT, "The customer is cancelled already")
        if customer.status == CustomerStatus.ACTIVE:
            customer = await set_customer_status(connection, customer, CustomerStatus.LEAVING, grace=GRACE)
    return json_answer(CustomerCancelled(customer=customer))


async def keep_customer(call: Call) -> web.Response:
    """`DELETE /api/customers/{publicId}/cancel`: the customer stays. Monitors disabled meanwhile stay disabled."""
    call.principal.require_admin()
    call.principal.require_organization_wide()
    async with call.transaction() as connection:
        customer = await _held(connection, call)
        if customer.status != CustomerStatus.ACTIVE:
            customer = await set_customer_status(connection, customer, CustomerStatus.ACTIVE, grace=None)
    return json_answer(CustomerCancelled(customer=customer))


async def finish_cancellations(pool: Pool) -> int:
    """Let go of those whose days are over; how many there were. Any number of gateways may do so at once."""
    ended = 0
    actor = told_actor("operator", None, "cancellation")
    for organization_id, customer_id in await due_cancellations(pool):
        async with organization_transaction(pool, organization_id, actor=actor) as connection:
            customer = await hold_customer(connection, organization_id, customer_id)
            if customer is None or customer.status != CustomerStatus.LEAVING:
                continue  # another gateway was faster, or somebody changed their mind
            disabled = await disable_monitors(connection, organization_id, customer_id)
            await set_customer_status(connection, customer, CustomerStatus.CANCELLED, grace=None)
        _log.info("customer_cancelled", organization_id=organization_id, customer_id=customer_id, monitors=disabled)
        ended += 1
    return ended


async def finishing_cancellations(app: web.Application) -> AsyncIterator[None]:
    """For the application's life: look every minute."""
    looking = asyncio.create_task(_look(app[RESOURCES].pool))
    yield
    looking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await looking


async def _look(pool: Pool) -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            await finish_cancellations(pool)
        except DatabaseError as error:
            _log.warning("cancellations_not_finished", error=str(error))


async def _held(connection: Connection, call: Call) -> Customer:
    shown = await customer_of_address(connection, call)
    customer = await hold_customer(connection, call.organization_id, shown.id)
    if customer is None:
        raise not_found("Customer")
    return customer
