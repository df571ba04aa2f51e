"""Plays a dialogue over one connection: the only place of the engine where bytes, time and TLS meet.

TLS is an `SSLObject` over memory buffers, so that what was read before a handshake is known to have come in clear;
asyncio's own `start_tls` would hand it on as if it had come through TLS. Lines and literals pass the caps of
`LineReader` before a dialogue sees them. What the ending means to people is left to `attempt`.
"""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple, cast

from shared.checks.vocabulary import OutcomeKind, Phase, Security
from shared.probing.certificates import HandshakeResult
from shared.probing.last_words import last_words
from shared.probing.limits import Limits
from shared.probing.line_reader import LineReader
from shared.probing.steps import CheckFailed, Compute, Dialogue, Enter, Goodbye, Read, ReadLiteral, Send, Step
from shared.probing.timeline import Timeline
from shared.probing.tls_session import TlsPlan, TlsSession
from shared.probing.transcript import CLIENT, NOTE, SERVER, Transcript, without_challenge

_TIMED_OUT = {Phase.TLS: OutcomeKind.TLS_TIMEOUT, Phase.GREETING: OutcomeKind.GREETING_TIMEOUT}


class Ending(NamedTuple):
    """How the connection ended: `failure` is None where the check passed; `phase` the one that decided it."""

    failure: CheckFailed | None
    phase: Phase
    handshake: HandshakeResult | None


