"""Hears what other services say through the database: changed monitors, new requests, locations come and gone.

A notification lost while the connection was down is made up for by looking at everything once it is back.
"""

import structlog

from services.scheduler.term import Term
from shared.database.errors import translated_errors
from shared.database.pool import PIPELINE_ROLE, connect
from shared.runtime.lifecycle import stopped_within

_log = structlog.get_logger()

MONITORS = "mailprobe_monitors"
REQUESTS = "mailprobe_requests"
LOCATIONS = "mailprobe_locations"

ALIVE_SECONDS = 10.0


async def listen(term: Term) -> None:
    """Until the term is over, or the connection is lost (DatabaseUnavailable)."""
    connection = await connect(
        term.dsn, role=PIPELINE_ROLE, application_name="mailprobe scheduler (listen)", command_timeout_seconds=5
    )
    try:
        with translated_errors():
            await connection.add_listener(MONITORS, lambda *said: _monitor_changed(term, said[-1]))
            await connection.add_listener(REQUESTS, lambda *_: term.requests_changed.set())
            await connection.add_listener(LOCATIONS, lambda *_: term.locations_changed.set())
            _look_at_everything(term)
            while not await stopped_within(term.over, ALIVE_SECONDS):
                await connection.execute("SELECT 1")
    finally:
        connection.terminate()


def _monitor_changed(term: Term, payload: object) -> None:
    try:
        term.changed_monitors.add(int(str(payload)))
    except ValueError:
        term.reconcile_all = True
    term.schedule_changed.set()


def _look_at_everything(term: Term) -> None:
    term.reconcile_all = True
    for event in (term.schedule_changed, term.requests_changed, term.locations_changed):
        event.set()
