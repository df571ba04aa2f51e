"""The scheduler's world for each test."""

import logging
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
import structlog

from tests.integration.scheduler.world import World


@pytest.fixture(autouse=True)
def _only_warnings() -> Iterator[None]:
    """A line for each check would bury the others."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    yield
    structlog.configure(**before)


@pytest_asyncio.fixture
async def world(database_dsn: str) -> AsyncIterator[World]:
    """A scheduler that leads over an empty database whose clock stands still."""
    async with World.opened(database_dsn) as opened:
        yield opened