class Connection(asyncio.Protocol):
    """One connection playing one dialogue. `ended` is done when there is nothing more to wait for.

    Args:
        deadline_at: on the monotonic clock. on_handshake_done: called once TLS is up, or never.
    """

    # What most checks never change is not set for each of them.
    whereto = ""  # what the transcript says of the address it goes to
    _over = False  # `ended` is done, or whoever waited for it was cancelled
    _transport: asyncio.Transport | None = None
    _tls: TlsSession | None = None
    _handshake: HandshakeResult | None = None
    _bytes_in = 0
    _waiting: Step | None = None
    _timer: asyncio.TimerHandle | None = None
    _parting: bytes | None = None
    _verdict: tuple[CheckFailed | None, Phase] | None = None

    def __init__(
        self,
        dialogue: Dialogue,
        plan: TlsPlan,
        *,
        limits: Limits,
        timeline: Timeline,
        transcript: Transcript,
        deadline_at: float,
        on_handshake_done: Callable[[], None] | None = None,
    ) -> None:
        loop = asyncio.get_running_loop()
        self._loop = loop
        self.ended: asyncio.Future[Ending] = loop.create_future()
        self._dialogue = dialogue
        self._plan = plan
        self._limits = limits
        self._timeline = timeline
        self._keep = transcript.keep
        self._deadline_at = deadline_at
        self._on_handshake_done = on_handshake_done
        self._reader = LineReader(limits)
        self._heard = False  # anything, since we last spoke
        self._began_at = self._quiet_since = 0.0
        self._silence_seconds = limits.command_seconds

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A TCP connection's transport is one, though uvloop's does not say so by its class.
        self._transport = cast("asyncio.Transport", transport)
        self._began_at = self._quiet_since = time.monotonic()
        self._keep((self._began_at, NOTE, self.whereto))
        self._set_timer(self._began_at)
        if self._plan.security is Security.TLS:
            try:
                self._begin_tls()
            except CheckFailed as failure:
                self._fail(failure)
            except Exception as error:
                self._break(error)
        else:
            self._begin_dialogue()

    def data_received(self, data: bytes) -> None:
        if self._over:
            return
        self._quiet_since = time.monotonic()
        self._heard = True
        tls = self._tls
        try:
            if tls is None:
                self._reader.feed(data)
            else:
                self._tls_received(tls, data)
        except CheckFailed as failure:
            self._fail(failure)
        except Exception as error:
            self._break(error)
        waiting = self._waiting
        if waiting is not None and type(waiting) is not Compute and not self._over:
            self._play(waiting)
        if tls is not None and tls.ended:
            # Hung up as far as TLS goes, whatever becomes of the connection below; what was said before counted.
            self._fail(self._lost())

    def eof_received(self) -> bool:
        self._fail(self._lost())
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self._over:
            return
        if isinstance(exc, OSError) and self._transport is not None:
            for piece in last_words(self._transport):
                self.data_received(piece)
        self._fail(self._lost("reset" if isinstance(exc, ConnectionResetError) else None))

    def abandon(self) -> None:
        """Leave now, with a last word where the server needs one: for an attempt that was cancelled."""
        # Whoever waited for `ended` was cancelled, and `ended` with it.
        self._over = True
        if self._transport is not None:
            self._leave(hastily=True)

    # playing the dialogue

    def _play(self, step: Step | None, answer: object = None) -> None:
        """Go on with the dialogue, doing its steps until one has to wait or it has ended.

        Args:
            step: where it stands; None where it asked for `answer` (a failure is thrown at it), or has yet to begin.
        """
        go_on, reader = self._dialogue.send, self._reader
        try:
            if step is None:
                step = self._dialogue.throw(answer) if isinstance(answer, CheckFailed) else go_on(answer)
            while True:
                try:
                    if type(step) is Send:
                        self._send(step)
                        step = step.then
                    if type(step) is not Read:
                        answer = self._do(step)
                    elif reader.sound or reader.rough:
                        answer = self._read(step)
                    else:
                        answer = None
                except CheckFailed as failure:
                    # Found on the dialogue's behalf; it may know better what that means.
                    step = self._dialogue.throw(failure)
                    continue
                if answer is None:
                    self._waiting = step
                    if self._heard and type(step) is Read and step.leaving is not None and step.leaving():
                        self._silence_seconds = min(self._silence_seconds, self._limits.goodbye_seconds)
                    return
                step = go_on(answer)
        except StopIteration:
            self._finish(None)
        except CheckFailed as failure:
            self._finish(failure)
        except Exception as error:
            self._break(error)

    def _read(self, step: Read) -> object:
        """What answers this step, or None where that has yet to come."""
        take, reader = step.take, self._reader
        if take is None:
            line = reader.next_line()
            if line is not None:
                self._keep((self._quiet_since, SERVER, without_challenge(line) if step.secret else line))
            return line
        while True:
            lines = reader.sound
            if not lines:
                if (line := reader.next_line()) is None:
                    return None
                lines = [line]
            coming = lines.copy()
            try:
                answer = take(lines)
            finally:
                # Also what it could make nothing of.
                self._keep((self._quiet_since, SERVER, coming[len(lines) :]))
            if answer is not None:
                return answer

    def _do(self, step: Step) -> object:
        """The step's answer, or None where it has to wait."""
        match step:
            case Enter():
                self._enter(step.phase)
            case ReadLiteral():
                return self._reader.take(step.size)
            case Goodbye():
                self._verdict = (step.failure, self._timeline.phase)
                self._deadline_at = min(self._deadline_at, time.monotonic() + self._limits.goodbye_seconds)
                self._enter(Phase.LOGOUT)
            case Compute():
                self._compute(step)
                return None
            case _:
                return self._start_tls()
        return b""

    def _begin_dialogue(self) -> None:
        self._enter(Phase.GREETING)
        self._play(None)

    def _fail(self, failure: CheckFailed) -> None:
        """Tell the dialogue; what it makes of that is how the check ends (or goes on, to its goodbye)."""
        if not self._over:
            self._play(None, failure)

    def _lost(self, variant: str | None = None) -> CheckFailed:
        return CheckFailed(OutcomeKind.CONNECTION_LOST, variant=variant, unread=self._reader.unread)

    def _break(self, error: Exception) -> None:
        """A fault of our own; the attempt logs it and answers `internal`."""
        if not self._over:
            if not self.ended.done():
                self.ended.set_exception(error)
            self._leave(hastily=True)

    def _compute(self, step: Compute) -> None:
        work = self._loop.run_in_executor(None, step.work)

        def done(future: asyncio.Future[bytes]) -> None:
            if self._over or future.cancelled():
                return
            if (error := future.exception()) is not None:
                self._fail(error) if isinstance(error, CheckFailed) else self._break(RuntimeError(str(error)))
                return
            self._waiting = None
            self._quiet_since = time.monotonic()
            self._play(None, future.result())

        work.add_done_callback(done)

    def _enter(self, phase: Phase) -> float:
        self._silence_seconds = self._limits.silence_seconds[phase]
        return self._timeline.enter(phase)

    def _send(self, step: Send) -> None:
        self._quiet_since = now = time.monotonic() if step.phase is None else self._enter(step.phase)
        if step.parting is not None:
            self._parting = step.parting
        self._keep((now, CLIENT, step.data if step.shown is None else step.shown))
        self._reader.begin_command()
        self._heard = False
        if self._transport is not None:
            self._transport.write(step.data if self._tls is None else self._tls.encrypt(step.data))

    # TLS

    def _start_tls(self) -> bytes | None:
        if self._tls is not None:
            return None if self._tls.handshaking else b""
        if self._plan.hold_back and self._timeline.phase is Phase.TLS:
            return None
        if self._reader.unread:
            # Said in clear after the go-ahead: meant to be taken for what comes through TLS (CVE-2011-0411).
            raise CheckFailed(OutcomeKind.STARTTLS_INJECTION, self._reader.unread)
        self._begin_tls()
        return None

    def _begin_tls(self) -> None:
        self._enter(Phase.TLS)
        self._bytes_in = self._limits.connection_bytes - self._reader.bytes_left
        if not self._plan.hold_back:
            self._tls = TlsSession(self._plan)
            self._handshake_on(self._tls, b"")

    def _tls_received(self, tls: TlsSession, data: bytes) -> None:
        # A limit of the wire, not of what TLS makes of it: nobody makes us decrypt for ever.
        self._bytes_in += len(data)
        if self._bytes_in > self._limits.connection_bytes:
            raise CheckFailed(OutcomeKind.RESPONSE_TOO_LARGE, variant="connection")
        if tls.handshaking:
            if not self._handshake_on(tls, data):
                return
            data = b""
        if self._over:
            return
        tls.receive(data, self._reader.feed)
        if tls.to_say.pending:
            self._say(tls)
        if self._timeline.phase is Phase.TLS and self._plan.security is Security.TLS:
            self._begin_dialogue()

    def _handshake_on(self, tls: TlsSession, data: bytes) -> bool:
        """Take what arrived; True once the handshake is complete."""
        try:
            done = tls.handshake(data)
        finally:
            # Whatever came of it, the server hears our part: the next flight, or the alert that says why not.
            self._say(tls)
        if done:
            self._handshake = shown = tls.result()
            self._keep((time.monotonic(), NOTE, f"{shown.tls_version} {shown.cipher}"))
            if self._on_handshake_done is not None:
                self._on_handshake_done()
            if self._plan.look_only:
                self._finish(None)
        return done

    def _say(self, tls: TlsSession) -> None:
        """What TLS itself has to say: a flight of the handshake, the answer to a new key."""
        flight = tls.outgoing()
        if flight and self._transport is not None:
            self._transport.write(flight)

    # time

    def _set_timer(self, now: float) -> None:
        """The timer goes off when the server has been silent for too long, at the latest.

        No later than the phase with the least patience would have it, so that nothing said by either side and no
        phase entered meanwhile has to move it: most checks are over before it has gone off once.
        """
        up_at = min(self._deadline_at, self._quiet_since + self._silence_seconds)
        seconds = min(max(up_at - now, 0.0), self._limits.least_patience_seconds)
        self._timer = self._loop.call_later(seconds, self._look_at_the_clock)

    def _look_at_the_clock(self) -> None:
        self._timer = None
        if self._over:
            return
        now = time.monotonic()
        # Timers fire up to a tick early.
        if now + 0.005 < min(self._deadline_at, self._quiet_since + self._silence_seconds):
            self._set_timer(now)
        else:
            self._time_is_up(now)

    def _time_is_up(self, now: float) -> None:
        unread = self._reader.unread
        if unread.endswith(b"\r"):
            self._fail(CheckFailed(OutcomeKind.PROTOCOL_ERROR, unread, variant="control"))
        else:
            self._fail(CheckFailed(self._timeout_kind(now), unread or None, unread=unread))
        if not self._over and self._timer is None:
            self._set_timer(now)

    def _timeout_kind(self, now: float) -> OutcomeKind:
        quiet = now - self._quiet_since
        # The deadline came first. A server silent for a good part of the check is what that phase calls it; one that
        # kept dribbling, or was slow in everything, used up the time as a whole.
        share = 2 if self._heard else 4
        if quiet + 0.005 < self._silence_seconds and quiet * share < now - self._began_at:
            return OutcomeKind.TOTAL_TIMEOUT
        return _TIMED_OUT.get(self._timeline.phase, OutcomeKind.COMMAND_TIMEOUT)

    # the end

    def _finish(self, failure: CheckFailed | None) -> None:
        if self._over:
            return
        failure, phase = self._verdict or (failure, self._timeline.phase)
        # First, whatever comes of leaving: somebody waits for it.
        if not self.ended.done():
            self.ended.set_result(Ending(failure, phase, self._handshake))
        self._leave(hastily=failure is not None)

    def _leave(self, *, hastily: bool) -> None:
        self._over = True
        self._timeline.close()
        self._dialogue.close()
        if self._timer is not None:
            self._timer.cancel()
        transport, self._transport = self._transport, None
        if transport is None:
            return
        if self._parting is not None and self._verdict is None and not transport.is_closing():
            try:
                transport.write(self._parting if self._tls is None else self._tls.encrypt(self._parting))
                hastily = False
            except CheckFailed:
                pass  # TLS is broken: there is no way left to say it.
        # What can't be written at once never will be: we do not linger for a server that stopped reading.
        if hastily or transport.get_write_buffer_size():
            transport.abort()
        else:
            transport.close()
