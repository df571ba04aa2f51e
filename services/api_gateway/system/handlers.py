"""How mailprobe itself is doing, over HTTP."""

from aiohttp import web

from services.api_gateway.calls import Call, json_answer
from services.api_gateway.field_types import moment_if_known, moment_of_ms
from services.api_gateway.problems import forbidden
from services.api_gateway.system.models import (
    CanaryStanding,
    NotifierStanding,
    QueuesStanding,
    QueueStanding,
    ResultStanding,
    RetentionStanding,
    ScheduleStanding,
    SystemState,
)
from services.api_gateway.system.system_store import Numbers, is_only_organization, read_numbers
from shared.broker.topology import DEAD_LETTERS_QUEUE

PATH = "/api/system"


async def show_system(call: Call) -> web.Response:
    """`GET /api/system`: for those who look after the installation.

    What waits of one organization tells the others how busy it is. So it takes a global role, or an admin of everything
    while there is one organization alone: then the installation is theirs.
    """
    if call.principal.global_role is None:
        call.principal.require_admin()
        call.principal.require_organization_wide()
    async with call.transaction() as connection:
        if call.principal.global_role is None and not await is_only_organization(connection):
            raise forbidden("there are several organizations: this takes a person with a global role")
        numbers = await read_numbers(connection, call.resources.schedule)
    return json_answer(
        SystemState(
            at=moment_of_ms(numbers.schedule["now_ms"]),
            schedule=_schedule(numbers),
            results=_results(numbers),
            canaries=_canaries(numbers),
            queues=await _queues(call, numbers),
            notifier=_notifier(numbers),
            retention=_retention(call, numbers),
        )
    )


def _schedule(numbers: Numbers) -> ScheduleStanding:
    row = numbers.schedule
    lag_ms = row["now_ms"] - row["oldest_due_at"] if row["late"] else 0
    return ScheduleStanding(
        scheduled=row["scheduled"],
        late=row["late"],
        lag_seconds=max(0, lag_ms) / 1000,
        scheduler=row["holder"],
        since=moment_if_known(row["since_at"]),
    )


def _results(numbers: Numbers) -> ResultStanding:
    delays = numbers.delays
    return ResultStanding(
        sampled=delays.sampled,
        wait_seconds=_seconds(delays.wait_ms),
        store_seconds=_seconds(delays.store_ms),
        listening_at=moment_if_known(numbers.listening_at),
    )


def _canaries(numbers: Numbers) -> list[CanaryStanding]:
    return [
        CanaryStanding(
            location=row["location"],
            protocol=row["protocol"],
            passed=row["passed"],
            message=row["message"],
            stored_at=moment_of_ms(row["stored_at"]),
            took_seconds=max(0, row["took_ms"]) / 1000,
        )
        for row in numbers.canaries
    ]


async def _queues(call: Call, numbers: Numbers) -> QueuesStanding:
    watch = call.resources.queues
    depths, problem = await watch.look(numbers.locations)
    return QueuesStanding(
        problem=problem,
        dead=sum(each.ready + (each.unacked or 0) for each in depths if each.name == DEAD_LETTERS_QUEUE),
        console_url=watch.console_url,
        items=[
            QueueStanding(
                name=each.name,
                ready=each.ready,
                unacknowledged=each.unacked,
                consumers=each.consumers,
                standing=each.standing,
                meaning=each.meaning,
                console_url=watch.console_of(each.name),
            )
            for each in depths
        ],
    )


def _notifier(numbers: Numbers) -> NotifierStanding:
    row = numbers.telling
    return NotifierStanding(
        pending=row["pending"],
        oldest_at=moment_if_known(row["oldest_at"]),
        unsent=row["unsent"],
        unsent_since=moment_if_known(row["unsent_since"]),
        failed=row["failed"],
    )


def _retention(call: Call, numbers: Numbers) -> RetentionStanding:
    row, settings = numbers.days, call.resources.settings
    return RetentionStanding(
        results_from=row["first_day"],
        results_until=row["last_day"],
        days=row["days"],
        bytes=row["bytes"] or 0,
        astray=row["astray"],
        results_days=settings.results_retention_days,
        hours_days=settings.hours_retention_days,
        history_days=settings.history_retention_days,
        audit_days=settings.audit_retention_days,
    )


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds / 1000, 3)
