"""Every behaviour in every mode it applies to ends in exactly its kind, in time, while healthy checks go on passing."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import uvloop

from services.imap_worker.probe import imap_probe
from services.pop3_worker.probe import pop3_probe
from shared.checks.outcome import Outcome
from shared.checks.target import CheckTarget
from shared.checks.vocabulary import LoginOutcome, OutcomeKind
from shared.probing.probe import Probe, ProbeEnvironment, ProbeRequest
from tests.hostile.behaviours import IMAP, STARTTLS, TLS, Case, all_cases
from tests.hostile.unlisted import unlisted_cases
from tests.support.loop_lag import watched_loop
from tests.support.mail_servers import Account, CertificateHouse, serving, sound_imap, sound_pop3

PROBES: dict[str, Probe] = {"imap": imap_probe, "pop3": pop3_probe}
PASSWORD = Account().password


class Row(NamedTuple):
    """What a check of one behaviour came to."""

    case: Case
    mode: str
    kind: OutcomeKind
    wrong: list[str]

    def in_words(self) -> str:
        return f"{self.case.name:48} {self.case.protocol:5} {self.mode:9} {self.kind:20} {'; '.join(self.wrong)}"


async def check(case: Case, mode: str, environment: ProbeEnvironment, port: int) -> Outcome:
    target = CheckTarget(
        protocol=case.protocol,
        hostname=case.hostname,
        port=port,
        security=mode,
        user=Account().user.decode(),
        timeout_ms=case.timeout_ms,
        **case.target,
    )
    return await PROBES[case.protocol](ProbeRequest(target, PASSWORD), environment)


def problems(case: Case, mode: str, outcome: Outcome, took: float, heard: list[bytes]) -> list[str]:
    """What is wrong with this answer, in words."""
    found = []
    if outcome.kind not in case.kinds:
        found.append(f"{outcome.kind} ({outcome.server_words}) instead of {case.kinds[0]}: {outcome.phases_ms}")
    if took > case.timeout_ms / 1000 + 1:
        found.append(f"took {took:.1f} s")
    text = outcome.model_dump_json()
    if PASSWORD.decode() in text:
        found.append("shows the password")
    if len((outcome.server_words or "").encode()) > 512 or len((outcome.transcript or "").encode()) > 8192:
        found.append("keeps too much")
    if any(ord(c) < 32 for c in outcome.server_words or ""):
        found.append("shows control characters")
    if case.no_login and (outcome.login is not LoginOutcome.NOT_SENT or any(_is_login(line) for line in heard)):
        found.append("tried to log in")
    if case.hint is not None and case.hint not in (outcome.hint or ""):
        found.append(f"hint is {outcome.hint!r}")
    if (
        outcome.kind.value.startswith("tls_")
        and case.name.startswith("certificate: ")
        and (outcome.kind is not OutcomeKind.TLS_PROTOCOL and outcome.certificate is None)
    ):
        found.append("no certificate facts")
    if outcome.kind is not OutcomeKind.OK and not outcome.message:
        found.append("no sentence")
    return found


def _is_login(line: bytes) -> bool:
    return any(verb in line.upper().split() for verb in (b"LOGIN", b"AUTHENTICATE", b"AUTH", b"USER", b"PASS"))


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_every_behaviour_ends_in_its_kind(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    figures: Callable[[str], None],
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    # Workers run on uvloop where it is installed, and hear of resets and half-closed connections by its ways.
    with asyncio.Runner(loop_factory=new_loop) as runner:
        figures(runner.run(_every_behaviour(tmp_path, capsys)))


async def _every_behaviour(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    house = CertificateHouse(tmp_path)
    environment = ProbeEnvironment.create(
        allowed_private_networks=["127.0.0.0/8", "::1/128"], ca_file=str(house.ca_file)
    )
    # Made beforehand: keys are generated on the loop that checks are timed on.
    cases = [*all_cases(), *unlisted_cases()]
    for case in cases:
        house.context(case.handshake or case.certificate)
    busy = asyncio.Semaphore(32)

    async def one(case: Case, mode: str) -> Row:
        async with busy:
            tls = house.context(case.certificate) if mode == TLS and not case.speaks_tls_itself else None
            async with serving(case.serve(mode, house), tls=tls) as listener:
                began = time.monotonic()
                outcome = await check(case, mode, environment, listener.port)
                took = time.monotonic() - began
            return Row(case, mode, outcome.kind, problems(case, mode, outcome, took, listener.heard))

    healthy: Counter[str] = Counter()
    done = asyncio.Event()

    async def keep_checking(protocol: str) -> None:
        sound = sound_imap() if protocol == IMAP else sound_pop3()
        async with serving(sound) as listener:
            case = Case("healthy", protocol, (OutcomeKind.OK,), timeout_ms=60_000)
            while not done.is_set():
                healthy[(await check(case, "none", environment, listener.port)).kind.value] += 1
                await asyncio.sleep(0.02)

    background = [asyncio.create_task(work) for work in map(keep_checking, PROBES)]
    try:
        async with watched_loop() as loop:
            rows = await asyncio.gather(*(one(case, mode) for case in cases for mode in case.modes))
            # What went wrong while the loop stood still is asked again, by itself.
            while loop.excuses and any(row.wrong for row in rows):
                loop.worst = 0.0
                rows = [await one(row.case, row.mode) if row.wrong else row for row in rows]
    finally:
        done.set()
        await asyncio.gather(*background)
        await environment.close()

    with capsys.disabled():
        print()
        for row in sorted(rows, key=lambda row: (row.case.name, row.case.protocol, row.mode)):
            print(row.in_words())
    assert [row.in_words() for row in rows if row.wrong] == []
    assert set(healthy) == {"ok"}
    assert {STARTTLS, TLS, "none"} == {row.mode for row in rows}
    return f"{len(rows)} hostile checks, {sum(healthy.values())} healthy ones beside them"
