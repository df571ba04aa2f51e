"""One check: whatever the probe does, there is an outcome in time, and the password stays where it belongs."""

import asyncio
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from shared.checks.outcome import Outcome
from shared.checks.vocabulary import LoginOutcome, LoginPermission, MailProtocol, OutcomeKind, Phase
from shared.probing.job_handling.checking import Checker
from shared.probing.probe import OnPhase, ProbeRequest
from shared.runtime import metrics
from shared.runtime.loop_lag import LoopLag
from shared.sealing import generate_key_rings
from tests.support.plain_logs import log_plainly
from tests.unit.job_handling.fakes import (
    NO_ENVIRONMENT,
    OK,
    PASSWORD,
    PRIVATE_KEYS,
    FakeProbe,
    HeldProbe,
    a_job,
    a_target,
)


@pytest.fixture(autouse=True)
def plain_logging() -> Iterator[None]:
    log_plainly()
    yield
    log_plainly()


class Lag(LoopLag):
    """A loop that lagged as told."""

    def __init__(self, milliseconds: float) -> None:
        super().__init__()
        self._milliseconds = milliseconds

    def worst_ms_since(self, started: float) -> float:
        return self._milliseconds


def checker(probe: FakeProbe, **changes: object) -> Checker:
    given = {
        "protocol": MailProtocol.IMAP,
        "environment": NO_ENVIRONMENT,
        "keys": PRIVATE_KEYS,
        "loop_lag": Lag(0.0),
        **changes,
    }
    return Checker(probe=probe, **given)  # type: ignore[arg-type]


async def test_the_probe_gets_the_opened_password() -> None:
    probe = FakeProbe()
    assert await checker(probe).check(a_job()) == OK
    assert probe.requests[0].password == PASSWORD
    assert probe.requests[0].logs_in


async def test_a_withheld_check_gets_no_password_and_does_not_log_in() -> None:
    probe = FakeProbe()
    await checker(probe).check(a_job(login=LoginPermission.WITHHELD))
    assert probe.requests[0].password == b""
    assert probe.requests[0].has_credentials
    assert not probe.requests[0].logs_in


async def test_a_check_without_credentials_gets_no_password() -> None:
    probe = FakeProbe()
    await checker(probe).check(a_job(target=a_target(logs_in=False)))
    assert probe.requests[0].password is None


async def test_a_password_whose_key_is_not_here_is_our_fault_and_says_which_key_to_give() -> None:
    probe = FakeProbe()
    outcome = await checker(probe, keys=generate_key_rings()[1]).check(a_job())
    assert outcome.kind is OutcomeKind.INTERNAL
    assert outcome.login is LoginOutcome.NOT_SENT
    assert "not in this key ring" in outcome.message
    assert "private key ring" in (outcome.hint or "")
    assert probe.requests == []


@pytest.mark.parametrize("change", [{"hostname": "evil.example"}, {"port": 1993}, {"user": "other"}])
async def test_a_job_altered_to_point_elsewhere_is_not_given_the_password(change: dict[str, object]) -> None:
    probe = FakeProbe()
    job = a_job()
    outcome = await checker(probe).check(job.model_copy(update={"target": job.target.model_copy(update=change)}))
    assert outcome.kind is OutcomeKind.INTERNAL
    assert "altered" in outcome.message
    assert probe.requests == []


async def test_a_job_for_the_other_protocol_is_refused() -> None:
    probe = FakeProbe()
    outcome = await checker(probe, protocol=MailProtocol.POP3).check(a_job())
    assert outcome.kind is OutcomeKind.INTERNAL
    assert probe.requests == []


