"""Fixtures of the recorder's tests."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.support.recorder_desk import RecorderDesk, recorder_desk


@pytest_asyncio.fixture
async def desk(database_dsn: str) -> AsyncIterator[RecorderDesk]:
    """A database with one active monitor, number 1."""
    async with recorder_desk(database_dsn) as made:
        await made.add_monitor()
        yield made
