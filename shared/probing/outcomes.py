"""From what a probe saw to the `Outcome` people and services read: sentence, hint, words, warnings, transcript."""

from dataclasses import dataclass, field
from functools import lru_cache

from shared.checks import outcome
from shared.checks.outcome import CertificateFacts, Outcome
from shared.checks.vocabulary import (
    AuthMethod,
    LoginOutcome,
    MailProtocol,
    OutcomeKind,
    Phase,
    Security,
    WarningCode,
)
from shared.probing.address_policy import Blocked
from shared.probing.explanations import explain
from shared.probing.probe import ProbeRequest
from shared.probing.replies import referred_to
from shared.probing.sasl import Mechanism
from shared.probing.server_words import Redactor, escaped
from shared.probing.steps import CheckFailed, Findings
from shared.probing.timeline import Timeline
from shared.probing.transcript import Transcript

# Slower than this is said even where nobody set a limit: a login answered after 15 s works, and something is wrong.
SLOW_UNASKED_MS = 10_000
# They need something of each user that a server which keeps but its passwords' hashes does not have.
_DIGESTS = frozenset({Mechanism.CRAM_MD5, Mechanism.SCRAM_SHA_256})


@dataclass(slots=True)
class Seen:
    """Everything one attempt gathers on its way. `seconds`: what it was given in all."""

    request: ProbeRequest
    seconds: float
    timeline: Timeline
    findings: Findings = field(default_factory=Findings)
    transcript: Transcript = field(default_factory=Transcript)
    address: str | None = None
    certificate: CertificateFacts | None = None
    blocked: Blocked | None = None


def passed(phase: Phase, seen: Seen) -> Outcome:
    """The outcome of a check that found nothing wrong, or was not allowed to look further."""
    phases_ms = seen.timeline.phases_ms()
    total_ms = _total(phases_ms)
    return Outcome(
        kind=OutcomeKind.OK,
        phase=phase,
        message=_success(seen, total_ms),
        hint=None,
        server_words=None,
        login=seen.findings.login,
        phases_ms=phases_ms,
        total_ms=total_ms,
        address=seen.address,
        certificate=seen.certificate,
        warnings=tuple(_warnings(seen, total_ms)),
        transcript=seen.transcript.render(_redactor(seen), began_at=seen.timeline.started_at)
        if seen.request.transcript
        else None,
    )


def failed(failure: CheckFailed, phase: Phase, seen: Seen) -> Outcome:
    """The outcome of a check that failed, with what was said and the dialogue that led there."""
    target = seen.request.target
    redact = _redactor(seen)
    phases_ms = seen.timeline.phases_ms()
    sentence, hint = explain(
        failure.kind,
        _variant(failure, seen),
        server=f"[{target.hostname}]:{target.port}" if ":" in target.hostname else f"{target.hostname}:{target.port}",
        host=target.hostname,
        port=target.port,
        protocol=target.protocol.value.upper(),
        mailbox=target.mailbox,
        seconds=seen.seconds,
        mechanism=seen.findings.mechanism,
        elsewhere=referred_to(redact(failure.words or b"")) or "its own words name it",
    )
    sentence = _with_days(sentence, failure.kind, seen.certificate)
    if seen.blocked is not None:
        sentence, hint = f"{target.hostname}: {seen.blocked.sentence}.", seen.blocked.hint
    words = failure.words if failure.words else None
    return Outcome(
        kind=failure.kind,
        phase=phase,
        message=sentence,
        hint=hint,
        server_words=escaped(redact(words)) if words is not None else None,
        login=seen.findings.login,
        phases_ms=phases_ms,
        total_ms=_total(phases_ms),
        address=seen.address,
        certificate=seen.certificate,
        warnings=tuple(_warnings(seen, None)),
        transcript=seen.transcript.render(redact, began_at=seen.timeline.started_at) or None,
    )


def _success(seen: Seen, total_ms: float) -> str:
    target = seen.request.target
    over = " over TLS" if target.security is not Security.NONE else ""
    unverified = " (certificate not verified)" if over and not target.verify_certificate else ""
    if seen.findings.login is not LoginOutcome.ACCEPTED:
        why = "the login was left out" if seen.request.has_credentials else "no login was asked for"
        return f"Answered{over}{unverified} in {total_ms:.0f} ms; {why}."
    where = target.mailbox if target.protocol is MailProtocol.IMAP else "the mailbox"
    count = f" ({seen.findings.messages} messages)" if seen.findings.messages is not None else ""
    return f"Logged in{over}{unverified} and opened {where}{count} in {total_ms:.0f} ms."


def _warnings(seen: Seen, total_ms: float | None) -> list[outcome.Warning]:
    target, certificate = seen.request.target, seen.certificate
    found: list[outcome.Warning] = []
    if certificate is not None and total_ms is not None and certificate.days_left <= target.certificate_warning_days:
        found.append(_warning(WarningCode.CERTIFICATE_EXPIRING, _expiry(certificate.days_left)))
    limit_ms = target.warning_ms or SLOW_UNASKED_MS
    if total_ms is not None and total_ms > limit_ms:
        found.append(_warning(WarningCode.SLOW, f"The check took {total_ms:.0f} ms, more than {limit_ms} ms."))
    if target.security is not Security.NONE and not target.verify_certificate:
        found.append(_warning(WarningCode.UNVERIFIED, "The certificate was not verified, as this monitor asks."))
    if seen.findings.password_in_clear:
        found.append(_warning(WarningCode.PLAINTEXT_PASSWORD, "The password crossed the network unprotected."))
    return found


@lru_cache(maxsize=256)
def _warning(code: WarningCode, text: str) -> outcome.Warning:
    return outcome.Warning(code=code, text=text)


def _expiry(days: int) -> str:
    if days < 0:
        return f"The certificate expired {_ago(days)}."
    return f"The certificate expires in {_days(days)}." if days else "The certificate expires today."


def _variant(failure: CheckFailed, seen: Seen) -> str | None:
    target = seen.request.target
    # Once STARTTLS was agreed to, port and security were right.
    plain_text = failure.variant in ("plain_text", "other_service")
    if target.security is Security.STARTTLS and (plain_text or failure.kind is OutcomeKind.TLS_TIMEOUT):
        return "after_starttls"
    chosen_by_us = target.auth is AuthMethod.AUTO and seen.findings.mechanism in _DIGESTS
    if failure.kind is OutcomeKind.AUTH_REJECTED and failure.variant is None and chosen_by_us:
        return "digest"
    return failure.variant


def _with_days(sentence: str, kind: OutcomeKind, certificate: CertificateFacts | None) -> str:
    if kind is not OutcomeKind.TLS_EXPIRED or certificate is None or certificate.days_left >= 0:
        return sentence
    return f"{sentence.removesuffix('.')}, {_ago(certificate.days_left)}."


def _ago(days_left: int) -> str:
    # The days left are rounded down: -1 is anything within the last 24 hours.
    return f"{_days(-days_left - 1)} ago" if days_left < -1 else "within the last day"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _redactor(seen: Seen) -> Redactor:
    password = seen.request.password
    return Redactor([password] if password else [])


def _total(phases_ms: dict[Phase, float]) -> float:
    return int(sum(phases_ms.values()) * 1000.0 + 0.5) / 1000.0
