"""How one check looks: to a person, phase by phase as it happens; to a program as JSON; to Nagios as one line."""

import sys
from dataclasses import dataclass
from enum import Enum, StrEnum
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from cli.showing import console, plain, print_json
from shared.checks.outcome import CertificateFacts, Outcome
from shared.checks.target import CheckTarget
from shared.checks.vocabulary import DEGRADING_WARNINGS, OURS, SOFT_FAILURES, OutcomeKind, Phase, Security


class Format(StrEnum):
    """Whom the answer is for."""

    HUMAN = "human"
    JSON = "json"
    NAGIOS = "nagios"


class Status(Enum):
    """The four words of monitoring plugins, their exit codes, and how a terminal shows them."""

    OK = (0, "●", "green")
    WARNING = (1, "◐", "yellow")
    CRITICAL = (2, "✖", "bold red")
    UNKNOWN = (3, "?", "magenta")

    @property
    def exit_code(self) -> int:
        return self.value[0]

    @classmethod
    def of(cls, outcome: Outcome) -> "Status":
        """By the rules health is decided by: what passes by itself and what works with a warning is no outage."""
        if outcome.kind in OURS:
            return cls.UNKNOWN
        if outcome.kind in SOFT_FAILURES:
            return cls.WARNING
        if outcome.kind is not OutcomeKind.OK:
            return cls.CRITICAL
        warned = any(warning.code in DEGRADING_WARNINGS for warning in outcome.warnings)
        return cls.WARNING if warned else cls.OK


@dataclass(frozen=True, slots=True)
class Asked:
    """The check somebody asked for, and how it is to be shown."""

    target: CheckTarget
    format: Format
    verbose: bool

    @property
    def wants_transcript(self) -> bool:
        return self.verbose or self.format is Format.JSON

    @property
    def name(self) -> str:
        target = self.target
        host = f"[{target.hostname}]" if ":" in target.hostname else target.hostname
        how = {Security.TLS: "TLS", Security.STARTTLS: "STARTTLS", Security.NONE: "no TLS"}[target.security]
        return f"{target.protocol.value} {host}:{target.port}, {how}"


class PhasesLive:
    """The phases and their times as they end, on a terminal; elsewhere nothing until it is over."""

    def __init__(self, asked: Asked) -> None:
        self._out: Console | None = None
        if asked.format is Format.HUMAN and sys.stdout.isatty():
            self._out = console()
        self._title = asked.name
        self._live: Live | None = None
        self._phases: dict[Phase, float] = {}

    def __enter__(self) -> Self:
        if self._out is not None:
            self._live = Live(self._picture(), console=self._out, auto_refresh=False)
            self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def on_phase(self, phase: Phase, milliseconds: float) -> None:
        self._phases[phase] = milliseconds
        if self._live is not None:
            self._live.update(self._picture(), refresh=True)

    def _picture(self) -> Text:
        return Text("\n").join([Text(self._title, "bold"), *_phase_lines(self._phases)])


def show(asked: Asked, outcome: Outcome) -> None:
    """The answer, on standard output."""
    match asked.format:
        case Format.JSON:
            _show_json(asked, outcome)
        case Format.NAGIOS:
            print(_nagios_line(asked, outcome))
        case Format.HUMAN:
            _show_human(asked, outcome)


def show_fault(asked: Asked, said: str) -> None:
    """Why there was no check: for people on stderr; where a program reads, what it reads says so in its own form."""
    for line in said.splitlines():
        print(f"mailprobe: {plain(line)}", file=sys.stderr)
    if asked.format is Format.NAGIOS:
        print(f"{asked.target.protocol.value.upper()} {Status.UNKNOWN.name} - {_one_line(said)}")
    if asked.format is Format.JSON:
        _show_json(asked, Outcome(kind=OutcomeKind.INTERNAL, phase=Phase.DNS, message=said))


def _show_json(asked: Asked, outcome: Outcome) -> None:
    target, status = asked.target, Status.of(outcome)
    print_json(
        {
            "status": status.name.lower(),
            "exit_code": status.exit_code,
            "protocol": target.protocol,
            "host": target.hostname,
            "port": target.port,
            "security": target.security,
            **outcome.model_dump(mode="json"),
        }
    )


def _nagios_line(asked: Asked, outcome: Outcome) -> str:
    target = asked.target
    said = [outcome.message, *(warning.text for warning in outcome.warnings)]
    if outcome.kind is not OutcomeKind.OK:
        said.insert(0, f"{outcome.kind} at {outcome.phase}:")
        said += [f"It said: {outcome.server_words}"] if outcome.server_words else []
    warn = f"{target.warning_ms / 1000:g}" if target.warning_ms is not None else ""
    figures = [f"time={outcome.total_ms / 1000:.6f}s;{warn};;0;{target.timeout_ms / 1000:g}"]
    figures += [f"{phase}={ms / 1000:.6f}s;;;0" for phase, ms in outcome.phases_ms.items()]
    if outcome.certificate is not None:
        figures.append(f"certificate_days={outcome.certificate.days_left};{target.certificate_warning_days + 1}:;0:")
    status = Status.of(outcome).name
    return f"{target.protocol.value.upper()} {status} - {_one_line(' '.join(said))} | {' '.join(figures)}"


def _one_line(text: str) -> str:
    # What stands behind a | would be read as figures.
    return str(plain(" ".join(text.replace("|", "¦").split())))


def _show_human(asked: Asked, outcome: Outcome) -> None:
    out = console()
    if not out.is_terminal:
        out.print(Text("\n").join([Text(asked.name), *_phase_lines(outcome.phases_ms)]))
    status = Status.of(outcome)
    _, glyph, style = status.value
    what = status.name.lower() if outcome.kind is OutcomeKind.OK else f"{outcome.kind} at {outcome.phase}"
    out.print(Text(f"{glyph} {what}: ", style).append_text(plain(outcome.message)))
    for warning in outcome.warnings:
        out.print(Text("  warning: ", "yellow").append_text(plain(warning.text)))
    if outcome.server_words:
        out.print(Text("  the server said: ", "dim").append_text(plain(outcome.server_words)))
    if outcome.hint:
        out.print(Text("  next: ", "dim").append_text(plain(outcome.hint)))
    if outcome.certificate is not None:
        out.print(Text("  certificate: ", "dim").append_text(plain(_certificate(outcome.certificate))))
    if outcome.transcript:
        out.print(Text("  dialogue (seconds, C: we, S: the server):", "dim"))
        for line in outcome.transcript.splitlines():
            out.print(Text("  ").append_text(plain(line)))


def _phase_lines(phases_ms: dict[Phase, float]) -> list[Text]:
    return [Text(f"  {phase.value:<11}{ms:9.1f} ms") for phase, ms in phases_ms.items()]


def _certificate(facts: CertificateFacts) -> str:
    names = ", ".join(facts.subject_alternative_names[:5]) or facts.subject
    more = " …" if len(facts.subject_alternative_names) > 5 else ""
    days = f"{facts.days_left} days left" if facts.days_left >= 0 else f"expired {-facts.days_left} days ago"
    how = "verified" if facts.verified else facts.verify_error or "not verified"
    return f"{names}{more}; issued by {facts.issuer}; {days}; {facts.tls_version} {facts.cipher}; {how}"
