"""A stored monitor as answers show it: the password masked, except where this very request carried it."""

from typing import Any

from services.api_gateway.customers.models import Customer
from services.api_gateway.field_types import moment_if_known
from services.api_gateway.monitors.config_model import MASK
from services.api_gateway.monitors.description import Description, StoredMonitor
from services.api_gateway.monitors.models import (
    CustomerOfMonitor,
    MonitorAnswer,
    MonitorDetails,
    MonitorItem,
    MonitorWarning,
)
from services.api_gateway.overview.models import Overview
from services.api_gateway.tags.models import TagBrief
from shared.checks.vocabulary import Health, Security, WarningCode
from shared.probing.address_policy import AddressPolicy


def monitor_answer(stored: StoredMonitor, policy: AddressPolicy, *, echo: str | None) -> MonitorAnswer:
    """The answer to a request that made or changed it; `echo` is the password that request carried."""
    return MonitorAnswer(**_with_both_configs(stored, policy, echo=echo))


def monitor_details(stored: StoredMonitor, customer: Customer, policy: AddressPolicy) -> MonitorDetails:
    """The monitor with its customer."""
    shown = CustomerOfMonitor(**customer.model_dump(include=set(CustomerOfMonitor.model_fields)))
    return MonitorDetails(**_with_both_configs(stored, policy, echo=None), customer=shown)


def monitor_item(stored: StoredMonitor, overview: Overview | None = None) -> MonitorItem:
    """The monitor as a line of a list."""
    return MonitorItem(**_basics(stored, echo=None), customer_name=stored.customer_name, overview=overview)


def warnings_about(description: Description, policy: AddressPolicy) -> list[MonitorWarning]:
    """What its owner should know, although it was accepted."""
    warnings = []
    target = description.target()
    if target.security is Security.NONE and target.sealed_password is not None:
        warnings.append(
            MonitorWarning(
                code=WarningCode.PLAINTEXT_PASSWORD,
                text="The password goes to the mail server unencrypted; use security tls or starttls if it offers it.",
            )
        )
    blocked = policy.judge_hostname(target.hostname)
    if blocked is not None:
        warnings.append(MonitorWarning(code="blocked_target", text=f"{blocked.sentence}. {blocked.hint}"))
    return warnings


def _with_both_configs(stored: StoredMonitor, policy: AddressPolicy, *, echo: str | None) -> dict[str, Any]:
    basics = _basics(stored, echo=echo)
    warnings = warnings_about(stored.description, policy)
    return {**basics, "imap_pop_config": basics["config"], "warnings": warnings}


def _basics(stored: StoredMonitor, *, echo: str | None) -> dict[str, Any]:
    description = stored.description
    countries = description.allowed_check_country_codes
    return {
        "id": stored.id,
        "public_id": stored.public_id,
        "organization_id": stored.organization_id,
        "customer_id": description.customer_id,
        "name": description.name,
        "hostname": description.hostname,
        "port": description.port,
        "check_interval": description.interval_minutes,
        "timeout_seconds": description.timeout_seconds,
        "status": description.status,
        "notification_phone_number": description.notification_phone_number,
        "notification_email": description.notification_email,
        "last_checked_at": moment_if_known(stored.last_checked_at_ms),
        "ever_passed": stored.ever_passed,
        "created_at": stored.created_at,
        "updated_at": stored.updated_at,
        "config": _shown_config(description, echo=echo),
        "allowed_check_country_codes": None if countries is None else list(countries),
        "health": stored.health,
        "health_since": moment_if_known(stored.health_since_ms),
        "health_message": None if stored.health is Health.UP else stored.health_message,
        "managed_by": stored.ownership.managed_by,
        "external_key": stored.ownership.external_key,
        "tags": [TagBrief(**tag) for tag in stored.tags],
    }


def _shown_config(description: Description, *, echo: str | None) -> dict[str, Any]:
    config = dict(description.config)
    if echo is not None:
        config["password"] = echo
    elif description.sealed_password is not None:
        config.update(password=MASK, passwordSet=True)
    return config