@pytest.mark.parametrize(
    ("reached", "login"),
    [
        ((), LoginOutcome.NOT_SENT),
        ((Phase.DNS, Phase.CONNECT, Phase.TLS), LoginOutcome.NOT_SENT),
        ((Phase.DNS, Phase.CONNECT, Phase.GREETING), LoginOutcome.UNKNOWN),
        ((Phase.DNS, Phase.CONNECT, Phase.GREETING, Phase.CAPABILITY, Phase.AUTH), LoginOutcome.UNKNOWN),
    ],
)
async def test_a_probe_that_breaks_is_our_fault_and_its_login_unknown_once_possible(
    reached: tuple[Phase, ...], login: LoginOutcome
) -> None:
    async def breaks(request: ProbeRequest, on_phase: OnPhase | None) -> Outcome:
        assert on_phase is not None
        for phase in reached:
            on_phase(phase, 1.5)
        raise ZeroDivisionError(f"said {request.password!r}")

    with capture_logs() as lines:
        outcome = await checker(FakeProbe(breaks)).check(a_job())
    assert outcome.kind is OutcomeKind.INTERNAL
    assert outcome.login is login
    assert outcome.phase == (reached[-1] if reached else Phase.DNS)
    assert outcome.phases_ms == dict.fromkeys(reached, 1.5)
    assert outcome.total_ms > 0
    assert [line["event"] for line in lines] == ["probe_broke"]
    assert PASSWORD.decode() not in str(lines) + outcome.model_dump_json()


async def test_a_broken_check_that_may_not_log_in_sent_no_login() -> None:
    async def breaks(_request: ProbeRequest, on_phase: OnPhase | None) -> Outcome:
        assert on_phase is not None
        on_phase(Phase.CAPABILITY, 1.0)
        raise ZeroDivisionError

    outcome = await checker(FakeProbe(breaks)).check(a_job(login=LoginPermission.WITHHELD))
    assert outcome.login is LoginOutcome.NOT_SENT


async def test_a_probe_that_overstays_its_deadline_is_given_up() -> None:
    probe = HeldProbe()
    outcome = await checker(probe, grace_seconds=-0.99).check(a_job(target=a_target(timeout_ms=1_000)))
    assert outcome.kind is OutcomeKind.INTERNAL
    assert "did not end" in outcome.message
    await asyncio.sleep(0)
    assert probe.running == 0


async def test_a_probe_that_will_not_be_cancelled_holds_nobody() -> None:
    let_go = asyncio.Event()

    async def stubborn(_request: ProbeRequest, _on_phase: OnPhase | None) -> Outcome:
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue
        return OK

    probe = FakeProbe(stubborn)
    outcome = await checker(probe, grace_seconds=-0.99).check(a_job(target=a_target(timeout_ms=1_000)))
    assert outcome.kind is OutcomeKind.INTERNAL
    let_go.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert probe.running == 0


def answers(kind: OutcomeKind, login: LoginOutcome) -> FakeProbe:
    async def answer(_request: ProbeRequest, _on_phase: OnPhase | None) -> Outcome:
        return Outcome(kind=kind, phase=Phase.AUTH, message="so", login=login, total_ms=7.0)

    return FakeProbe(answer)


@pytest.mark.parametrize(
    ("kind", "lag_ms", "told"),
    [
        (OutcomeKind.TOTAL_TIMEOUT, 60_000.0, OutcomeKind.INTERNAL),
        (OutcomeKind.CONNECTION_LOST, 60_000.0, OutcomeKind.INTERNAL),
        (OutcomeKind.CONNECT_TIMEOUT, 1_000.0, OutcomeKind.CONNECT_TIMEOUT),
        (OutcomeKind.CONNECT_REFUSED, 60_000.0, OutcomeKind.CONNECT_REFUSED),
        (OutcomeKind.AUTH_REJECTED, 60_000.0, OutcomeKind.AUTH_REJECTED),
        (OutcomeKind.OK, 60_000.0, OutcomeKind.OK),
    ],
)
async def test_a_worker_that_stood_still_does_not_blame_the_server_for_lost_time(
    kind: OutcomeKind, lag_ms: float, told: OutcomeKind
) -> None:
    outcome = await checker(answers(kind, LoginOutcome.UNKNOWN), loop_lag=Lag(lag_ms)).check(a_job())
    assert outcome.kind is told
    assert outcome.login is LoginOutcome.UNKNOWN
    assert outcome.total_ms == 7.0


async def test_each_check_is_counted_by_protocol_and_kind() -> None:
    def counted() -> float:
        return metrics.REGISTRY.get_sample_value("mailprobe_checks_total", {"protocol": "imap", "kind": "ok"}) or 0

    before = counted()
    await checker(FakeProbe()).check(a_job())
    assert counted() == before + 1
