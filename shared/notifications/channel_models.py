"""What each type of channel is described by, as people write it in `config`.

A field marked as secret is sealed before it is stored and never shown again. Models check the form alone; whether an
address may be connected to is judged when it is.
"""

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from ipaddress import ip_address
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

MOST_RECIPIENTS = 20
_LONGEST_URL = 2000
_MAILBOX = re.compile(r"[^\s@<>\"(),:;\\\[\]\x00-\x1f\x7f]{1,64}@[^\s@<>\"(),:;\\\[\]\x00-\x1f\x7f]{1,253}")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE = re.compile(r"[\x20-\x7e\x80-\xff]{0,1000}")
_RESERVED_HEADERS = re.compile(
    r"(?i)(x-webhook-.*|webhook-.*|content-(length|type|encoding)|host|connection|transfer-encoding|te|upgrade|expect)"
)


class ChannelType(StrEnum):
    """The ways to tell."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    ALERTMANAGER = "alertmanager"
    SLACK = "slack"
    DISCORD = "discord"
    TEAMS = "teams"
    PAGERDUTY = "pagerduty"
    OPSGENIE = "opsgenie"
    TELEGRAM = "telegram"
    NTFY = "ntfy"
    PUSHOVER = "pushover"
    GOTIFY = "gotify"
    MATRIX = "matrix"


def mailbox(value: str) -> str:
    """An address without a name, that fits a header and an SMTP command as it stands; raises ValueError."""
    if not _MAILBOX.fullmatch(value):
        raise ValueError("it has to be an e-mail address such as ops@example.com")
    return value


def _http_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        port_is_sound = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError("it is no URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_sound:
        raise ValueError("it has to be a URL that begins with https:// (or http://)")
    if not _is_sound_host(parts.hostname) or unicodedata.normalize("NFKC", parts.netloc) != parts.netloc:
        raise ValueError("its host has to be a name such as hooks.example.com, or a full IP address")
    if parts.username is not None or parts.password is not None:
        raise ValueError("it must not hold a user or password; they have fields of their own")
    if parts.fragment or re.search(r"[\s\x00-\x1f\x7f\\]", value):
        raise ValueError("it must not hold spaces, control characters, backslashes or a fragment")
    return value


def _is_sound_host(host: str) -> bool:
    """Whether nobody reads this host as another one: `127.1`, `0x7f.1`, look-alikes of letters, digits and dots."""
    try:
        ip_address(host)
    except ValueError:
        last = host.removesuffix(".").rpartition(".")[2]
        sound = all(character.isalnum() or character in "-._" for character in host)
        return sound and not _NUMBER.fullmatch(last)
    return "%" not in host


def _url_like(pattern: str, example: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f"it has to be a URL such as {example}")
        return value

    return AfterValidator(check)


def _header_fields(value: Mapping[str, str]) -> Mapping[str, str]:
    for name, content in value.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(content):
            raise ValueError(f"{name[:40]!r} is no header with a printable value")
        if _RESERVED_HEADERS.fullmatch(name):
            raise ValueError(f"the header {name} is set by mailprobe itself")
    return value


def _listed(value: object) -> object:
    """One address, or several with commas between them, are a list as well."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _as_text(value: object) -> object:
    """Chat ids are often written as numbers."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


HttpUrl = Annotated[str, Field(max_length=_LONGEST_URL), AfterValidator(_http_url)]
Recipient = Annotated[str, Field(max_length=254), AfterValidator(mailbox)]
Token = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[!-~]+$")]  # printable, no spaces
Secret = Annotated[str, Field(min_length=1, max_length=500)]
Headers = Annotated[dict[str, str], Field(max_length=20), AfterValidator(_header_fields)]


class ChannelConfig(BaseModel):
    """What all have: which of their fields are secret, which of those must be there, and where it all goes."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    SECRETS: ClassVar[frozenset[str]] = frozenset()
    REQUIRED_SECRETS: ClassVar[frozenset[str]] = frozenset()
    # Fields that say who gets to see the secrets: changed, these have to be sent again.
    PLACES: ClassVar[tuple[str, ...]] = ()
    # Taken from documented clients, and without a meaning here.
    MEANINGLESS: ClassVar[frozenset[str]] = frozenset()


