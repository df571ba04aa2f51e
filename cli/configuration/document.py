"""What a configuration file may say: the models that read it, and that its JSON Schema is made of.

Fields have the names of the API. What may stand together, and what only a server knows, is told elsewhere.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from cli.configuration.hostnames import spelled
from cli.configuration.secret_sources import Secret
from shared.checks.maintenance import Frequency, known_zones
from shared.checks.vocabulary import AuthMethod, IpFamily, MailProtocol, MonitorStatus, Security
from shared.notifications.channel_types import ChannelType

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")

DEFAULT_MANAGER = "files"


class Part(BaseModel):
    """A mapping of a file: strict, camelCase, without unknown fields."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, alias_generator=to_camel, hide_input_in_errors=True
    )


def _wrong(said: str) -> PydanticCustomError:
    return PydanticCustomError("mailprobe", said)


def _hostname(value: str) -> str:
    try:
        return spelled(value)
    except ValueError as error:
        raise _wrong(str(error)) from None


def _one_line(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise _wrong("{field} has to be a line of printable text")
    return value


def _country(value: str) -> str:
    if len(value) != 2 or not value.isascii() or not value.isalpha():
        raise _wrong("{field} has to be a country's two letters, such as DE")
    return value.upper()


def _half_minutes(value: float) -> float:
    if not (value * 2).is_integer():
        raise _wrong("{field} has to be a multiple of 0.5 minutes")
    return value


def _zone(value: str) -> str:
    if value not in known_zones():
        raise _wrong("{field} has to be an IANA time zone, such as Europe/Berlin")
    return value


def _listed(value: Any) -> Any:
    """One alone is a list as well."""
    return [value] if isinstance(value, str) else value


def _as_text(value: Any) -> Any:
    """Numbers of things are written without quotes."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Line = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_one_line)]
Key = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
Reference = Annotated[str, BeforeValidator(_as_text), Field(min_length=1, max_length=255)]
References = Annotated[list[Reference], BeforeValidator(_listed), Field(max_length=1000)]
Credential = Annotated[str, Field(min_length=1, max_length=1024)]
Countries = Annotated[list[Annotated[str, AfterValidator(_country)]], Field(max_length=250)]
TagColor = Literal["slate", "red", "amber", "green", "teal", "blue", "indigo", "violet", "pink", "gray"]
TagName = Annotated[str, Field(min_length=1, max_length=50), AfterValidator(_one_line)]
Minutes = Annotated[float, Field(ge=0.5, le=1440, strict=False), AfterValidator(_half_minutes)]
Day = Literal["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

_CUSTOMER = "A customer's name, number or public UUID."


class Customer(Part):
    """A customer, known by its name. Customers are made and changed, never removed."""

    name: Line
    id: Annotated[UUID, Field(strict=False)] | None = Field(
        default=None, description="Its public UUID, where several have this name."
    )
    email: str | None = None
    package_type: str | None = None
    custom_fields: dict[str, Any] = {}
    allowed_check_country_codes: Countries | None = None
    alert_location_threshold_count: Annotated[int, Field(ge=1, le=100)] | None = None


class Tag(Part):
    """A tag, known by its name."""

    name: TagName
    color: TagColor = "gray"


class ChannelSettings(Part):
    """What channels can be told; under `defaults`, what those that say nothing of it are told."""

    customer: Reference | None = Field(default=None, description=f"{_CUSTOMER} Null: for everybody.")
    type: Annotated[ChannelType, Field(strict=False)] | None = None
    config: dict[str, Any] = Field(default={}, description="By type; each secret of it is {env: …} or {file: …}.")
    priority: Annotated[int, Field(ge=0, le=1000)] = 1
    delay_seconds: Annotated[int, Field(ge=0, le=86_400)] = 0
    min_incident_duration: Annotated[int, Field(ge=0, le=86_400)] | None = Field(default=None, description="Seconds.")
    is_active: bool = True
    fallback: Reference | None = Field(default=None, description="The key or name of the channel told instead.")


class Channel(ChannelSettings):
    """A way to tell people."""

    key: Key | None = Field(default=None, description="What it is known again by; else its name and customer.")
    name: Line


class MonitorSettings(Part):
    """What monitors can be told; under `defaults`, what those that say nothing of it are told."""

    customer: Reference | None = Field(default=None, description=f"{_CUSTOMER} Null: the only one there is.")
    hostname: Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_hostname)] | None = None
    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(default=None, description="Null: the protocol's own.")
    protocol: Annotated[MailProtocol, Field(strict=False)] = MailProtocol.IMAP
    security: Annotated[Security, Field(strict=False)] = Security.TLS
    user: Credential | None = Field(default=None, description="Null: checks end after the capabilities.")
    password: Secret | None = None
    mailbox: Credential = "INBOX"
    auth: Annotated[AuthMethod, Field(strict=False)] = AuthMethod.AUTO
    authorization_id: Credential | None = None
    verify_certificate: bool = True
    servername: Annotated[str, AfterValidator(_hostname)] | None = None
    ip_family: Annotated[IpFamily, Field(strict=False), BeforeValidator(_as_text)] = IpFamily.ANY
    certificate_warning_days: Annotated[int, Field(ge=0, le=3650)] = 21
    warning_ms: Annotated[int, Field(ge=1, le=60_000)] | None = None
    status: Annotated[MonitorStatus, Field(strict=False)] = MonitorStatus.ACTIVE
    check_interval: Minutes = Field(default=30, description="Minutes, in steps of half a one.")
    timeout_seconds: Annotated[int, Field(ge=1, le=60)] = 30
    allowed_check_country_codes: Countries | None = None
    notification_email: str | None = None
    notification_phone_number: str | None = None
    tags: Annotated[list[TagName], BeforeValidator(_listed), Field(max_length=100)] = []
    extra: dict[str, Any] = Field(default={}, description="Other keys of imapPopConfig; kept, and without a meaning.")


class Monitor(MonitorSettings):
    """A mailbox, or a mail server without one, to be checked."""

    key: Key | None = Field(default=None, description="What it is known again by; else its name and customer.")
    name: Line | None = Field(default=None, description="Else its user, else its host name.")


class Recurrence(Part):
    """How a window recurs, by the clock of its time zone."""

    frequency: Annotated[Frequency, Field(strict=False)]
    interval: Annotated[int, Field(ge=1, le=366)] = 1
    days_of_week: Annotated[list[Day], BeforeValidator(_listed)] | None = None
    day_of_month: Annotated[int, Field(ge=1, le=31)] | None = None
    end_recurrence_date: str | None = Field(default=None, description="Such as 2026-12-31.")


class WindowSettings(Part):
    """What windows can be told; under `defaults`, what those that say nothing of it are told."""

    description: Annotated[str, Field(max_length=2000)] | None = None
    time_zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    duration: str | None = Field(default=None, description="Instead of endTime: 90m, 2h, 1d.")
    recurrence: Recurrence | None = None
    is_active: bool = True
    monitors: References = Field(default=[], description="Keys, names or public UUIDs of monitors, all of a customer.")
    tags: Annotated[list[TagName], BeforeValidator(_listed), Field(max_length=100)] = []
    customer: Reference | None = Field(default=None, description=f"{_CUSTOMER} All of its monitors; or with tags.")


class Window(WindowSettings):
    """A time when failures are expected, and nobody is told."""

    key: Key | None = Field(default=None, description="What it is known again by; else its name.")
    name: Line
    start_time: str = Field(description="Such as 2026-12-31T22:00, by the clock of timeZone, or with an offset.")
    end_time: str | None = None


class Defaults(Part):
    """What entries that say nothing of it are told."""

    monitors: MonitorSettings = MonitorSettings()
    channels: ChannelSettings = ChannelSettings()
    maintenance: WindowSettings = WindowSettings()


class Document(Part):
    """A configuration file of mailprobe. Keys that begin with `x-` are a place for anchors, and mean nothing."""

    version: Literal[1] = 1
    manager: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_one_line)] | None = Field(
        default=None, description=f"Whose these are: `apply --prune` removes no other's. Default: {DEFAULT_MANAGER}."
    )
    defaults: Defaults = Defaults()
    customers: list[Customer] = []
    tags: list[Tag] = []
    channels: list[Channel] = []
    monitors: list[Monitor] = []
    maintenance: list[Window] = []


SECTIONS = ("customers", "tags", "channels", "monitors", "maintenance")


def day_number(day: str) -> int:
    """As the API counts: Sunday is 0."""
    return _DAYS.index(day)


def day_name(number: int) -> str:
    """As files write it."""
    return _DAYS[number % 7]
