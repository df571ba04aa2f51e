"""Settings: the only place that reads the environment, and what it answers when something is wrong.

Each service has one frozen class, composed of the parts below; the names are `MAILPROBE_` plus the field's name in
capitals. A secret may stand in a file instead, named by the same variable with `_FILE` at its end. What the values
mean beyond their form is for the code that uses them.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.runtime.setting_types import (
    Addresses,
    AmqpUrl,
    DatabaseUrl,
    HostsAndPorts,
    KeyRingText,
    ManagementUrl,
    Networks,
    OperatorsChannel,
    Port,
    PortOrOff,
    SmtpUrl,
    has_certificates,
)
from shared.runtime.settings_errors import SettingsError as SettingsError
from shared.runtime.settings_errors import fault_sentences
from shared.runtime.settings_files import secrets_from_files

PREFIX = "MAILPROBE_"


class Settings(BaseSettings):
    """What all settings share: frozen, from the environment, faults told in sentences."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    @classmethod
    def load(cls, **given: Any) -> Self:
        """These settings from the environment; `given` (by field name) goes before it.

        Raises:
            SettingsError: with one sentence per fault, each naming its variable.
        """
        from_files = secrets_from_files(cls, PREFIX)
        try:
            return cls(**{**from_files, **given})
        except ValidationError as error:
            raise SettingsError(fault_sentences(error, cls, PREFIX)) from None


class LogSettings(Settings):
    log_format: Literal["auto", "json", "console"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("log_format", "log_level", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value


class LifeSettings(LogSettings):
    """How a process lives and ends."""

    # How long its loop may stand still before the process ends itself, to be started again; 0: for ever.
    watchdog_seconds: Annotated[float, Field(ge=0, le=3600)] = 60.0


class ProcessSettings(LifeSettings):
    """What every process has."""

    admin_host: str = "127.0.0.1"
    admin_port: PortOrOff = 0  # 0: no admin server


class DatabaseSettings(Settings):
    database_url: DatabaseUrl = Field(
        validation_alias=AliasChoices("MAILPROBE_DATABASE_URL", "DATABASE_URL"),
        description="the address of the database, such as postgresql://user:password@host:5432/mailprobe",
    )


class BrokerSettings(Settings):
    amqp_url: AmqpUrl = Field(
        validation_alias=AliasChoices("MAILPROBE_AMQP_URL", "AMQP_URL"),
        description="the address of RabbitMQ, such as amqp://user:password@host:5672/mailprobe",
    )
    # RabbitMQ's HTTP API, where policies are applied and verified; not every process may reach it.
    management_url: ManagementUrl | None = Field(
        default=None,
        validation_alias=AliasChoices("MAILPROBE_MANAGEMENT_URL", "MAILPROBE_RABBITMQ_MANAGEMENT_URL"),
        description="RabbitMQ's management address, such as http://user:password@host:15672",
    )
    policies_required: bool = False  # readiness then fails where the broker's policies are missing

    @model_validator(mode="after")
    def _policies_can_be_seen(self) -> Self:
        if self.policies_required and self.management_url is None:
            raise ValueError("MAILPROBE_POLICIES_REQUIRED needs MAILPROBE_MANAGEMENT_URL, to look them up")
        return self

    @property
    def policies_url(self) -> str | None:
        """Where readiness looks at the broker's policies; None: it does not."""
        required = self.management_url if self.policies_required else None
        return required.get_secret_value() if required else None


class NetworkSettings(Settings):
    """Where checks (and webhooks) may connect beyond public addresses."""

    allowed_private_networks: Networks = Field(
        default=(), description="a comma list of networks, such as 10.0.0.0/8,192.168.7.0/24"
    )


class AddressSettings(Settings):
    """Where people reach this mailprobe."""

    public_url: Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")] | None = Field(
        default=None, description="where people reach this mailprobe, such as https://mailprobe.example.com"
    )


class ResolvingSettings(NetworkSettings):
    """How names are looked up."""

    dns_servers: Addresses = Field(default=(), description="a comma list of addresses, such as 9.9.9.9,1.1.1.1")


class RetentionSettings(Settings):
    """How long what was found out is kept, in days."""

    results_retention_days: Annotated[int, Field(ge=2, le=36_500)] = 90  # checks, one by one
    hours_retention_days: Annotated[int, Field(ge=62, le=36_500)] = 190  # hours added up; of charts
    # Days added up, incidents, messages. Not less than a year, or its uptime could not be told.
    history_retention_days: Annotated[int, Field(ge=400, le=36_500)] = 800


class ApiSettings(AddressSettings, ResolvingSettings, RetentionSettings):
    """What the gateway listens on and allows."""

    host: str = "127.0.0.1"
    port: Port = 8080
    trusted_proxies: Networks = Field(
        default=(), description="a comma list of the proxies' networks, such as 10.0.0.1/32"
    )
    requests_in_flight: Annotated[int, Field(ge=1, le=1000)] = 16  # at once; more than that wait in a short line
    rate_limit_anonymous: Annotated[int, Field(ge=1)] = 100  # requests a minute, per address
    rate_limit_token: Annotated[int, Field(ge=1)] = 600  # requests a minute, per token
    check_interval_floor_minutes: Annotated[float, Field(ge=0.5, le=1440, multiple_of=0.5)] = 0.5
    pop3_interval_floor_minutes: Annotated[float, Field(ge=0.5, le=1440, multiple_of=0.5)] = 5.0
    audit_retention_days: Annotated[int, Field(ge=31, le=36_500)] = 400  # entries of the audit log that stay
    # Whether a mailbox's domain is asked over HTTP for its autoconfig file, and whom to ask where it has none.
    discovery_fetch: bool = True
    discovery_ispdb: Annotated[str, Field(pattern=r"^https://[^\s/?#@]+(/[^\s?#]*)?$")] | None = Field(
        default=None, description="a database of providers, such as https://autoconfig.thunderbird.net/v1.1"
    )


class ConsoleSettings(Settings):
    """Where whoever runs mailprobe looks at RabbitMQ in a browser; the page of the system leads there."""

    rabbitmq_console_url: Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")] | None = Field(
        default=None, description="RabbitMQ's console as browsers reach it, such as https://rabbitmq.example.com"
    )


