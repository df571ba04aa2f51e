"""Tests of one login at a time to a mailbox that a login locks."""

import asyncio

import pytest

from shared.checks.messages import CheckJob
from shared.checks.vocabulary import LoginPermission, MailProtocol
from shared.probing.job_handling.mailbox_turns import MailboxTurns
from tests.unit.job_handling.fakes import a_job, a_target


def _pop3(**changes: object) -> CheckJob:
    return a_job(target=a_target(protocol=MailProtocol.POP3, **changes))


async def _waits(turns: MailboxTurns, job: CheckJob) -> bool:
    entering = asyncio.ensure_future(turns.enter(job))
    await asyncio.sleep(0)
    waits = not entering.done()
    entering.cancel()
    await asyncio.gather(entering, return_exceptions=True)
    return waits


async def test_another_login_to_the_mailbox_waits_until_it_is_left() -> None:
    turns, first, second = MailboxTurns(), _pop3(), _pop3()
    await turns.enter(first)
    entering = asyncio.ensure_future(turns.enter(second))
    assert await _waits(turns, _pop3())  # and gives up, to nobody's harm
    assert not entering.done()
    turns.leave(first)
    await entering
    assert await _waits(turns, first)
    turns.leave(second)
    assert not await _waits(turns, first)


@pytest.mark.parametrize(
    "other",
    [
        _pop3(user="somebody.else@example.com"),
        _pop3(hostname="other.example.com"),
        _pop3(logs_in=False),
        _pop3().model_copy(update={"login": LoginPermission.WITHHELD}),
        a_job(),
    ],
    ids=["another user", "another host", "no login", "withheld", "IMAP"],
)
async def test_nobody_else_waits(other: CheckJob) -> None:
    turns = MailboxTurns()
    await turns.enter(_pop3())
    await turns.enter(other)
    if not await _waits(turns, other):
        turns.leave(other)
