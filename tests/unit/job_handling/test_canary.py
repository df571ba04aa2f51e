"""A canary goes the way of every job, talks to the worker's own server, and leaves nothing behind but its answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.imap_worker.canary_server import ImapCanaryServer
from services.imap_worker.probe import imap_probe
from services.pop3_worker.canary_server import Pop3CanaryServer
from services.pop3_worker.probe import pop3_probe
from shared.broker.envelope import read_results
from shared.broker.topology import RESULTS
from shared.checks.messages import CheckJob
from shared.checks.target import CheckTarget
from shared.checks.vocabulary import CheckKind, LoginOutcome, MailProtocol, OutcomeKind
from shared.probing.environment import ProbeEnvironment
from shared.probing.job_handling.canary import Canary, MakeCanaryServer
from shared.probing.job_handling.checking import Checker
from shared.probing.probe import Probe
from shared.runtime import metrics
from shared.runtime.loop_lag import LoopLag
from tests.unit.job_handling.fakes import (
    LOCATION,
    PRIVATE_KEYS,
    PUBLISHED,
    FakeBroker,
    HeldProbe,
    a_batch,
    a_job,
    done,
    serving,
)

NOWHERE = CheckTarget(protocol=MailProtocol.IMAP, hostname="canary.invalid", port=1)


def a_canary(**changes: object) -> CheckJob:
    return a_job(kind=CheckKind.CANARY, organization_id=0, monitor_id=0, credential_id=None, target=NOWHERE).model_copy(
        update=changes
    )


@pytest.fixture
async def environment() -> AsyncIterator[ProbeEnvironment]:
    """As strict as it comes: no private network is allowed."""
    made = ProbeEnvironment.create()
    yield made
    await made.close()


def a_canary_of(environment: ProbeEnvironment, probe: Probe, protocol: str, server: MakeCanaryServer) -> Canary:
    checker = Checker(protocol=protocol, probe=probe, environment=environment, keys=PRIVATE_KEYS, loop_lag=LoopLag())
    return Canary.create(checker, server)


def checks_counted() -> float:
    return sum(
        sample.value for metric in metrics.CHECKS.collect() for sample in metric.samples if "total" in sample.name
    )


@pytest.mark.parametrize(
    ("protocol", "probe", "server"),
    [("imap", imap_probe, ImapCanaryServer), ("pop3", pop3_probe, Pop3CanaryServer)],
)
async def test_the_real_probe_logs_in_to_the_workers_own_server(
    environment: ProbeEnvironment, protocol: str, probe: Probe, server: MakeCanaryServer
) -> None:
    before = checks_counted()
    canary = a_canary_of(environment, probe, protocol, server)
    target = NOWHERE.model_copy(update={"protocol": MailProtocol(protocol)})
    outcome = await canary.check(a_canary(target=target))
    assert (outcome.kind, outcome.login) == (OutcomeKind.OK, LoginOutcome.ACCEPTED), outcome
    assert checks_counted() == before


@pytest.mark.parametrize(
    ("protocol", "probe", "server"),
    [("imap", imap_probe, ImapCanaryServer), ("pop3", pop3_probe, Pop3CanaryServer)],
)
async def test_the_servers_know_one_account_only(
    environment: ProbeEnvironment, protocol: str, probe: Probe, server: MakeCanaryServer
) -> None:
    canary = a_canary_of(environment, probe, protocol, lambda user, password: server(user, password + "x"))
    target = NOWHERE.model_copy(update={"protocol": MailProtocol(protocol)})
    assert (await canary.check(a_canary(target=target))).kind is OutcomeKind.AUTH_REJECTED


@pytest.mark.parametrize("server", [ImapCanaryServer, Pop3CanaryServer])
@pytest.mark.parametrize("line", [b"", b" ", b"a", b"a EXAMINE x", b"STAT", b"a LOGIN", b"PASS p", b"\xff\x00 \xff"])
def test_the_servers_let_nobody_in_who_says_something_else(server: MakeCanaryServer, line: bytes) -> None:
    assert b"OK" not in server("u", "p").answer(line).upper()


async def test_loopback_stays_closed_to_every_other_check(environment: ProbeEnvironment) -> None:
    checker = Checker(protocol="imap", probe=imap_probe, environment=environment, keys=PRIVATE_KEYS, loop_lag=LoopLag())
    Canary.create(checker, ImapCanaryServer)
    there = NOWHERE.model_copy(update={"hostname": "127.0.0.1", "port": 9})
    assert (await checker.check(a_job(target=there))).kind is OutcomeKind.BLOCKED_TARGET


class Rejecting:
    """A server that is broken."""

    greeting = b"* BYE Full.\r\n"

    def __init__(self, user: str, password: str) -> None:
        pass

    def answer(self, line: bytes) -> bytes:
        return b""


@asynccontextmanager
async def a_worker_with_canaries(
    environment: ProbeEnvironment, server: MakeCanaryServer | None = ImapCanaryServer, **settings: object
) -> AsyncIterator[FakeBroker]:
    async with serving(imap_probe, environment=environment, canary_server=server, **settings) as worker:
        yield worker.broker


async def test_its_answer_is_sent_alone_and_marked_as_not_to_be_recorded(environment: ProbeEnvironment) -> None:
    async with a_worker_with_canaries(environment) as broker:
        slow = a_job(target=NOWHERE, login_proven=True)
        canary = a_canary()
        deliveries = [a_batch(canary), a_batch(slow)]
        for task in [broker.hand_out(delivery) for delivery in deliveries]:
            await done(task)
        assert [delivery.acks for delivery in deliveries] == [1, 1]
        batches = [read_results(message.body, message.type).results for message in broker.to(RESULTS)]
        (alone,) = [batch for batch in batches if any(each.kind is CheckKind.CANARY for each in batch)]
        (answer,) = alone
        assert answer in broker.results
        assert (answer.check_id, answer.record, answer.login_attempt) == (canary.check_id, False, None)
        assert (answer.location, answer.slot_at) == (LOCATION, PUBLISHED)


async def test_a_worker_says_whether_it_takes_canaries(environment: ProbeEnvironment) -> None:
    for server, takes_them in ((ImapCanaryServer, True), (None, False)):
        async with a_worker_with_canaries(environment, server) as broker:
            await broker.until(lambda broker=broker: bool(broker.presences))
            assert broker.presences[0].canaries is takes_them


async def test_one_that_is_stale_or_that_nobody_can_make_is_let_go(environment: ProbeEnvironment) -> None:
    stale = a_canary(not_after=PUBLISHED - 1)
    async with a_worker_with_canaries(environment) as broker:
        delivery = a_batch(stale)
        await done(broker.hand_out(delivery))
        assert (delivery.acks, broker.answers, broker.handed_on) == (1, [], [])
    async with a_worker_with_canaries(environment, None) as broker:
        delivery = a_batch(a_canary())
        await done(broker.hand_out(delivery))
        assert (delivery.acks, broker.answers, broker.handed_on) == (1, [], [])


async def test_a_worker_that_leaves_hands_none_back(environment: ProbeEnvironment) -> None:
    held = HeldProbe()
    async with serving(held, environment=environment, canary_server=ImapCanaryServer, worker_capacity=1) as worker:
        busy = worker.broker.hand_out(a_batch(a_job()))
        await held.began.wait()
        delivery = a_batch(a_canary())
        waiting = worker.broker.hand_out(delivery)
        await asyncio.sleep(0)
        worker.stop.set()
        await done(waiting)
        held.let_go.set()
        await done(busy)
        assert (delivery.acks, worker.broker.handed_on) == (1, [])
        assert [answer.kind for answer in worker.broker.answers] == [CheckKind.SCHEDULED]


async def test_a_server_that_is_broken_is_a_canary_that_failed(environment: ProbeEnvironment) -> None:
    outcome = await a_canary_of(environment, imap_probe, "imap", Rejecting).check(a_canary())
    assert outcome.kind is OutcomeKind.GREETING_REJECTED
