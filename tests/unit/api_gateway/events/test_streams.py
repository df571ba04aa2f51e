"""A stream of events by itself: its format, where it goes on, and clients that do not keep up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.api_gateway.events import frames, listener, stream
from services.api_gateway.events.listener import Listener
from services.api_gateway.events.models import MonitorEvent
from services.api_gateway.events.position import Position, read_position
from services.api_gateway.events.stream import EventStream
from services.api_gateway.events.telling import Told
from shared.database.errors import DatabaseUnavailable

MONITOR = UUID("11111111-1111-4111-8111-111111111111")
HERE = Position(7, 1_772_107_200_000)


def told(customer_id: int = 10, *, watched: UUID | None = None, text: bytes = b"data: {}\n\n") -> Told:
    return Told(customer_id, text, watched)


def a_listener(customer_ids: frozenset[int] | None = None, **watched: int) -> Listener:
    return Listener(organization_id=1, customer_ids=customer_ids, watched={MONITOR: 5} if watched else {})


@given(some.integers(0, 2**63 - 1), some.integers(0, 10**16 - 1))
def test_a_position_comes_back_as_it_was(transaction: int, at_ms: int) -> None:
    assert read_position(str(Position(transaction, at_ms))) == Position(transaction, at_ms)


@pytest.mark.parametrize("text", ["9223372036854775808-1", "1", "-1-1", "1-1\n", "١-١", "1-" + "1" * 17])
def test_what_is_no_position_is_refused(text: str) -> None:
    assert read_position(text) is None


def test_the_last_event_of_a_batch_carries_how_far_the_stream_has_come() -> None:
    first, last = (
        frames.frame("monitor", MonitorEvent(monitor_id=MONITOR, change=each)) for each in ("created", "deleted")
    )
    written = frames.batch([first, last], HERE).decode()
    assert written.index(f"id: {HERE}") > written.index("created")
    assert written.index(f"id: {HERE}") < written.index("deleted")
    assert written.count("id: ") == 1
    assert written.endswith("\n\n")


def test_whoever_may_see_one_customer_sees_no_other() -> None:
    limited = a_listener(frozenset({10}))
    assert [limited.sees(told(customer)) for customer in (10, 11)] == [True, False]
    assert a_listener().sees(told(11))


def test_results_are_for_those_who_watch() -> None:
    watching = a_listener(frozenset({10}), watched=5)
    assert watching.sees(told(watched=MONITOR))
    assert not watching.sees(told(watched=uuid4()))
    assert not watching.sees(told(11, watched=MONITOR)), "watched, and another customer's by now"
    assert not a_listener().sees(told(watched=MONITOR))


async def test_a_client_that_does_not_keep_up_is_told_to_begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "MOST_WAITING_BYTES", 1000)
    slow = a_listener()
    for _ in range(200):
        slow.tell([told(text=b"data: {}\n\n")], HERE)
    assert slow.why_over == "slow"
    written = await slow.next(within_seconds=10) or b""
    assert b"event: reset" in written
    assert b"data: {}\n\nevent" not in written, "what waited is dropped"
    assert await slow.next(within_seconds=10) is None
    slow.tell([told()], HERE)
    assert await slow.next(within_seconds=10) is None


async def test_a_quiet_stream_beats() -> None:
    quiet = a_listener()
    quiet.begin(HERE, lost=False)
    assert (await quiet.next(within_seconds=10) or b"").startswith(b"retry: ")
    assert await quiet.next(within_seconds=0.01) == f": still here\nid: {HERE}\n\n".encode()


class _Feeds:
    """Lets everybody listen to nothing."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.left = asyncio.Event()

    @asynccontextmanager
    async def listening(self, asker: object, one: Listener, since: object) -> AsyncIterator[None]:
        if self.error is not None:
            raise self.error
        one.begin(HERE, lost=False)
        try:
            yield
        finally:
            self.left.set()


class _Writer:
    """A connection whose client takes nothing."""

    def __init__(self) -> None:
        self.written = b""

    async def write(self, chunk: bytes) -> None:
        self.written += chunk
        await asyncio.Event().wait()


async def _always() -> bool:
    return True


def a_stream(feeds: Any, one: Listener, hung_up: list[bool]) -> EventStream:
    return EventStream(feeds, one, asker="me", since=None, stands=_always, hang_up=lambda: hung_up.append(True))


async def test_a_client_that_takes_nothing_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "WRITE_SECONDS", 0.05)
    feeds, hung_up, writer = _Feeds(), [], _Writer()
    with pytest.raises(ConnectionError):
        await a_stream(feeds, a_listener(), hung_up).write(writer)  # type: ignore[arg-type]
    assert hung_up == [True]
    assert feeds.left.is_set()
    assert writer.written.startswith(b"retry: ")


async def test_a_database_that_is_away_ends_a_stream_and_its_client_comes_again() -> None:
    hung_up: list[bool] = []
    await a_stream(_Feeds(DatabaseUnavailable("away")), a_listener(), hung_up).write(_Writer())  # type: ignore[arg-type]
    assert hung_up == []
