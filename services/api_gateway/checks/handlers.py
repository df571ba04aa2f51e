"""Checks over HTTP: asked for out of turn, and looked back on. Trying one out is `trial_handlers`'."""

import math
from http import HTTPStatus
from uuid import UUID

from aiohttp import web

from services.api_gateway.calls import Call, json_answer
from services.api_gateway.checks.eligibility import require_eligible
from services.api_gateway.checks.history_store import check_history
from services.api_gateway.checks.models import CheckHistory, ChecksTriggered, HistoryQuery
from services.api_gateway.checks.request_store import (
    TRIGGER_GIVE_UP_MS,
    live_locations,
    login_busy_ms,
    request_checks,
)
from services.api_gateway.cursors import read_cursor, with_next, write_cursor
from services.api_gateway.diagnostics import check_of_row
from services.api_gateway.monitors.description import StoredMonitor
from services.api_gateway.monitors.handlers import in_scope, monitor_id
from services.api_gateway.monitors.monitor_store import find_monitor
from services.api_gateway.problems import Problem, too_many
from services.api_gateway.reading import read_query
from shared.broker.topology import checks_queue
from shared.checks.logins import account_of
from shared.checks.vocabulary import CheckKind, Lane, MailProtocol, MonitorStatus, OutcomeKind
from shared.database.pool import Connection


async def trigger_check(call: Call) -> web.Response:
    """`POST /api/imap-pop-monitors/{publicId}/trigger-check`: one check from each eligible location, now."""
    public_id = monitor_id(call.request)
    call.principal.require_write()
    async with call.transaction() as connection:
        stored = in_scope(call, await find_monitor(connection, call.organization_id, public_id))
        description = stored.description
        if description.status is MonitorStatus.DISABLED:
            raise Problem(HTTPStatus.CONFLICT, "The monitor is disabled; set its status to active to check it")
        live = await live_locations(connection, description.protocol)
        locations = require_eligible(live, stored.countries)
        await _require_login_free(connection, stored)
        await request_checks(connection, stored, locations, kind=CheckKind.TRIGGER, give_up_after_ms=TRIGGER_GIVE_UP_MS)
    return json_answer(
        ChecksTriggered(
            message="Checks triggered successfully",
            imap_pop_monitor_id=stored.id,
            location_codes=[location.code for location in locations],
            queue_names=[checks_queue(description.protocol, location.code, Lane.NOW) for location in locations],
        )
    )


async def show_history(call: Call) -> web.Response:
    """`GET /api/imap-pop-monitors/{publicId}/check-history`."""
    public_id = monitor_id(call.request)
    query = read_query(call.request, HistoryQuery)
    of = f"checks {public_id}"
    place = read_cursor(call, of, query.cursor)
    before = None if place is None else (int(place[0]), UUID(str(place[1])))
    async with call.transaction() as connection:
        stored = in_scope(call, await find_monitor(connection, call.organization_id, public_id))
        rows = await check_history(
            connection,
            call.organization_id,
            stored.id,
            limit=query.limit + 1,
            before=before,
            passed=None if query.status is None else query.status == "success",
        )
    shown = rows[: query.limit]
    more = len(rows) > query.limit
    cursor = write_cursor(call, of, shown[-1].slot_at, str(shown[-1].check_id)) if more else None
    answer = json_answer(CheckHistory(data=[check_of_row(row) for row in shown], next_cursor=cursor))
    return with_next(call, answer, cursor)


async def _require_login_free(connection: Connection, stored: StoredMonitor) -> None:
    """Raises Problem 429 while another login of this account would have to be waited for.

    Only POP3 and credentials not known to be good take turns; of these, a monitor that passed last is no member.
    """
    target = stored.description.target()
    proven = stored.last_outcome == OutcomeKind.OK
    if not target.logs_in or (proven and target.protocol is not MailProtocol.POP3):
        return
    host, user = account_of(target)
    busy_ms = await login_busy_ms(connection, host=host, user=user)
    if busy_ms > 0:
        raise too_many("another login to this account is under way", retry_after_seconds=math.ceil(busy_ms / 1000))
