"""The two workers as processes: against a real Dovecot, told to stop, and killed in the middle of a login."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from shared.broker.policies import apply
from shared.broker.rabbitmq import RabbitBroker
from shared.checks.vocabulary import IpFamily, LoginOutcome, MailProtocol, MissedReason, OutcomeKind, Phase, Security
from tests.support.servers.dovecot import DovecotServer
from tests.support.servers.process import LeashedProcess, free_ports
from tests.support.servers.rabbitmq import GivenRabbit
from tests.unit.job_handling.fakes import LOCATION, PASSWORD, PRIVATE_KEYS, a_target
from tests.unit.job_handling.pipeline import Pipeline, a_due_job

REPOSITORY = Path(__file__).parents[3]


class WorkerProcess:
    def __init__(self, protocol: str, *, amqp_url: str, management_url: str, state: Path, **settings: str) -> None:
        self.log_path = state / f"{protocol}.log"
        (self._port,) = free_ports(1)
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(REPOSITORY),
            "MAILPROBE_AMQP_URL": amqp_url,
            "MAILPROBE_MANAGEMENT_URL": management_url,
            "MAILPROBE_POLICIES_REQUIRED": "true",
            "MAILPROBE_PRIVATE_KEYS": PRIVATE_KEYS.to_json(),
            "MAILPROBE_LOCATION_CODE": LOCATION,
            "MAILPROBE_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8,::1/128",
            "MAILPROBE_ADMIN_PORT": str(self._port),
            **{f"MAILPROBE_{name.upper()}": value for name, value in settings.items()},
        }
        command = [sys.executable, "-m", f"services.{protocol}_worker"]
        self.process = LeashedProcess(command, env=environment, cwd=REPOSITORY, log_path=self.log_path)

    async def until_ready(self) -> None:
        await self.process.until_ready("the worker", self._ready)

    async def until_ended(self) -> None:
        async with asyncio.timeout(60):
            while self.process.alive:  # noqa: ASYNC110 - a process is asked whether it lives
                await asyncio.sleep(0.05)

    async def until_logged(self, event: str, *, times: int) -> None:
        async with asyncio.timeout(60):
            while self.log.count(f'"{event}"') < times:  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.05)

    async def _ready(self) -> bool:
        status, _ = await self.ask("readyz")
        return status == 200

    async def ask(self, path: str) -> tuple[int, str]:
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{self._port}/{path}") as answer,
            ):
                return answer.status, await answer.text()
        except (aiohttp.ClientError, OSError) as error:
            return 0, str(error)

    @property
    def log(self) -> str:
        return self.log_path.read_text()


class HoldingServer:
    """An IMAP server that never answers a login, until told to."""

    def __init__(self) -> None:
        self.logins = 0
        self.login_came = asyncio.Event()
        self.answer = asyncio.Event()
        self.port = 0
        self._serving: set[asyncio.Task[None]] = set()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK [CAPABILITY IMAP4rev1] here\r\n")
        try:
            while line := await reader.readline():
                tag, verb, *_ = line.split()
                if verb.upper() == b"LOGIN":
                    self.logins += 1
                    self.login_came.set()
                    await self.answer.wait()
                elif verb.upper() == b"CAPABILITY":
                    writer.write(b"* CAPABILITY IMAP4rev1\r\n")
                elif verb.upper() == b"EXAMINE":
                    writer.write(b"* 0 EXISTS\r\n* FLAGS ()\r\n")
                elif verb.upper() == b"LOGOUT":
                    writer.write(b"* BYE\r\n")
                writer.write(tag + b" OK done\r\n")
        except ConnectionError:
            pass
        finally:
            writer.close()


@pytest.fixture
async def holding_server() -> AsyncIterator[HoldingServer]:
    held = HoldingServer()
    server = await asyncio.start_server(held.converse, "127.0.0.1", 0)
    held.port = server.sockets[0].getsockname()[1]
    yield held
    held.answer.set()
    server.close()


@pytest.fixture
async def pipeline(rabbitmq: GivenRabbit, amqp_vhost: str, amqp_url: str) -> AsyncIterator[Pipeline]:
    await apply(rabbitmq.management_url, vhost=amqp_vhost)
    broker = RabbitBroker(amqp_url, service="test", instance="test@test:1")
    await broker.open(timeout_seconds=60)
    pipeline = Pipeline(broker)
    await pipeline.open()
    yield pipeline
    await broker.close()


@asynccontextmanager
async def running(
    protocol: str, rabbitmq: GivenRabbit, amqp_url: str, state: Path, **settings: str
) -> AsyncIterator[WorkerProcess]:
    worker = WorkerProcess(protocol, amqp_url=amqp_url, management_url=rabbitmq.management_url, state=state, **settings)
    try:
        await worker.until_ready()
        yield worker
    finally:
        await worker.process.kill()


@pytest.mark.parametrize("protocol", list(MailProtocol))
@pytest.mark.parametrize("security", list(Security))
async def test_a_mailbox_on_a_real_server_is_checked_and_the_worker_leaves_in_order(
    pipeline: Pipeline,
    rabbitmq: GivenRabbit,
    amqp_url: str,
    dovecot: DovecotServer,
    tmp_path: Path,
    protocol: MailProtocol,
    security: Security,
) -> None:
    port = {
        (MailProtocol.IMAP, True): dovecot.imaps_port,
        (MailProtocol.IMAP, False): dovecot.imap_port,
        (MailProtocol.POP3, True): dovecot.pop3s_port,
        (MailProtocol.POP3, False): dovecot.pop3_port,
    }[protocol, security is Security.TLS]
    facts: dict[str, Any] = {
        "protocol": protocol,
        "hostname": dovecot.host,
        "port": port,
        "security": security,
        "user": "anna",
        "ip_family": IpFamily.V4,
    }
    good = a_due_job(login_proven=False, target=a_target(password=b"right password", **facts))
    bad = a_due_job(login_proven=False, target=a_target(password=PASSWORD, **facts))
    async with running(protocol, rabbitmq, amqp_url, tmp_path, ca_file=str(dovecot.ca_file)) as worker:
        await pipeline.publish(good)
        await pipeline.until_answered(good)
        await pipeline.publish(bad)
        await pipeline.until_answered(bad)
        assert "mailprobe_checks_total" in (await worker.ask("metrics"))[1]
        worker.process.send(signal.SIGTERM)
        await worker.until_ended()
        log = worker.log
    accepted, refused = pipeline.results
    assert accepted.outcome.kind is OutcomeKind.OK, accepted.outcome
    assert {Phase.DNS, Phase.CONNECT, Phase.GREETING, Phase.AUTH, Phase.MAILBOX} <= set(accepted.outcome.phases_ms)
    assert accepted.login_attempt is not None
    assert accepted.login_attempt.outcome is LoginOutcome.ACCEPTED
    assert refused.outcome.kind is OutcomeKind.AUTH_REJECTED, refused.outcome
    assert refused.login_attempt is not None
    assert refused.login_attempt.outcome is LoginOutcome.REFUSED
    assert (dovecot.accepted_logins("anna"), dovecot.rejected_logins("anna")) == (1, 1)
    assert '"drained"' in log
    assert '"stopped"' in log
    said = log + str([result.model_dump_json() for result in pipeline.results])
    assert PASSWORD.decode() not in said
    assert "right password" not in said


async def test_told_to_stop_it_finishes_the_check_in_flight_and_hands_back_the_rest(
    pipeline: Pipeline, rabbitmq: GivenRabbit, amqp_url: str, holding_server: HoldingServer, tmp_path: Path
) -> None:
    target = a_target(hostname="127.0.0.1", port=holding_server.port, security=Security.NONE, ip_family=IpFamily.V4)
    jobs = [a_due_job(login_proven=False, target=target) for _ in range(5)]
    async with running("imap", rabbitmq, amqp_url, tmp_path, worker_capacity="1") as worker:
        await pipeline.publish(*jobs)
        await holding_server.login_came.wait()
        worker.process.send(signal.SIGTERM)
        await worker.until_logged("job_handed_on", times=4)
        assert pipeline.answers == []
        holding_server.answer.set()
        await worker.until_ended()
        await pipeline.until(lambda: len(pipeline.results) == 1)
        assert holding_server.logins == 1
    async with running("imap", rabbitmq, amqp_url, tmp_path):
        await pipeline.until_answered(*jobs)
    assert [result.outcome.kind for result in pipeline.results] == [OutcomeKind.OK] * 5
    assert holding_server.logins == 5


async def test_killed_in_the_middle_of_a_login_it_is_not_sent_again(
    pipeline: Pipeline, rabbitmq: GivenRabbit, amqp_url: str, holding_server: HoldingServer, tmp_path: Path
) -> None:
    target = a_target(hostname="127.0.0.1", port=holding_server.port, security=Security.NONE, ip_family=IpFamily.V4)
    job = a_due_job(login_proven=False, target=target)
    async with running("imap", rabbitmq, amqp_url, tmp_path) as worker:
        await pipeline.publish(job)
        await holding_server.login_came.wait()
        await worker.process.kill()
    async with running("imap", rabbitmq, amqp_url, tmp_path):
        await pipeline.until_answered(job)
    (missed,) = pipeline.missed
    assert missed.reason is MissedReason.REDELIVERED
    assert missed.login_attempt is not None
    assert missed.login_attempt.outcome is LoginOutcome.UNKNOWN
    assert holding_server.logins == 1