class EmailConfig(ChannelConfig):
    """`email` and `to` (the name of whose it is) are the documented fields; `recipients` are more of them."""

    email: Recipient | None = None
    to: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] | None = None
    recipients: Annotated[list[Recipient], BeforeValidator(_listed), Field(max_length=MOST_RECIPIENTS - 1)] = []

    @model_validator(mode="after")
    def _goes_to_somebody(self) -> Self:
        if not self.mailboxes:
            raise ValueError("it needs an email, or recipients")
        return self

    @property
    def mailboxes(self) -> tuple[str, ...]:
        """All of them, each once."""
        return tuple(dict.fromkeys([*([self.email] if self.email else []), *self.recipients]))


class WebhookConfig(ChannelConfig):
    """`secret` signs; while it is rotated, `previousSecret` signs beside it.

    `timeout`, `retryAttempts` and `retryDelay` are taken from documented clients and change nothing: every message is
    tried for a day. The body is ours.
    """

    SECRETS = frozenset({"secret", "previousSecret", "headers"})
    PLACES = ("url",)
    MEANINGLESS = frozenset({"bodyTemplate", "timeout", "retryAttempts", "retryDelay"})

    url: HttpUrl
    secret: Secret | None = None
    previousSecret: Secret | None = None  # noqa: N815 - the names people write
    headers: Headers | None = None
    method: Literal["POST", "PUT", "PATCH"] = "POST"
    expectedStatusCodes: (  # noqa: N815
        Annotated[list[Annotated[int, Field(ge=200, le=599)]], Field(min_length=1, max_length=20)] | None
    ) = None
    bodyTemplate: None = None  # noqa: N815
    timeout: Annotated[int, Field(ge=0, le=600_000)] | None = None
    retryAttempts: Annotated[int, Field(ge=0, le=1000)] | None = None  # noqa: N815
    retryDelay: Annotated[int, Field(ge=0, le=86_400_000)] | None = None  # noqa: N815


class AlertmanagerConfig(ChannelConfig):
    """Prometheus' Alertmanager: its address, without `/api/v2/alerts`."""

    SECRETS = frozenset({"password", "bearerToken"})
    PLACES = ("url",)

    url: HttpUrl
    username: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    password: Secret | None = None
    bearerToken: Token | None = None  # noqa: N815
    labels: Annotated[
        dict[Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]{0,99}$")], Annotated[str, Field(max_length=500)]],
        Field(max_length=20),
    ] = {}


class SlackConfig(ChannelConfig):
    """The secret is the address of an incoming webhook."""

    SECRETS = REQUIRED_SECRETS = frozenset({"secret"})

    secret: (
        Annotated[
            str,
            _url_like(
                r"https://hooks\.slack\.com/services/[A-Z0-9]{1,30}/[A-Z0-9]{1,30}/[A-Za-z0-9]{1,60}",
                "https://hooks.slack.com/services/T…/B…/…",
            ),
        ]
        | None
    ) = None


class DiscordConfig(ChannelConfig):
    """The secret is the address of a webhook."""

    SECRETS = REQUIRED_SECRETS = frozenset({"secret"})

    secret: (
        Annotated[
            str,
            _url_like(
                r"https://discord(app)?\.com/api/webhooks/[0-9]{5,30}/[A-Za-z0-9_-]{1,200}",
                "https://discord.com/api/webhooks/…/…",
            ),
        ]
        | None
    ) = None


