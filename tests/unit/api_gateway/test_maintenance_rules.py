"""What a window may be, judged by what comes of a request laid over what is stored."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.api_gateway.maintenance.models import WindowCreate, WindowPatch, without_answer_fields
from services.api_gateway.maintenance.rules import (
    Plan,
    Selection,
    Wanted,
    planned,
    selected,
    upcoming,
    wanted,
    way_faults,
)
from services.api_gateway.reading import validated

START, END = "2026-07-10T22:00:00.000Z", "2026-07-11T01:00:00.000Z"
NEXT_DAY, NEXT_WEEK = "2026-07-11T22:00:00.000Z", "2026-07-17T22:00:00.000Z"
BODY = {"name": "Upgrade", "startTime": START, "endTime": END, "imapPopMonitorId": 5}
WEEKLY = {"frequency": "weekly", "daysOfWeek": [1]}
WEEKEND = {"frequency": "weekly", "daysOfWeek": [6, 0]}
EVERY_DAY = {"frequency": "weekly", "daysOfWeek": [0, 1, 2, 3, 4, 5, 6]}
STORED = Plan(
    name="Upgrade",
    description=None,
    starts_at=datetime(2026, 7, 10, 22, tzinfo=UTC),
    ends_at=datetime(2026, 7, 11, 1, tzinfo=UTC),
    time_zone="Europe/Berlin",
    pattern={"frequency": "daily"},
    is_active=True,
)


def pointers(body: dict[str, Any]) -> list[str]:
    sent, faults = validated(WindowCreate, without_answer_fields({**BODY, **body}))
    if sent is not None:
        faults = planned(sent, stored=None)[1] + way_faults(wanted(sent), stored=None)
    return sorted(fault.pointer for fault in faults)


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, []),
        ({"endTime": START}, ["/endTime"]),
        ({"startTime": "2026-07-10 22:00"}, ["/startTime"]),
        ({"startTime": "soon"}, ["/startTime"]),
        ({"startTime": 1783720800}, ["/startTime"]),
        ({"startTime": None}, ["/startTime"]),
        ({"endTime": "9999-12-31T23:59:59Z"}, ["/endTime"]),
        ({"startTime": "0001-01-01T00:00:00+14:00"}, ["/startTime"]),
        ({"timeZone": "Mars/Olympus"}, ["/timeZone"]),
        ({"timeZone": "../../etc/passwd"}, ["/timeZone"]),
        ({"name": ""}, ["/name"]),
        ({"description": "x" * 2001}, ["/description"]),
        ({"isRecurring": True}, ["/recurrencePattern"]),
        ({"isRecurring": "yes"}, ["/isRecurring"]),
        ({"recurrencePattern": WEEKLY}, ["/isRecurring"]),
        ({"isRecurring": False, "recurrencePattern": WEEKLY}, []),
        ({"isRecurring": True, "recurrencePattern": WEEKLY}, []),
        # One that lasts until it begins again would keep everything quiet for good.
        ({"isRecurring": True, "recurrencePattern": {"frequency": "daily"}, "endTime": NEXT_DAY}, ["/endTime"]),
        ({"isRecurring": True, "recurrencePattern": {"frequency": "daily", "interval": 2}, "endTime": NEXT_DAY}, []),
        ({"isRecurring": True, "recurrencePattern": WEEKEND, "endTime": NEXT_DAY}, []),
        ({"isRecurring": True, "recurrencePattern": EVERY_DAY, "endTime": NEXT_DAY}, ["/endTime"]),
        ({"isRecurring": True, "recurrencePattern": {"frequency": "weekly"}, "endTime": NEXT_WEEK}, ["/endTime"]),
        ({"isRecurring": True, "recurrencePattern": {"frequency": "monthly"}, "endTime": NEXT_WEEK}, []),
        ({"isRecurring": True, "recurrencePattern": "weekly"}, ["/recurrencePattern"]),
        ({"isRecurring": True, "recurrencePattern": {}}, ["/recurrencePattern/frequency"]),
        ({"isRecurring": True, "recurrencePattern": {"frequency": "yearly"}}, ["/recurrencePattern/frequency"]),
        (
            {"isRecurring": True, "recurrencePattern": {"frequency": "weekly", "interval": 0, "daysOfWeek": [8]}},
            ["/recurrencePattern/daysOfWeek/0", "/recurrencePattern/interval"],
        ),
        (
            {"isRecurring": True, "recurrencePattern": {"frequency": "daily", "daysOfWeek": [1]}},
            ["/recurrencePattern/daysOfWeek"],
        ),
        ({"isRecurring": True, "recurrencePattern": {"frequency": "daily", "daysOfWeek": []}}, []),
        (
            {"isRecurring": True, "recurrencePattern": {"frequency": "weekly", "dayOfMonth": 3}},
            ["/recurrencePattern/dayOfMonth"],
        ),
        (
            {"isRecurring": True, "recurrencePattern": {"frequency": "monthly", "dayOfMonth": 32}},
            ["/recurrencePattern/dayOfMonth"],
        ),
        (
            {"isRecurring": True, "recurrencePattern": {"frequency": "daily", "endRecurrenceDate": "2026-02-30"}},
            ["/recurrencePattern/endRecurrenceDate"],
        ),
        ({"isRecurring": True, "recurrencePattern": {**WEEKLY, "days": 1}}, ["/recurrencePattern/days"]),
        ({"isRecurring": True, "recurrencePattern": WEEKLY, "endTime": "2026-08-20T00:00:00Z"}, ["/endTime"]),
        ({"endTime": "2026-08-20T00:00:00Z"}, []),
        ({"imapPopMonitorId": None}, ["/targets"]),
        ({"imapPopMonitorId": None, "targets": []}, ["/targets"]),
        ({"imapPopMonitorId": None, "targets": [{"type": "website", "id": 1}]}, ["/targets/0/type"]),
        ({"imapPopMonitorId": None, "targets": [{"type": "imap_pop"}]}, ["/targets/0/id"]),
        ({"imapPopMonitorId": None, "targets": [{"type": "imap_pop", "id": 1}], "tagIds": [2]}, []),
        ({"imapPopMonitorId": None, "targets": [{"type": "imap_pop", "id": 1}], "customerId": 1}, ["/customerId"]),
        ({"imapPopMonitorId": None, "tagIds": [2], "customerId": 1}, []),
        ({"imapPopMonitorId": None, "customerId": 1}, []),
        ({"tagIds": [2], "customerId": 1}, ["/customerId", "/tagIds"]),
        ({"targets": [{"type": "imap_pop", "id": 1}]}, ["/targets"]),
        ({"imapPopMonitorId": "5"}, ["/imapPopMonitorId"]),
        ({"websiteId": None, "id": 3, "isOpen": True}, []),
        ({"websiteId": 7}, ["/websiteId"]),
        ({"colour": "red"}, ["/colour"]),
    ],
)
def test_every_wrong_field_is_named(body: dict[str, Any], wrong: list[str]) -> None:
    assert pointers(body) == wrong


def changed(body: dict[str, Any]) -> tuple[Plan | None, list[str]]:
    sent, faults = validated(WindowPatch, body)
    assert sent is not None, faults
    plan, faults = planned(sent, stored=STORED)
    return plan, [fault.pointer for fault in faults]


def test_what_is_not_sent_stays() -> None:
    assert changed({}) == (STORED, [])
    plan, _ = changed({"name": "Other", "isActive": False})
    assert plan is not None
    assert (plan.name, plan.is_active, plan.pattern, plan.time_zone) == (
        "Other",
        False,
        STORED.pattern,
        "Europe/Berlin",
    )


def test_a_change_is_judged_with_what_stays() -> None:
    assert changed({"endTime": "2026-07-10T21:00:00Z"}) == (None, ["/endTime"])
    assert changed({"startTime": "2026-07-12T00:00:00Z"}) == (None, ["/startTime"])
    assert changed({"endTime": "2026-09-01T00:00:00Z"}) == (None, ["/endTime"])
    plan, _ = changed({"isRecurring": False, "endTime": "2026-09-01T00:00:00Z"})
    assert plan is not None
    assert plan.pattern is None
    plan, _ = changed({"recurrencePattern": WEEKLY})
    assert plan is not None
    assert plan.pattern == WEEKLY


def test_times_are_kept_to_the_millisecond() -> None:
    plan, _ = changed({"startTime": "2026-07-10T22:00:00.123987+02:00"})
    assert plan is not None
    assert plan.starts_at.astimezone(UTC) == datetime(2026, 7, 10, 20, 0, 0, 123_000, tzinfo=UTC)
    assert plan.window().starts_ms % 1000 == 123
    assert plan.ends_at - plan.starts_at > timedelta(hours=4)


def choose(body: dict[str, Any], stored: Selection | None) -> tuple[Selection, list[str]]:
    sent, faults = validated(WindowPatch, body)
    assert sent is not None, faults
    asked = wanted(sent)
    names = {n: n for n in range(1, 100)}
    chosen = selected(
        asked, stored=stored, monitors=names, tags=names, customer_of_monitors=77, customer_id=sent.customer_id
    )
    return chosen, [fault.pointer for fault in way_faults(asked, stored=stored)]


def target(*numbers: int) -> dict[str, Any]:
    return {"targets": [{"type": "imap_pop", "id": number} for number in numbers]}


@pytest.mark.parametrize(
    ("body", "stored", "chosen", "wrong"),
    [
        ({"imapPopMonitorId": 5}, None, Selection((5,), (), 77), []),
        (target(5, 6, 5), None, Selection((5, 6), (), 77), []),
        ({**target(5), "tagIds": [8]}, None, Selection((5,), (8,), 77), []),
        ({"tagIds": [8]}, None, Selection((), (8,), None), []),
        ({"tagIds": [8], "customerId": 3}, None, Selection((), (8,), 3), []),
        ({"customerId": 3}, None, Selection((), (), 3, whole_customer=True), []),
        # Each replaces its own kind.
        ({"tagIds": [9]}, Selection((5,), (8,), 77), Selection((5,), (9,), 77), []),
        ({"tagIds": []}, Selection((5,), (8,), 77), Selection((5,), (), 77), []),
        (target(), Selection((5,), (8,), 77), Selection((), (8,), 77), []),
        (target(), Selection((5,), (), 77), Selection((), (), 77), ["/targets"]),
        ({"imapPopMonitorId": 6}, Selection((5,), (8,), 77), Selection((6,), (), 77), []),
        ({"customerId": 3}, Selection((), (8,), 77), Selection((), (8,), 3), []),
        ({"customerId": 3}, Selection((), (), 77, whole_customer=True), Selection((), (), 3, whole_customer=True), []),
        ({"customerId": 3, "tagIds": []}, Selection((), (8,), 77), Selection((), (), 3, whole_customer=True), []),
        ({"tagIds": [8]}, Selection((), (), 3, whole_customer=True), Selection((), (8,), 3), []),
    ],
)
def test_whom_a_window_is_for(body: Any, stored: Any, chosen: Selection, wrong: list[str]) -> None:
    assert choose(body, stored) == (chosen, wrong)


def test_a_customer_does_not_go_with_targets_that_stay() -> None:
    assert choose({"customerId": 3}, Selection((5,), (), 77))[1] == ["/customerId"]


def test_what_an_answer_showed_says_nothing_when_it_comes_back() -> None:
    shown = {"imap_pop_monitor_id": 5, "targets": [5], "tag_ids": [], "customer_id": 77}
    sent, _ = validated(WindowPatch, {"imapPopMonitorId": 5, **target(5), "tagIds": [], "customerId": 77})
    assert sent is not None
    assert wanted(sent, shown=shown) == Wanted()
    sent, _ = validated(WindowPatch, {"imapPopMonitorId": 5, **target(5, 6), "tagIds": [], "customerId": 77})
    assert sent is not None
    assert wanted(sent, shown=shown) == Wanted(targets=[5, 6])


def begins(plan: Plan, *, now: datetime) -> list[str]:
    return [datetime.fromtimestamp(begin / 1000, UTC).isoformat() for begin, _ in upcoming(plan, now=now)]


def test_the_next_five_times_keep_the_clock_of_their_zone_when_summer_ends() -> None:
    now = datetime(2026, 10, 23, 23, tzinfo=UTC)
    assert begins(STORED, now=now) == [
        "2026-10-23T22:00:00+00:00",  # open
        "2026-10-24T22:00:00+00:00",
        "2026-10-25T23:00:00+00:00",
        "2026-10-26T23:00:00+00:00",
        "2026-10-27T23:00:00+00:00",
    ]


def test_rare_ones_are_looked_for_further_ahead_and_those_that_are_over_have_none() -> None:
    now = datetime(2026, 10, 1, tzinfo=UTC)
    quarterly = replace(STORED, pattern={"frequency": "monthly", "interval": 3})
    assert len(begins(quarterly, now=now)) == 5
    assert begins(replace(STORED, pattern=None), now=now) == []
    assert begins(replace(STORED, is_active=False), now=now) == []
    assert begins(replace(STORED, pattern=None), now=STORED.starts_at) == ["2026-07-10T22:00:00+00:00"]
    last = replace(STORED, pattern={"frequency": "daily", "endRecurrenceDate": "2026-10-02"})
    assert len(begins(last, now=now)) == 2
