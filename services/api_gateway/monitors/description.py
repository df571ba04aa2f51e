"""What a monitor is told to be: the values a request may set, as the database keeps them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.api_gateway.ownership.ownership_store import NOBODY, Ownership
from shared.checks.target import CheckTarget, PasswordBinding, password_binding, target_from_monitor
from shared.checks.vocabulary import Health, MailProtocol, MonitorStatus


@dataclass(frozen=True, slots=True)
class Description:
    """A monitor without its identity. `config` is as stored: without the password."""

    customer_id: int
    name: str
    hostname: str
    port: int | None
    status: MonitorStatus
    interval_ms: int
    timeout_seconds: int
    allowed_check_country_codes: tuple[str, ...] | None
    notification_email: str | None
    notification_phone_number: str | None
    config: Mapping[str, Any]
    sealed_password: str | None
    credential_id: UUID | None

    def target(self) -> CheckTarget:
        """What checks of it talk to."""
        return target_from_monitor(
            hostname=self.hostname,
            port=self.port,
            timeout_seconds=self.timeout_seconds,
            config=dict(self.config),
            sealed_password=self.sealed_password,
        )

    def binding(self, organization_id: int, public_id: UUID) -> PasswordBinding:
        """What its password is sealed to."""
        return password_binding(organization_id, public_id, self.target())

    @property
    def protocol(self) -> MailProtocol:
        return MailProtocol(self.config.get("protocol", MailProtocol.IMAP))

    @property
    def interval_minutes(self) -> int | float:
        """The interval as the API says it: a whole number where it is one."""
        minutes = self.interval_ms / 60_000
        return int(minutes) if minutes.is_integer() else minutes


@dataclass(frozen=True, slots=True)
class StoredMonitor:
    """A monitor as the database has it, with what is believed of it."""

    id: int
    public_id: UUID
    organization_id: int
    revision: int
    created_at: datetime
    updated_at: datetime
    description: Description
    health: Health
    health_since_ms: int | None
    health_message: str | None
    last_checked_at_ms: int | None
    last_outcome: str | None
    ever_passed: bool
    customer_name: str
    customer_country_codes: Sequence[str] | None
    tags: Sequence[Mapping[str, Any]] = ()
    ownership: Ownership = NOBODY

    @property
    def countries(self) -> Sequence[str] | None:
        """Where it may be checked from: its own list, else its customer's; None: anywhere."""
        return allowed_countries(self.description, self.customer_country_codes)


def allowed_countries(description: Description, of_customer: Sequence[str] | None) -> Sequence[str] | None:
    """The rule the scheduler goes by as well."""
    return description.allowed_check_country_codes or of_customer or None
