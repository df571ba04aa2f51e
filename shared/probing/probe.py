"""The one probe signature; protocols differ, workers do not.

`services.imap_worker.probe.imap_probe` and `services.pop3_worker.probe.pop3_probe` are the two.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from shared.checks.outcome import Outcome
from shared.checks.target import CheckTarget
from shared.checks.vocabulary import AuthMethod, LoginPermission, Phase
from shared.probing.environment import ProbeEnvironment

__all__ = ["OnPhase", "Probe", "ProbeEnvironment", "ProbeRequest"]

OnPhase = Callable[[Phase, float], None]


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """One check to make, with the password opened.

    Args:
        login: WITHHELD does everything but the login, and ends `ok` with `login` not sent; the caller says what that
            is worth.
        transcript: keep the dialogue of a passed check too.
    """

    target: CheckTarget
    password: bytes | None = field(default=None, repr=False)
    login: LoginPermission = LoginPermission.ALLOWED
    transcript: bool = False

    @property
    def has_credentials(self) -> bool:
        """Whether this check is meant to log in at all."""
        return self.target.user is not None and self.password is not None and self.target.auth is not AuthMethod.NONE

    @property
    def logs_in(self) -> bool:
        """Whether this check does log in."""
        return self.has_credentials and self.login is LoginPermission.ALLOWED


class Probe(Protocol):
    """Talk to one mail server and say how it is.

    A sick mailbox is an answer, never an exception; a fault of our own is the answer `internal`. The only thing
    raised is the caller's own cancellation, with the server told goodbye.

    Args:
        deadline_seconds: for the whole check, DNS included; the target's `timeout_ms` when None.
        on_phase: called with each phase as it completes, and its milliseconds so far.
    """

    async def __call__(
        self,
        request: ProbeRequest,
        environment: ProbeEnvironment,
        *,
        deadline_seconds: float | None = None,
        on_phase: OnPhase | None = None,
    ) -> Outcome: ...
