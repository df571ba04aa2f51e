"""One probe, whatever the protocol: resolve, judge, connect, play the dialogue, and say what it came to.

The protocols bring their dialogue; connection, TLS and caps are `connection`'s; sentences are `outcomes`'.
"""

import asyncio
import ssl
import time
from collections.abc import Callable

import structlog

from shared.checks.outcome import Outcome
from shared.checks.vocabulary import OutcomeKind, Phase, Security
from shared.probing.canaries import MAY_BE_OURS
from shared.probing.connecting import connect
from shared.probing.connection import Connection, Ending
from shared.probing.environment import ProbeEnvironment
from shared.probing.limits import Limits
from shared.probing.outcomes import Seen, failed, passed
from shared.probing.probe import OnPhase, ProbeRequest
from shared.probing.steps import CheckFailed, Dialogue, Findings
from shared.probing.timeline import Timeline
from shared.probing.tls_failures import is_certificate_failure
from shared.probing.tls_session import TlsPlan
from shared.probing.transcript import Transcript

MakeDialogue = Callable[[ProbeRequest, Findings, Limits], Dialogue]

# How long to look at a certificate that was refused, on a connection of its own.
_LOOK_SECONDS = 3.0
# How long to wait for a server to hang up by itself.
_HOLD_BACK_SECONDS = 0.5

_log = structlog.get_logger(__name__)


async def attempt(
    request: ProbeRequest,
    environment: ProbeEnvironment,
    make_dialogue: MakeDialogue,
    *,
    deadline_seconds: float | None,
    on_phase: OnPhase | None,
) -> Outcome:
    """The outcome of one probe; see `Probe` for what is promised of it."""
    seconds = request.target.timeout_ms / 1000
    if deadline_seconds is not None:
        seconds = min(seconds, deadline_seconds)
    seen = Seen(request, seconds, Timeline(on_phase))
    try:
        return await _Attempt(seen, environment, make_dialogue).outcome()
    except Exception as error:
        _log.exception("probe_broke", protocol=request.target.protocol.value, host=request.target.hostname)
        failure = CheckFailed(OutcomeKind.INTERNAL, type(error).__name__.encode())
        return failed(failure, seen.timeline.phase, seen)


