"""What a monitor's fields may be together, and what follows from changing them. Pure.

Works on bodies that may be wrong in part: a rule whose fields are already reported wrong is passed over, so that
everything else is reported with them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from services.api_gateway.monitors.config_model import MASK, ImapPopConfig
from services.api_gateway.monitors.description import Description
from services.api_gateway.monitors.models import MonitorCreate, MonitorFields, MonitorPatch, status_of
from services.api_gateway.problems import Fault
from shared.checks.target import PasswordBinding
from shared.checks.vocabulary import MailProtocol, MonitorStatus

DEFAULT_INTERVAL_MINUTES = 30
DEFAULT_TIMEOUT_SECONDS = 30

CONFIG = "imapPopConfig"

# What a person changed, in the words of the API, by the field of the binding that moved with it.
_BINDING_WORDS = {
    "hostname": "hostname",
    "port": "port",
    "protocol": "protocol",
    "security": "security or tls",
    "verify_certificate": "tlsOptions.rejectUnauthorized",
    "servername": "tlsOptions.servername",
    "user": "user",
}


@dataclass(frozen=True, slots=True)
class Floors:
    """The shortest intervals allowed, in minutes."""

    any_protocol: float
    pop3: float

    def of(self, protocol: MailProtocol) -> float:
        return max(self.any_protocol, self.pop3) if protocol is MailProtocol.POP3 else self.any_protocol


def alias_faults(body: Mapping[str, Any]) -> list[Fault]:
    """`config` and `imapPopConfig` are two names of one thing."""
    if "config" in body and CONFIG in body and body["config"] != body[CONFIG]:
        return [Fault(pointer="/config", detail="config and imapPopConfig are both sent and differ")]
    return []


def time_faults(
    body: Mapping[str, Any], faulty: Iterable[Fault], floors: Floors, *, stored: Description | None
) -> list[Fault]:
    """The interval's floor, and a time-out no longer than the interval; only where this request touches them."""
    wrong = {fault.pointer for fault in faulty}
    config_sent = CONFIG in body
    touched = stored is None or config_sent or "checkInterval" in body or "timeoutSeconds" in body
    if not touched or "/checkInterval" in wrong:
        return []
    interval = body.get("checkInterval", stored.interval_minutes if stored else DEFAULT_INTERVAL_MINUTES)
    faults = []
    protocol = _protocol(body, wrong, stored)
    moves_floor = stored is None or "checkInterval" in body or protocol is not stored.protocol
    if protocol is not None and moves_floor and interval < (floor := floors.of(protocol)):
        because = ", since a POP3 login locks the mailbox" if floor > floors.any_protocol else ""
        faults.append(
            Fault(pointer="/checkInterval", detail=f"checkInterval must be at least {floor:g} minutes{because}")
        )
    if "/timeoutSeconds" not in wrong:
        timeout = body.get("timeoutSeconds", stored.timeout_seconds if stored else DEFAULT_TIMEOUT_SECONDS)
        if timeout > interval * 60:
            faults.append(
                Fault(
                    pointer="/timeoutSeconds",
                    detail=f"timeoutSeconds must not be longer than the interval ({interval * 60:g} seconds)",
                )
            )
    return faults


def _protocol(body: Mapping[str, Any], wrong: set[str], stored: Description | None) -> MailProtocol | None:
    if CONFIG not in body:
        return stored.protocol if stored else MailProtocol.IMAP
    config = body[CONFIG]
    if not isinstance(config, Mapping) or f"/{CONFIG}" in wrong or f"/{CONFIG}/protocol" in wrong:
        return None
    return MailProtocol(config.get("protocol") or MailProtocol.IMAP)


