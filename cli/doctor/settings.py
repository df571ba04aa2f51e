"""Whatever of mailprobe's settings is set here: the doctor looks at that, and says what it was not given."""

from pathlib import Path

from pydantic import AliasChoices, Field

from shared.runtime.setting_types import (
    Addresses,
    AmqpUrl,
    DatabaseUrl,
    HostsAndPorts,
    KeyRingText,
    ManagementUrl,
)
from shared.runtime.settings import TellingSettings


class DoctorSettings(TellingSettings):
    """All of them optional."""

    database_url: DatabaseUrl | None = Field(
        default=None, validation_alias=AliasChoices("MAILPROBE_DATABASE_URL", "DATABASE_URL")
    )
    amqp_url: AmqpUrl | None = Field(default=None, validation_alias=AliasChoices("MAILPROBE_AMQP_URL", "AMQP_URL"))
    management_url: ManagementUrl | None = Field(
        default=None,
        validation_alias=AliasChoices("MAILPROBE_MANAGEMENT_URL", "MAILPROBE_RABBITMQ_MANAGEMENT_URL"),
    )
    public_keys: KeyRingText | None = None
    private_keys: KeyRingText | None = None
    channel_public_keys: KeyRingText | None = None
    channel_private_keys: KeyRingText | None = None
    dns_servers: Addresses = ()
    canary_targets: HostsAndPorts = ()
    data: Path = Path("data")
