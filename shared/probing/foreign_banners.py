"""What a first line that is none of ours belongs to, so that a wrong port says what answers there."""

from typing import Final

from shared.checks.vocabulary import OutcomeKind
from shared.probing.steps import CheckFailed
from shared.probing.tls_failures import looks_like_tls

_BANNERS: Final = (
    (b"SSH-", "ssh"),
    (b"HTTP/", "http"),
    (b"<!DOCTYPE", "http"),
    (b"<html", "http"),
    (b"220 ", "smtp"),
    (b"220-", "smtp"),
    (b"421 ", "smtp"),
    (b"554 ", "smtp"),
    (b"+OK", "pop3"),
    (b"-ERR", "pop3"),
    (b"* OK", "imap"),
    (b"* BYE", "imap"),
    (b"* PREAUTH", "imap"),
)


def foreign_banner(line: bytes, *, native: bytes) -> CheckFailed:
    """The verdict for a first line that is no greeting of ours; one that begins like ours is merely malformed."""
    if line.startswith(native):
        return CheckFailed(OutcomeKind.PROTOCOL_ERROR, line)
    return CheckFailed(OutcomeKind.NOT_A_MAIL_SERVER, line, variant=_variant(line))


def judged_by_first_bytes(failure: CheckFailed, *natives: bytes) -> CheckFailed:
    """The failure of a greeting that never came: what never became a line may still tell who speaks there."""
    first = failure.unread
    if not first and failure.kind is OutcomeKind.CONNECTION_LOST:
        return CheckFailed(failure.kind, variant="no_greeting")
    if not first or any(native.startswith(first[: len(native)]) for native in natives):
        return failure
    if looks_like_tls(first):
        return CheckFailed(OutcomeKind.NOT_A_MAIL_SERVER, variant="tls_port")
    # A line too long stays too long, and dribble stays dribble, whoever they come from.
    if failure.kind in (OutcomeKind.GREETING_TIMEOUT, OutcomeKind.CONNECTION_LOST, OutcomeKind.PROTOCOL_ERROR):
        return CheckFailed(OutcomeKind.NOT_A_MAIL_SERVER, first, variant=_variant(first))
    return failure


def _variant(first: bytes) -> str | None:
    return next((name for start, name in _BANNERS if first[: len(start)].upper() == start.upper()), None)
