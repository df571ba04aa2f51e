"""A job's password: opened here, for as long as the check takes, or an outcome that says why it cannot be."""

from shared.checks.messages import CheckJob
from shared.checks.outcome import Outcome
from shared.checks.target import password_binding
from shared.checks.vocabulary import LoginPermission, OutcomeKind, Phase
from shared.sealing import OpenedSeals, PrivateKeyRing, SealBroken
from shared.sealing.seal import key_id_of


def open_password(job: CheckJob, keys: PrivateKeyRing, opened: OpenedSeals) -> bytes | Outcome | None:
    """The password a check logs in with; None where it does not log in.

    A withheld check gets an empty one: it is meant to log in, so that what the server offers is judged, and will not.
    """
    if not job.target.logs_in or job.target.sealed_password is None:
        return None
    if job.login is LoginPermission.WITHHELD:
        return b""
    binding = password_binding(job.organization_id, job.monitor_public_id, job.target)
    try:
        return opened.open(keys, job.target.sealed_password, binding.context())
    except SealBroken as broken:
        return Outcome(
            kind=OutcomeKind.INTERNAL,
            phase=Phase.AUTH,
            message=f"The password could not be opened in the worker: {broken}",
            hint=_hint(job.target.sealed_password, keys),
        )


def _hint(sealed: str, keys: PrivateKeyRing) -> str:
    try:
        missing = key_id_of(sealed) not in keys.keys
    except SealBroken:
        missing = False
    if missing:
        return "Give this worker the private key ring that belongs to the gateway's public one."
    return "Set the monitor's password again; if that does not help, look for who altered the stored row."