class PaceSettings(Settings):
    """How hard one mail server may be asked, over the whole fleet."""

    host_logins_per_second: Annotated[float, Field(gt=0)] = 5.0
    host_in_flight: Annotated[int, Field(ge=1)] = 10


class LocationSettings(Settings):
    """Where this worker stands."""

    location_code: Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")] = Field(
        default="default", description="a code of small letters, digits and hyphens, such as eu-fra1"
    )
    location_name: str = ""  # empty: the code
    country_code: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = Field(
        default=None, description="a country's two letters, such as DE"
    )
    presence_seconds: Annotated[float, Field(gt=0, le=30)] = 5.0

    @field_validator("country_code", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @property
    def shown_location(self) -> str:
        return self.location_name or self.location_code


class ProbingSettings(LocationSettings, ResolvingSettings):
    """How this worker's checks run."""

    worker_capacity: Annotated[int, Field(ge=1, le=100_000)] = 200  # checks at once
    max_handshakes: Annotated[int, Field(ge=1)] = 64  # TLS handshakes at once
    ca_file: Path | None = None  # trusted beside the system's authorities
    # Where none of them takes a connection, it is this worker's network that failed, not the mail server.
    canary_targets: HostsAndPorts = Field(
        default=(), description="a comma list of hosts with ports, such as 9.9.9.9:53,[2620:fe::fe]:53"
    )

    @field_validator("ca_file")
    @classmethod
    def _is_there(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError(f"there is no file {value}")
        if value is not None:
            has_certificates(value)
        return value


class PublicKeySettings(Settings):
    public_keys: KeyRingText = Field(
        description="the public key ring, or name in MAILPROBE_PUBLIC_KEYS_FILE "
        "the public.json that `mailprobe keys generate` writes"
    )


class PrivateKeySettings(Settings):
    private_keys: KeyRingText = Field(
        description="the private key ring, or name in MAILPROBE_PRIVATE_KEYS_FILE "
        "the private.json that `mailprobe keys generate` writes"
    )


class ChannelPublicKeySettings(Settings):
    channel_public_keys: KeyRingText = Field(
        description="the public key ring of notification channels, or name in MAILPROBE_CHANNEL_PUBLIC_KEYS_FILE "
        "the channel-public.json that `mailprobe keys generate` writes"
    )


class ChannelPrivateKeySettings(Settings):
    channel_private_keys: KeyRingText = Field(
        description="the private key ring of notification channels, or name in MAILPROBE_CHANNEL_PRIVATE_KEYS_FILE "
        "the channel-private.json that `mailprobe keys generate` writes"
    )


class TellingSettings(AddressSettings, NetworkSettings):
    """How people are told."""

    smtp_url: SmtpUrl | None = Field(
        default=None, description="the mail server to send by, such as smtp+starttls://user:password@host:587"
    )
    mail_from: Annotated[str, Field(pattern=r"^[^\s@<>\"(),:;]{1,64}@[^\s@<>\"(),:;]{1,253}$")] | None = Field(
        default=None, description="the sender's address, such as mailprobe@example.com"
    )
    # Whoever runs mailprobe is told here that it has stopped checking; no database is needed for it.
    operators_channel: OperatorsChannel | None = Field(
        default=None, description="an https:// address that takes webhooks, or mailto:ops@example.com"
    )
    dead_mans_url: ManagementUrl | None = Field(
        default=None, description="an address that raises an alarm when it is not asked for any more"
    )

    @model_validator(mode="after")
    def _mail_has_a_sender(self) -> Self:
        if self.smtp_url is not None and self.mail_from is None:
            raise ValueError("MAILPROBE_SMTP_URL needs MAILPROBE_MAIL_FROM, the sender's address")
        channel = self.operators_channel.get_secret_value() if self.operators_channel else ""
        if channel.startswith("mailto:") and self.smtp_url is None:
            raise ValueError("MAILPROBE_OPERATORS_CHANNEL is an e-mail address, which needs MAILPROBE_SMTP_URL")
        return self


class GatewaySettings(
    ApiSettings,
    ConsoleSettings,
    PublicKeySettings,
    ChannelPublicKeySettings,
    DatabaseSettings,
    BrokerSettings,
    ProcessSettings,
):
    """`services/api_gateway`."""


class SchedulerSettings(PaceSettings, RetentionSettings, DatabaseSettings, BrokerSettings, ProcessSettings):
    """`services/scheduler`."""


class WorkerSettings(ProbingSettings, PrivateKeySettings, BrokerSettings, ProcessSettings):
    """`services/imap_worker` and `services/pop3_worker`: no database address."""


class RecorderSettings(RetentionSettings, DatabaseSettings, BrokerSettings, ProcessSettings):
    """`services/result_recorder`."""


class NotifierSettings(
    TellingSettings, ChannelPrivateKeySettings, RetentionSettings, DatabaseSettings, ProcessSettings
):
    """`services/notifier`: no broker."""


class StandaloneSettings(ApiSettings, PaceSettings, ProbingSettings, TellingSettings, ProcessSettings):
    """`services/standalone`: no broker, and a database of its own unless one is named."""

    requests_in_flight: Annotated[int, Field(ge=1, le=1000)] = 6  # checks go by the same event loop
    data: Path = Path("data")
    database_url: DatabaseUrl | None = Field(
        default=None, validation_alias=AliasChoices("MAILPROBE_DATABASE_URL", "DATABASE_URL")
    )
