"""A stored channel as answers show it: secrets as null, and what its owner should know of it."""

from collections.abc import Iterable, Sequence
from typing import Any

from services.api_gateway.channels.channel_store import Channel, StoredChannel, WatchedHost
from services.api_gateway.channels.models import Channel as ChannelAnswer
from services.api_gateway.channels.models import ChannelHealth, ChannelSaved, ChannelWarning, Conditions, category_of
from services.api_gateway.channels.rules import shown_config
from services.api_gateway.field_types import moment_if_known
from shared.notifications.channel_types import mail_hosts, places, watched_mail_host
from shared.probing.address_policy import AddressPolicy

# They sign a webhook's messages.
_NEVER_SENT = frozenset({"secret", "previousSecret"})


def mail_domains(channels: Iterable[Channel]) -> set[str]:
    """Where mail to these channels goes."""
    return {domain for channel in channels for domain in mail_hosts(channel.type, channel.config)}


def channel_answer(stored: StoredChannel, watched: Sequence[WatchedHost], policy: AddressPolicy) -> ChannelAnswer:
    """The channel."""
    return ChannelAnswer(**_fields(stored, watched, policy))


def channel_saved(
    stored: StoredChannel, watched: Sequence[WatchedHost], policy: AddressPolicy, *, nobody: bool
) -> ChannelSaved:
    """The channel, in the answer to a request that made or changed it."""
    return ChannelSaved(**_fields(stored, watched, policy), nobody_would_be_told=nobody)


def warnings_about(channel: Channel, watched: Sequence[WatchedHost], policy: AddressPolicy) -> list[ChannelWarning]:
    """What its owner should know, although it was accepted.

    Args:
        watched: hosts that are watched and lie in the domains of `mail_domains`.
    """
    warnings = []
    concerned = [each.host for each in watched if channel.customer_id in (None, each.customer_id)]
    host = watched_mail_host(mail_hosts(channel.type, channel.config), concerned)
    if host is not None:
        text = (
            f"Mail there most likely goes through {host}, which is watched itself: while it is down, nobody hears it. "
            "Add a channel that does not depend on it."
        )
        warnings.append(ChannelWarning(code="watched_mail_host", text=text))
    for origin in places(channel.type, channel.config).values():
        scheme, _, rest = origin.partition("://")
        blocked = policy.judge_hostname(rest.rpartition(":")[0].strip("[]"))
        if blocked is not None:
            warnings.append(ChannelWarning(code="blocked_target", text=blocked.said_of_messages))
        if scheme == "http" and channel.secret_names - _NEVER_SENT:
            warnings.append(
                ChannelWarning(code="plaintext_secret", text="Its secrets are sent unencrypted; use https if you can.")
            )
    return warnings


def _fields(stored: StoredChannel, watched: Sequence[WatchedHost], policy: AddressPolicy) -> dict[str, Any]:
    described = stored.described
    conditions = {key: value for key, value in described.conditions.items() if value is not None}
    return {
        "id": stored.id,
        "public_id": stored.public_id,
        "organization_id": stored.organization_id,
        "customer_id": described.customer_id,
        "type": described.type,
        "category": category_of(described.type),
        "name": described.name,
        "config": shown_config(described.type, described.config, described.secret_names),
        "has_secret": bool(described.secret_names),
        "priority": described.priority,
        "delay_seconds": described.delay_seconds,
        "conditions": Conditions.model_validate(conditions) if conditions else None,
        "is_active": described.is_active,
        "fallback_channel_id": described.fallback_channel_id,
        "health": ChannelHealth(
            last_sent_at=moment_if_known(stored.last_sent_at),
            failures=stored.failures,
            last_error=stored.last_error,
            resting_until=moment_if_known(stored.resting_until),
        ),
        "managed_by": stored.ownership.managed_by,
        "external_key": stored.ownership.external_key,
        "warnings": warnings_about(described, watched, policy),
        "created_at": stored.created_at,
        "updated_at": stored.updated_at,
    }
