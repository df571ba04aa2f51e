"""Answers on their way out: gathered, confirmed, kept while the broker is away."""

import asyncio
from collections import deque

import pytest

from shared.broker.envelope import read_results
from shared.broker.seam import BrokerUnavailable, PublishOutcome
from shared.broker.topology import REPLIES, RESULTS
from shared.checks.messages import MissedSlots
from shared.checks.vocabulary import MissedReason
from shared.probing.job_handling.answering import missed
from shared.probing.job_handling.confirmed import ConfirmedPublisher
from shared.probing.job_handling.result_sender import ResultSender
from tests.unit.job_handling.fakes import PUBLISHED, FakeBroker, Script, a_job


def an_answer() -> MissedSlots:
    return missed(a_job(), MissedReason.STALE, login_unknown=False, now_ms=PUBLISHED)


def publisher(broker: FakeBroker) -> ConfirmedPublisher:
    return ConfirmedPublisher(broker, first_back_off_seconds=0.001, back_off_cap_seconds=0.002)


def sizes(broker: FakeBroker) -> list[int]:
    return [len(read_results(message.body, message.type).results) for message in broker.to(RESULTS)]


def sender(broker: FakeBroker, *, idle: bool = False, size: int = 200, seconds: float = 3600.0) -> ResultSender:
    return ResultSender(publisher(broker), idle=lambda: idle, flush_size=size, flush_seconds=seconds)


async def test_a_full_batch_leaves_as_one_message() -> None:
    broker = FakeBroker()
    sending = sender(broker, size=3)
    assert await asyncio.gather(*(sending.send(an_answer()) for _ in range(6))) == [True] * 6
    assert sizes(broker) == [3, 3]


async def test_a_batch_that_does_not_fill_leaves_after_its_time() -> None:
    broker = FakeBroker()
    sending = sender(broker, seconds=0.01)
    assert await asyncio.gather(*(sending.send(an_answer()) for _ in range(4))) == [True] * 4
    assert sizes(broker) == [4]


async def test_when_nothing_else_is_under_way_an_answer_leaves_at_once_with_those_beside_it() -> None:
    broker = FakeBroker()
    sending = sender(broker, idle=True)
    assert await asyncio.gather(*(sending.send(an_answer()) for _ in range(4))) == [True] * 4
    assert sizes(broker) == [4]


async def test_quick_checks_one_after_another_share_messages_after_the_first() -> None:
    broker = FakeBroker()
    sending = ResultSender(publisher(broker), idle=lambda: True, apart_seconds=0.3)
    assert await sending.send(an_answer())
    answers = []
    for _ in range(5):
        answers.append(asyncio.ensure_future(sending.send(an_answer())))
        await asyncio.sleep(0.001)
    assert await asyncio.gather(*answers) == [True] * 5
    assert sizes(broker) == [1, 5]


@pytest.mark.parametrize(
    "failures",
    [
        [BrokerUnavailable("gone")] * 3,
        [PublishOutcome.REFUSED] * 3,
        [PublishOutcome.UNROUTABLE, BrokerUnavailable("gone"), PublishOutcome.REFUSED],
    ],
)
async def test_an_answer_not_confirmed_is_sent_again_until_it_is(failures: list[Script]) -> None:
    broker = FakeBroker()
    broker.script[RESULTS] = deque(failures)
    assert await sender(broker, idle=True).send(an_answer())
    assert sizes(broker) == [1]


async def test_an_answer_is_given_up_only_when_told_to() -> None:
    broker = FakeBroker()
    broker.away.add(RESULTS)
    publishing = publisher(broker)
    sending = ResultSender(publishing, idle=lambda: True)
    answer = asyncio.ensure_future(sending.send(an_answer()))
    await asyncio.sleep(0.02)
    assert not answer.done()
    publishing.abandon.set()
    assert not await answer


async def test_a_reply_goes_to_who_asked() -> None:
    broker = FakeBroker()
    answer = an_answer()
    assert await sender(broker).reply(answer, reply_to="mailprobe.replies.g1")
    assert broker.replies == [("mailprobe.replies.g1", answer)]


async def test_a_reply_nobody_waits_for_any_more_is_not_repeated() -> None:
    broker = FakeBroker()
    broker.script[REPLIES] = deque([PublishOutcome.UNROUTABLE])
    assert not await sender(broker).reply(an_answer(), reply_to="gone")
    assert broker.replies == []


async def test_a_reply_is_tried_again_for_a_while_when_the_broker_is_away() -> None:
    broker = FakeBroker()
    broker.script[REPLIES] = deque([BrokerUnavailable("gone")] * 2)
    assert await sender(broker).reply(an_answer(), reply_to="g1")
    broker.away.add(REPLIES)
    assert not await sender(broker).reply(an_answer(), reply_to="g1")
