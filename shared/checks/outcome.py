"""What one probe found out: the value every protocol's probe answers with.

Messages carry the fields by their names here; their aliases are the names people see (`diagnostics`).
"""

from pydantic import AliasGenerator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from shared.checks.target import Message
from shared.checks.vocabulary import LoginOutcome, OutcomeKind, Phase, WarningCode

_AS_SHOWN = ConfigDict(alias_generator=AliasGenerator(serialization_alias=to_camel))


class CertificateFacts(Message):
    """The server's certificate as presented, and whether it was found good."""

    model_config = _AS_SHOWN

    subject: str
    subject_alternative_names: tuple[str, ...] = ()
    issuer: str
    serial_number: str
    fingerprint_sha256: str
    not_before_ms: int
    not_after_ms: int
    days_left: int  # negative once expired
    chain: tuple[str, ...] = ()  # subjects, leaf first, as the server sent them
    tls_version: str
    cipher: str
    verified: bool
    verify_error: str | None = None


class Warning(Message):  # noqa: A001 - the field's word, always used through its module
    """Something worth saying although the check passed."""

    code: WarningCode
    text: str


class Outcome(Message):
    """How a probe ended and everything it saw.

    Args:
        phase: the phase that failed, or the last one completed.
        message: a sentence for people; hint: the next step, where there is one.
        server_words: the server's own words, ≤ 512 bytes, control characters escaped.
        phases_ms: how long each completed or failed phase took.
        login: what became of the login; `not_sent` unless a credential went over the wire.
        transcript: the dialogue with times, ≤ 8 KiB, secrets redacted; kept for failed checks.
    """

    model_config = _AS_SHOWN

    kind: OutcomeKind = Field(serialization_alias="outcomeClass")
    phase: Phase
    message: str
    hint: str | None = None
    server_words: str | None = None
    login: LoginOutcome = LoginOutcome.NOT_SENT
    phases_ms: dict[Phase, float] = {}
    total_ms: float = 0.0
    address: str | None = None  # the IP address talked to
    certificate: CertificateFacts | None = None
    warnings: tuple[Warning, ...] = ()
    transcript: str | None = None

    @property
    def passed(self) -> bool:
        return self.kind is OutcomeKind.OK
