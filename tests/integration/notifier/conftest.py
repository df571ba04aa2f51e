"""Fixtures of the notifier's tests."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.support.notifier_desk import NotifierDesk, notifier_desk
from tests.support.receivers import Mailbox, Receiver, http_receiver, mail_server


@pytest_asyncio.fixture
async def desk(database_dsn: str) -> AsyncIterator[NotifierDesk]:
    async with notifier_desk(database_dsn) as made:
        yield made


@pytest_asyncio.fixture
async def box() -> AsyncIterator[Mailbox]:
    async with mail_server() as made:
        yield made


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with http_receiver() as made:
        yield made