class TeamsConfig(ChannelConfig):
    """The secret is the address of a Power Automate workflow that takes webhooks; Office 365 connectors are no more."""

    SECRETS = REQUIRED_SECRETS = frozenset({"secret"})

    secret: (
        Annotated[
            str,
            Field(max_length=_LONGEST_URL),
            _url_like(
                r"https://[a-z0-9.-]+\.(logic\.azure\.com|powerplatform\.com|logic\.azure\.us)(:443)?"
                r"/[!-~]*workflows/[A-Za-z0-9]{1,100}/triggers/[!-~]*[?&]sig=[!-~]+",
                "https://….logic.azure.com/workflows/…/triggers/manual/paths/invoke?…&sig=…",
            ),
        ]
        | None
    ) = None


class PagerdutyConfig(ChannelConfig):
    """Events API v2: the routing (integration) key of a service."""

    SECRETS = REQUIRED_SECRETS = frozenset({"routingKey"})

    routingKey: Token | None = None  # noqa: N815
    region: Literal["us", "eu"] = "us"


class OpsgenieConfig(ChannelConfig):
    SECRETS = REQUIRED_SECRETS = frozenset({"apiKey"})

    apiKey: Token | None = None  # noqa: N815
    region: Literal["us", "eu"] = "us"


class TelegramConfig(ChannelConfig):
    SECRETS = REQUIRED_SECRETS = frozenset({"botToken"})

    botToken: Annotated[str, Field(pattern=r"^[0-9]{5,20}:[A-Za-z0-9_-]{20,80}$")] | None = None  # noqa: N815
    chatId: Annotated[str, BeforeValidator(_as_text), Field(pattern=r"^(-?[0-9]{1,20}|@[A-Za-z0-9_]{3,60})$")]  # noqa: N815


class NtfyConfig(ChannelConfig):
    SECRETS = frozenset({"token", "password"})
    PLACES = ("url",)

    url: HttpUrl = "https://ntfy.sh"
    topic: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    token: Token | None = None
    username: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    password: Secret | None = None


class PushoverConfig(ChannelConfig):
    SECRETS = REQUIRED_SECRETS = frozenset({"apiToken", "userKey"})

    apiToken: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{30}$")] | None = None  # noqa: N815
    userKey: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{30}$")] | None = None  # noqa: N815


class GotifyConfig(ChannelConfig):
    SECRETS = REQUIRED_SECRETS = frozenset({"appToken"})
    PLACES = ("url",)

    url: HttpUrl
    appToken: Token | None = None  # noqa: N815


class MatrixConfig(ChannelConfig):
    """An access token of an account that is in the room already."""

    SECRETS = REQUIRED_SECRETS = frozenset({"accessToken"})
    PLACES = ("url",)

    url: HttpUrl
    roomId: Annotated[str, Field(pattern=r"^[!#][A-Za-z0-9._=/+-]{1,200}(:[A-Za-z0-9.:-]{1,200})?$")]  # noqa: N815
    accessToken: Token | None = None  # noqa: N815


CONFIGS: Mapping[ChannelType, type[ChannelConfig]] = {
    ChannelType.EMAIL: EmailConfig,
    ChannelType.WEBHOOK: WebhookConfig,
    ChannelType.ALERTMANAGER: AlertmanagerConfig,
    ChannelType.SLACK: SlackConfig,
    ChannelType.DISCORD: DiscordConfig,
    ChannelType.TEAMS: TeamsConfig,
    ChannelType.PAGERDUTY: PagerdutyConfig,
    ChannelType.OPSGENIE: OpsgenieConfig,
    ChannelType.TELEGRAM: TelegramConfig,
    ChannelType.NTFY: NtfyConfig,
    ChannelType.PUSHOVER: PushoverConfig,
    ChannelType.GOTIFY: GotifyConfig,
    ChannelType.MATRIX: MatrixConfig,
}


def places(channel_type: ChannelType, config: Mapping[str, Any]) -> dict[str, str]:
    """Where the secrets of this channel are sent: the origin of each URL among its fields that says so."""
    model = CONFIGS[channel_type]
    found = {}
    for name in model.PLACES:
        value = config.get(name) or model.model_fields[name].default
        parts = urlsplit(str(value))
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
        found[name] = f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"
    return found
