"""A broker that keeps what it is given and behaves as it is told: takes, refuses, returns, or does not answer."""

from collections.abc import Sequence

from shared.broker.envelope import read_jobs, read_results
from shared.broker.seam import BrokerUnavailable, Consumer, Handler, OutgoingMessage, PublishOutcome
from shared.broker.topology import CHECKS, REPLIES, RESULTS, Topology
from shared.checks.messages import CheckJob, CheckResult, MissedSlots


class ScriptedBroker:
    """`jobs`, `reports` and `replies` are what was taken; `behaviour` is by routing key, of the checks exchange."""

    def __init__(self) -> None:
        self.jobs: list[CheckJob] = []
        self.batches: list[int] = []
        self.keys: list[str] = []
        self.reports: list[MissedSlots | CheckResult] = []
        self.replies: list[MissedSlots | CheckResult] = []
        self.behaviour: dict[str, PublishOutcome | BrokerUnavailable] = {}
        self.results_behaviour: PublishOutcome | BrokerUnavailable = PublishOutcome.CONFIRMED
        self.loses_answers = False  # takes the messages, and the connection breaks before it says so
        self.declared: list[Topology] = []
        self.is_healthy = True

    async def open(self, *, timeout_seconds: float | None) -> None:
        pass

    async def declare(self, topology: Topology) -> None:
        self.declared.append(topology)

    async def publish(
        self, messages: Sequence[OutgoingMessage], *, timeout_seconds: float = 4.0
    ) -> list[PublishOutcome]:
        outcomes = [self._publish(message) for message in messages]
        if self.loses_answers:
            raise BrokerUnavailable("the connection broke")
        return outcomes

    def _publish(self, message: OutgoingMessage) -> PublishOutcome:
        behaviour: PublishOutcome | BrokerUnavailable = PublishOutcome.CONFIRMED
        if message.exchange == CHECKS:
            behaviour = self.behaviour.get(message.routing_key, behaviour)
        elif message.exchange == RESULTS:
            behaviour = self.results_behaviour
        if isinstance(behaviour, BrokerUnavailable):
            raise behaviour
        if behaviour is PublishOutcome.CONFIRMED:
            self._take(message)
        return behaviour

    def _take(self, message: OutgoingMessage) -> None:
        if message.exchange == CHECKS:
            jobs = read_jobs(message.body, message.type).jobs
            self.jobs += jobs
            self.batches.append(len(jobs))
            self.keys.append(message.routing_key)
        elif message.exchange == RESULTS:
            self.reports += read_results(message.body, message.type).results
        elif message.exchange == REPLIES:
            self.replies += read_results(message.body, message.type).results

    async def consume(
        self,
        queue: str,
        handler: Handler,
        *,
        prefetch: int,
        wait_for_queue: bool = False,
        exclusive_reply: bool = False,
        exclusive_copies_of: str | None = None,
    ) -> Consumer:
        raise NotImplementedError("nothing here consumes")

    async def healthy(self) -> bool:
        return self.is_healthy

    async def close(self) -> None:
        pass
