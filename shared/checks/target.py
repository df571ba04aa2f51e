"""What a check talks to, and the one list of fields a stored password is bound to."""

from typing import Annotated, Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.checks.vocabulary import AuthMethod, IpFamily, MailProtocol, Security

DEFAULT_PORTS = {
    (MailProtocol.IMAP, True): 993,
    (MailProtocol.IMAP, False): 143,
    (MailProtocol.POP3, True): 995,
    (MailProtocol.POP3, False): 110,
}


def effective_port(port: int | None, protocol: MailProtocol, security: Security) -> int:
    """The port a check connects to: the given one, else the protocol's default for this security."""
    return port or DEFAULT_PORTS[protocol, security is Security.TLS]


class Message(BaseModel):
    """A part of a message: frozen, and forgiving of fields a newer sender added."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class CheckTarget(Message):
    """One mailbox on one server, as a worker needs to know it. Carries the password sealed only."""

    protocol: MailProtocol
    hostname: str
    port: Annotated[int, Field(ge=1, le=65535)]  # the effective one
    security: Security = Security.NONE
    verify_certificate: bool = True
    servername: str | None = None  # SNI and certificate name, where it is not `hostname`
    ip_family: IpFamily = IpFamily.ANY
    user: str | None = None
    authorization_id: str | None = None
    sealed_password: str | None = None
    auth: AuthMethod = AuthMethod.AUTO
    mailbox: str = "INBOX"
    timeout_ms: Annotated[int, Field(ge=1_000, le=60_000)] = 30_000
    certificate_warning_days: int = 21
    warning_ms: int | None = None

    @property
    def logs_in(self) -> bool:
        """Whether this check is meant to log in; without credentials it ends after the capabilities."""
        return self.user is not None and self.sealed_password is not None and self.auth is not AuthMethod.NONE


class PasswordBinding(NamedTuple):
    """Everything a sealed password is bound to.

    The seal's context is made of these, so a row or message altered to point elsewhere does not open; and a
    change of any of them asks for the password again. Both follow from this one list.
    """

    organization_id: int
    monitor_public_id: UUID
    protocol: MailProtocol
    hostname: str
    port: int
    security: Security
    verify_certificate: bool
    servername: str | None
    user: str | None

    def context(self) -> bytes:
        """These fields as unambiguous bytes (each with its length), for the seal's `info`."""
        written = [b"mailprobe.password.v1"]
        for field in self:
            part = str(field).encode() if field is not None else b"\xff"
            written += (len(part).to_bytes(4, "big"), part)
        return b"".join(written)


def password_binding(organization_id: int, monitor_public_id: UUID, target: CheckTarget) -> PasswordBinding:
    """What the password of this monitor's target is bound to."""
    return PasswordBinding(
        organization_id=organization_id,
        monitor_public_id=monitor_public_id,
        protocol=target.protocol,
        hostname=target.hostname,
        port=target.port,
        security=target.security,
        verify_certificate=target.verify_certificate,
        servername=target.servername,
        user=target.user,
    )


def target_from_monitor(
    *,
    hostname: str,
    port: int | None,
    timeout_seconds: int,
    config: dict[str, Any],
    sealed_password: str | None,
) -> CheckTarget:
    """The target a stored monitor describes.

    `config` is the monitor's validated `imapPopConfig` as stored: camelCase keys of the HTTP contract, without
    the password, unknown keys kept. The gateway (to seal, to compare) and the scheduler (to publish) both ask here.
    """
    protocol = MailProtocol(config.get("protocol", MailProtocol.IMAP))
    security = Security(config.get("security") or (Security.TLS if config.get("tls") else Security.NONE))
    tls_options = config.get("tlsOptions") or {}
    return CheckTarget(
        protocol=protocol,
        hostname=hostname,
        port=effective_port(port, protocol, security),
        security=security,
        verify_certificate=tls_options.get("rejectUnauthorized", True),
        servername=tls_options.get("servername"),
        ip_family=config.get("ipFamily") or IpFamily.ANY,
        user=config.get("user"),
        authorization_id=config.get("authorizationId"),
        sealed_password=sealed_password,
        auth=config.get("auth") or AuthMethod.AUTO,
        mailbox=config.get("mailbox") or "INBOX",
        timeout_ms=timeout_seconds * 1000,
        certificate_warning_days=config.get("certificateWarningDays", 21),
        warning_ms=config.get("warningMs"),
    )