class _Attempt:
    """One probe under way."""

    __slots__ = ("_deadline_at", "_environment", "_make_dialogue", "_seen", "_target")

    def __init__(self, seen: Seen, environment: ProbeEnvironment, make_dialogue: MakeDialogue) -> None:
        self._seen = seen
        self._target = seen.request.target
        self._environment = environment
        self._make_dialogue = make_dialogue
        self._deadline_at = seen.timeline.started_at + seen.seconds

    async def outcome(self) -> Outcome:
        seen = self._seen
        try:
            failure, phase, handshake = ending = await self._play()
        except CheckFailed as found:
            phase = seen.timeline.phase
            seen.timeline.close()
            return failed(await self._fairly(found), phase, seen)
        if handshake is not None:
            seen.certificate = self._environment.certificates.read(handshake, now_ms=self._now_ms())
        if failure is None:
            return passed(phase, seen)
        if handshake is None and is_certificate_failure(failure.kind):
            failure = await self._read_refused_certificate(failure)
        elif await self._hung_up_on_handshake(ending):
            return failed(CheckFailed(OutcomeKind.TLS_PROTOCOL, variant="hung_up"), phase, seen)
        # An alert after the handshake, for one, is still about TLS.
        return failed(failure, Phase.TLS if failure.kind is OutcomeKind.TLS_PROTOCOL else phase, seen)

    async def _fairly(self, failure: CheckFailed) -> CheckFailed:
        """The failure, unless it is our own network that failed."""
        canaries = self._environment.canaries
        if failure.kind in MAY_BE_OURS and await canaries.all_out_of_reach(deadline_at=self._deadline_at):
            return CheckFailed(OutcomeKind.INTERNAL, failure.words, variant="canaries")
        return failure

    async def _play(self) -> Ending:
        seen, target, environment = self._seen, self._target, self._environment
        addresses = await environment.resolver.resolve(
            target.hostname, target.ip_family, deadline_seconds=self._deadline_at - time.monotonic()
        )
        # Every address is judged, and one bad one refuses the name: which of them we would end up at is chance.
        seen.blocked = environment.addresses.first_blocked(addresses)
        if seen.blocked is not None:
            raise CheckFailed(OutcomeKind.BLOCKED_TARGET)
        context = None
        leave_gate = None
        if target.security is not Security.NONE:
            context = environment.tls.get(verify=target.verify_certificate)
            asked_at = time.monotonic()
            leave_gate = await environment.handshakes.enter()
            seen.timeline.leave_out(time.monotonic() - asked_at)
        seen.timeline.enter(Phase.CONNECT)
        connection = Connection(
            self._make_dialogue(seen.request, seen.findings, environment.limits),
            TlsPlan(target.security, context, target.servername or target.hostname),
            limits=environment.limits,
            timeline=seen.timeline,
            transcript=seen.transcript,
            deadline_at=self._deadline_at,
            on_handshake_done=leave_gate,
        )
        try:
            seen.address = await connect(
                connection, addresses, target.port, limits=environment.limits, deadline_at=self._deadline_at
            )
            return await connection.ended
        except asyncio.CancelledError:
            connection.abandon()
            raise
        finally:
            if leave_gate is not None:
                leave_gate()

    async def _read_refused_certificate(self, failure: CheckFailed) -> CheckFailed:
        """Keep what it says; the failure, told apart from one of a certificate further up."""
        shown = await self._look_again()
        if shown is None or shown.handshake is None:
            return failure
        why = failure.words.decode("utf-8", "replace") if failure.words is not None else None
        now_ms = self._now_ms()
        read = self._environment.certificates.read(shown.handshake, now_ms=now_ms, verify_error=why)
        self._seen.certificate = read
        out_of_date = failure.kind in (OutcomeKind.TLS_EXPIRED, OutcomeKind.TLS_NOT_YET_VALID)
        if read is not None and out_of_date and read.not_before_ms <= now_ms <= read.not_after_ms:
            return CheckFailed(failure.kind, failure.words, variant="chain")
        return failure

    def _now_ms(self) -> int:
        return int(self._environment.wall_clock() * 1000)

    async def _look_again(self) -> Ending | None:
        """The refused certificate, by a second handshake that verifies nothing and therefore says nothing.

        OpenSSL keeps no certificate of a handshake it refused, and asking it to accept first and judge afterwards
        would leave a password one mistake away from an impostor.
        """
        context = self._environment.tls.get(verify=False)
        return await self._look(context, _LOOK_SECONDS, hold_back=False)

    async def _hung_up_on_handshake(self, ending: Ending) -> bool:
        """Whether a server that hung up where TLS begins did so because of what we said there.

        Some end a handshake they dislike without the alert that would say so. One that hangs up on whoever calls
        does it to a caller that holds back, too.
        """
        if ending.failure is None or ending.failure.kind is not OutcomeKind.CONNECTION_LOST:
            return False
        if ending.phase is not Phase.TLS:
            return False
        context = self._environment.tls.get(verify=False)
        seen = await self._look(context, _HOLD_BACK_SECONDS, hold_back=True)
        return (
            seen is not None
            and seen.failure is not None
            and seen.phase is Phase.TLS
            and seen.failure.kind is not OutcomeKind.CONNECTION_LOST
        )

    async def _look(self, context: ssl.SSLContext, most_seconds: float, *, hold_back: bool) -> Ending | None:
        """Another connection to the same address, up to its handshake. Never logs in; None where it came to nothing."""
        address, target, limits = self._seen.address, self._target, self._environment.limits
        seconds = min(most_seconds, self._deadline_at - time.monotonic())
        if address is None or seconds < 0.1:
            return None
        deadline_at = time.monotonic() + seconds
        name = target.servername or target.hostname
        looking = Connection(
            self._make_dialogue(ProbeRequest(target=target), Findings(), limits),
            TlsPlan(target.security, context, name, look_only=True, hold_back=hold_back),
            limits=limits,
            timeline=Timeline(),
            transcript=Transcript(),
            deadline_at=deadline_at,
        )
        try:
            await connect(looking, (address,), target.port, limits=limits, deadline_at=deadline_at)
            return await looking.ended
        except CheckFailed:
            return None
        except asyncio.CancelledError:
            looking.abandon()
            raise
