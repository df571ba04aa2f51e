"""The one form that a file's wishes and a server's state are both brought into, to be compared field by field. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from cli.configuration.places import Place
from cli.configuration.secret_sources import SecretSource


class Kind(StrEnum):
    """What can be described, in the order it has to be made."""

    CUSTOMER = "customer"
    TAG = "tag"
    CHANNEL = "channel"
    MONITOR = "monitor"
    WINDOW = "window"


# Names of each kind's fields in its normal form, with what they are where nothing is said.
DEFAULTS: Mapping[Kind, Mapping[str, Any]] = {
    Kind.CUSTOMER: {
        "email": None,
        "packageType": None,
        "customFields": {},
        "allowedCheckCountryCodes": None,
        "alertLocationThresholdCount": None,
    },
    Kind.TAG: {"color": "gray"},
    Kind.CHANNEL: {
        "customer": None,
        "type": None,
        "config": {},
        "priority": 1,
        "delaySeconds": 0,
        "minIncidentDuration": None,
        "isActive": True,
        "fallback": None,
    },
    Kind.MONITOR: {
        "customer": None,
        "hostname": None,
        "port": None,
        "protocol": "imap",
        "security": "tls",
        "user": None,
        "mailbox": "INBOX",
        "auth": "auto",
        "authorizationId": None,
        "verifyCertificate": True,
        "servername": None,
        "ipFamily": "any",
        "certificateWarningDays": 21,
        "warningMs": None,
        "status": "active",
        "checkInterval": 30,
        "timeoutSeconds": 30,
        "allowedCheckCountryCodes": None,
        "notificationEmail": None,
        "notificationPhoneNumber": None,
        "tags": [],
        "extra": {},
    },
    Kind.WINDOW: {
        "description": None,
        "startTime": None,
        "endTime": None,
        "timeZone": "UTC",
        "recurrence": None,
        "isActive": True,
        "monitors": [],
        "tags": [],
        "customer": None,
    },
}

# Fields of a monitor that are keys of its imapPopConfig, apart from those under tlsOptions and the password.
CONFIG_FIELDS = (
    "protocol",
    "security",
    "user",
    "mailbox",
    "auth",
    "authorizationId",
    "ipFamily",
    "certificateWarningDays",
    "warningMs",
)
# A password goes where it went before: where one of these changes, it has to be sent again.
BINDING_FIELDS = frozenset({"hostname", "port", "protocol", "security", "user", "verifyCertificate", "servername"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing as the files want it. Other things in its fields are labels, which the plan turns into names."""

    kind: Kind
    name: str
    fields: Mapping[str, Any]
    place: Place
    key: str | None = None
    secrets: Mapping[str, SecretSource | Mapping[str, SecretSource]] = field(default_factory=dict)
    folder: Path = Path()
    implied: bool = False  # a tag that is used and not described: made where it is missing, and left as it is

    @property
    def customer(self) -> str | None:
        """Whose it is."""
        return self.fields.get("customer")


@dataclass(frozen=True, slots=True)
class Found:
    """One thing as the server has it."""

    kind: Kind
    name: str
    fields: Mapping[str, Any]
    public_id: str
    number: int
    key: str | None = None
    manager: str | None = None
    secret_names: frozenset[str] = frozenset()

    @property
    def customer(self) -> str | None:
        """Whose it is."""
        return self.fields.get("customer")