def mask_faults(body: Mapping[str, Any], *, stored: Description | None) -> list[Fault]:
    """The mask stands for a stored password; where there is none it would be taken for one."""
    config = body.get(CONFIG)
    if not isinstance(config, Mapping) or config.get("password") != MASK:
        return []
    if stored is None or stored.sealed_password is None:
        why = "imapPopConfig.password is the mask of a stored password, and none is stored"
        return [Fault(pointer=f"/{CONFIG}/password", detail=why)]
    return []


def sent_password(config: ImapPopConfig | None) -> str | None:
    """The password this request carries; the mask is none."""
    if config is None or config.password is None:
        return None
    secret = config.password.get_secret_value()
    return None if secret == MASK else secret


def removes_password(config: ImapPopConfig | None) -> bool:
    """Whether the request says null for the password."""
    return config is not None and "password" in config.model_fields_set and config.password is None


def described(sent: MonitorCreate, *, customer_id: int) -> Description:
    """A new monitor, its password not yet sealed."""
    return Description(
        customer_id=customer_id,
        name=sent.name,
        hostname=sent.hostname,
        port=sent.port,
        status=status_of(sent.status),
        interval_ms=_interval_ms(sent),
        timeout_seconds=sent.timeout_seconds,
        allowed_check_country_codes=_countries(sent),
        notification_email=sent.notification_email,
        notification_phone_number=sent.notification_phone_number,
        config=sent.imap_pop_config.stored(),
        sealed_password=None,
        credential_id=None,
    )


def changed(stored: Description, sent: MonitorPatch, *, customer_id: int) -> Description:
    """The stored monitor with what was sent; the password stays as it is, unless it was removed."""
    fields = sent.model_fields_set
    values: dict[str, Any] = {"customer_id": customer_id}
    plain = ("name", "hostname", "port", "timeout_seconds", "notification_email", "notification_phone_number")
    values.update({name: getattr(sent, name) for name in plain if name in fields})
    if "status" in fields:
        values["status"] = status_of(sent.status)
    if "check_interval" in fields:
        values["interval_ms"] = _interval_ms(sent)
    if "allowed_check_country_codes" in fields:
        values["allowed_check_country_codes"] = _countries(sent)
    if "imap_pop_config" in fields:
        values["config"] = sent.imap_pop_config.stored()
        if removes_password(sent.imap_pop_config):
            values.update(sealed_password=None, credential_id=None)
    return replace(stored, **values)


def moved_password_faults(before: PasswordBinding, after: PasswordBinding) -> list[Fault]:
    """A kept password must go where it went before, or a changed host would be handed it."""
    moved = [
        _BINDING_WORDS.get(field, field)
        for field, old, new in zip(PasswordBinding._fields, before, after, strict=True)
        if old != new
    ]
    if not moved:
        return []
    detail = f"imapPopConfig.password must be sent again (or removed by null), because {', '.join(moved)} changed"
    return [Fault(pointer=f"/{CONFIG}/password", detail=detail)]


def changes_check(before: Description, after: Description) -> bool:
    """Whether checks made from now on differ from those before; a name or an address to notify changes none."""
    return _what_is_checked(before) != _what_is_checked(after)


def wants_first_check(before: Description | None, after: Description) -> bool:
    """Whether the next slot is too long to wait: new, resumed, or talking to another mailbox."""
    if after.status is MonitorStatus.DISABLED:
        return False
    if before is None or before.status is MonitorStatus.DISABLED:
        return True
    return _mailbox(before) != _mailbox(after)


def _what_is_checked(description: Description) -> tuple[object, ...]:
    return (
        description.target(),
        description.interval_ms,
        description.status,
        description.allowed_check_country_codes,
    )


def _mailbox(description: Description) -> object:
    return replace(description, timeout_seconds=DEFAULT_TIMEOUT_SECONDS).target()


def _interval_ms(sent: MonitorFields) -> int:
    return round(sent.check_interval * 60_000)


def _countries(sent: MonitorFields) -> tuple[str, ...] | None:
    codes = sent.allowed_check_country_codes
    return None if codes is None else tuple(codes)
