"""Settings: the only place that reads the environment, and what it answers when something is wrong.

Each service has one frozen class, composed of the parts below; the names are `MAILPROBE_` plus the field's name in
capitals. A secret may stand in a file instead, named by the same variable with `_FILE` at its end. What the values
mean beyond their form is for the code that uses them.
"""

import json
import re
import ssl
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.runtime.settings_errors import SettingsError as SettingsError
from shared.runtime.settings_errors import fault_sentences
from shared.runtime.settings_files import secrets_from_files

PREFIX = "MAILPROBE_"


def _split(value: object) -> object:
    """A comma list from the environment as a tuple; anything else is left to the field's type."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _networks(value: object) -> object:
    """A comma list of networks; `ip_network` says better than pydantic what is wrong with one."""
    parts = _split(value)
    return tuple(ip_network(part) for part in parts) if isinstance(parts, tuple) else parts


def _is_address(value: str) -> str:
    """An address, alone or with a port: `9.9.9.9`, `9.9.9.9:5353`, `2620:fe::fe`, `[2620:fe::fe]:5353`."""
    host, colon, port = value.rpartition(":")
    if colon and port.isdecimal() and (host.startswith("[") or host.count(".") == 3):
        ip_address(host.strip("[]"))
    else:
        ip_address(value.strip("[]"))
    return value


def _is_host_and_port(value: str) -> str:
    """A name or an address, and a port: `mail.example.org:993`, `9.9.9.9:53`, `[2620:fe::fe]:53`."""
    host, _, port = value.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        ip_address(host[1:-1])
    elif not host or not host.isascii() or not set("/@:[] ").isdisjoint(host):
        raise ValueError(f"{value} is no host with a port")
    if not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise ValueError(f"{value} has no port of 1 to 65535")
    return value


def _has_scheme(*schemes: str) -> AfterValidator:
    def check(value: SecretStr) -> SecretStr:
        if value.get_secret_value().partition("://")[0].lower() not in schemes:
            raise ValueError(f"it has to begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return value

    return AfterValidator(check)


def _names_a_host(value: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(value.get_secret_value())
        sound = bool(parts.hostname) and (parts.port is None or parts.port > 0) and parts.path in ("", "/")
    except ValueError:
        sound = False
    if not sound:
        raise ValueError("it has to name a host, and a port where it is not the usual one")
    return value


def _is_webhook_or_mailbox(value: SecretStr) -> SecretStr:
    scheme, _, rest = value.get_secret_value().partition(":")
    if (scheme == "mailto" and re.fullmatch(r"[^\s@<>\"(),:;?]+@[^\s@<>\"(),:;?]+", rest)) or (
        scheme in ("http", "https") and re.fullmatch(r"//[^\s/@]+(/\S*)?", rest)
    ):
        return value
    raise ValueError("it has to begin with https://, or be mailto: and an e-mail address")


def _has_certificates(path: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except OSError as error:  # ssl.SSLError is one
        reason = "cannot be read" if isinstance(error, PermissionError) else "holds no certificate in PEM form"
        raise ValueError(f"{path} {reason}") from None


def _is_json_object(value: SecretStr) -> SecretStr:
    try:
        if isinstance(json.loads(value.get_secret_value()), dict):
            return value
    except ValueError:
        pass
    raise ValueError("it is no JSON object")


Network = IPv4Network | IPv6Network
Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)]
Addresses = Annotated[tuple[Annotated[str, AfterValidator(_is_address)], ...], NoDecode, BeforeValidator(_split)]
HostsAndPorts = Annotated[
    tuple[Annotated[str, AfterValidator(_is_host_and_port)], ...], NoDecode, BeforeValidator(_split)
]
DatabaseUrl = Annotated[SecretStr, _has_scheme("postgresql", "postgres")]
AmqpUrl = Annotated[SecretStr, _has_scheme("amqp", "amqps")]
ManagementUrl = Annotated[SecretStr, _has_scheme("http", "https")]
SmtpUrl = Annotated[SecretStr, _has_scheme("smtp", "smtps", "smtp+starttls"), AfterValidator(_names_a_host)]
OperatorsChannel = Annotated[SecretStr, AfterValidator(_is_webhook_or_mailbox)]
KeyRingText = Annotated[SecretStr, AfterValidator(_is_json_object)]
Port = Annotated[int, Field(ge=1, le=65535)]
PortOrOff = Annotated[int, Field(ge=0, le=65535)]


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


class ApiSettings(AddressSettings, ResolvingSettings):
    """What the gateway listens on and allows."""

    host: str = "127.0.0.1"
    port: Port = 8080
    trusted_proxies: Networks = Field(
        default=(), description="a comma list of the proxies' networks, such as 10.0.0.1/32"
    )
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
            _has_certificates(value)
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


class SchedulerSettings(PaceSettings, DatabaseSettings, BrokerSettings, ProcessSettings):
    """`services/scheduler`."""


class WorkerSettings(ProbingSettings, PrivateKeySettings, BrokerSettings, ProcessSettings):
    """`services/imap_worker` and `services/pop3_worker`: no database address."""


class RecorderSettings(DatabaseSettings, BrokerSettings, ProcessSettings):
    """`services/result_recorder`."""


class NotifierSettings(TellingSettings, ChannelPrivateKeySettings, DatabaseSettings, ProcessSettings):
    """`services/notifier`: no broker."""


class StandaloneSettings(ApiSettings, PaceSettings, ProbingSettings, TellingSettings, ProcessSettings):
    """`services/standalone`: no broker, and a database of its own unless one is named."""

    data: Path = Path("data")
    database_url: DatabaseUrl | None = Field(
        default=None, validation_alias=AliasChoices("MAILPROBE_DATABASE_URL", "DATABASE_URL")
    )
