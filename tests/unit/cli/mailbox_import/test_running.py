"""A run beside an API that answers by a script: what of a first check makes a row green, red, or waited for."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest

from cli.api_client import Refused
from cli.failing import Failed
from cli.mailbox_import import running
from cli.mailbox_import.rows import read_table
from cli.mailbox_import.running import End, Report, Run, live_places, plans_of
from cli.mailbox_import.wanted import Filling

Stage = Callable[["Api", dict[str, Any]], None]


class Api:
    """Monitors that pass through stages, one at each look. `checked`: what their checks found, newest first."""

    def __init__(self, *stages: Stage, places: int = 1) -> None:
        self.stages = stages
        self.places = places
        self.monitors: dict[str, dict[str, Any]] = {}
        self.checked: list[dict[str, Any]] = []
        self.looks = 0
        self.triggered = 0

    async def add_monitor(self, body: Mapping[str, Any]) -> dict[str, Any]:
        public_id = str(uuid4())
        found = {"lastCheckedAt": None, "health": "unknown", "everPassed": False, "healthMessage": None}
        self.monitors[public_id] = {**body, **found, "publicId": public_id}
        return self.monitors[public_id]

    async def newest_monitors(self, _most: int) -> list[dict[str, Any]]:
        for monitor in self.monitors.values():
            self.stages[min(self.looks, len(self.stages) - 1)](self, monitor)
        self.looks += 1
        return list(self.monitors.values())

    async def checks(self, _public_id: str, *, limit: int) -> list[dict[str, Any]]:
        return self.checked[:limit]

    async def change_monitor(self, public_id: UUID, body: Mapping[str, Any]) -> dict[str, Any]:
        self.monitors[str(public_id)] |= body
        return self.monitors[str(public_id)]

    async def trigger_check(self, _public_id: UUID) -> None:
        self.triggered += 1
        raise Refused("another login to this account is under way", status=429)

    async def locations(self) -> list[dict[str, Any]]:
        at_work = {"protocols": [{"protocol": "imap", "live": True}, {"protocol": "pop3", "live": False}]}
        return [at_work] * self.places


def nothing(_api: Api, _monitor: dict[str, Any]) -> None:
    """Its first check has not come."""


def passes(_api: Api, monitor: dict[str, Any]) -> None:
    monitor |= {"lastCheckedAt": "2026-01-01T00:00:09.000Z", "health": "up", "everPassed": True}


def fails(kind: str, *, location: str = "here", health: str = "down", withheld: bool = False) -> Stage:
    def stage(api: Api, monitor: dict[str, Any]) -> None:
        monitor |= {"lastCheckedAt": f"2026-01-01T00:00:0{api.looks}.000Z", "health": health}
        check = {
            "checkedAt": monitor["lastCheckedAt"],
            "locationCode": location,
            "errorMessage": f"It failed by {kind}.",
            "diagnostics": {"outcomeClass": kind, "serverWords": "NO", "withheld": withheld},
        }
        api.checked.insert(0, check)

    return stage


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "POLL_SECONDS", 0.0)


def run(api: Api, *, patience_seconds: float = 30) -> Report:
    async def one_row() -> Report:
        (row,) = read_table(b"address,password,host\nanna@example.com,x,mx.example.com\n").rows
        customers = [{"id": 10, "publicId": "p", "name": "Bakery"}]
        wanted = [await Filling(api, customers, customer=None, trust=False).fill(row)]  # type: ignore[arg-type]
        plans = plans_of(wanted, [], update=False)
        places = await live_places(api, plans)  # type: ignore[arg-type]
        told: list[int] = []
        begun = Run(
            api,  # type: ignore[arg-type]
            places=places,
            patience_seconds=patience_seconds,
            said=lambda report, *_: told.append(len(report.outcomes)),
        )
        return await begun.run(wanted, plans)

    return asyncio.run(one_row())


def ends(report: Report) -> list[tuple[End, str]]:
    return [(each.end, each.reason) for each in report.outcomes]


def test_a_first_check_that_passes_is_green() -> None:
    assert ends(run(Api(nothing, nothing, passes))) == [(End.GREEN, "")]


def test_one_that_is_refused_is_red_and_paused() -> None:
    api = Api(nothing, fails("auth_rejected"), places=3)
    assert ends(run(api)) == [(End.RED, "It failed by auth_rejected. The server's words: NO")]
    assert [each["status"] for each in api.monitors.values()] == ["disabled"]


def test_what_one_location_cannot_reach_another_may() -> None:
    api = Api(fails("connect_timeout"), nothing, passes, places=2)
    assert ends(run(api)) == [(End.GREEN, "")]


def test_what_no_location_can_reach_is_red() -> None:
    api = Api(fails("connect_timeout"), fails("connect_timeout", location="there"), nothing, places=2)
    assert [end for end, _ in ends(run(api))] == [End.RED]


def test_a_location_that_says_nothing_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "OTHERS_SECONDS", 0.05)
    assert [end for end, _ in ends(run(Api(fails("connect_timeout"), nothing, places=2)))] == [End.RED]


def test_a_server_that_is_busy_is_asked_again_before_a_row_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "SOFT_PAUSE_SECONDS", 0.0)
    api = Api(fails("rate_limited", health="degraded"))
    assert [end for end, _ in ends(run(api))] == [End.RED]
    assert api.triggered == 2
    api = Api(fails("rate_limited", health="degraded"), passes)
    assert [end for end, _ in ends(run(api))] == [End.GREEN]


def test_a_check_that_made_no_login_says_nothing() -> None:
    assert [end for end, _ in ends(run(Api(fails("auth_rejected", withheld=True), passes)))] == [End.GREEN]


def test_what_never_comes_is_said_and_left_as_it_is() -> None:
    api = Api(nothing)
    assert ends(run(api, patience_seconds=0.1)) == [(End.UNTESTED, "its first check has not come yet")]
    assert [each["status"] for each in api.monitors.values()] == ["active"]


def test_without_a_worker_nothing_begins() -> None:
    api = Api(nothing, places=0)
    with pytest.raises(Failed, match="no worker for imap is there"):
        run(api)
    assert api.monitors == {}
