"""Words of the notifier's own: what messages are about, and how soon and how often people are told."""

from dataclasses import dataclass
from enum import StrEnum

SECOND_MS = 1000
MINUTE_MS = 60_000
DAY_MS = 86_400_000

# What happens together is told together.
GATHER_MS = 2 * SECOND_MS
# Mailboxes that join an outage which was told already: after half an hour, or soon where it grew tenfold.
GROWN_AFTER_MS = 30 * MINUTE_MS
GROWN_TENFOLD_AFTER_MS = 5 * MINUTE_MS
GROWN_TIMES = 10
# For so long a message is tried.
GIVE_UP_MS = DAY_MS


class Event(StrEnum):
    """What a message is about."""

    OPENED = "opened"
    UPDATE = "update"
    REMINDER = "reminder"
    RESOLVED = "resolved"
    FLAPPING = "flapping"
    SETTLED = "settled"
    CERTIFICATE = "certificate"
    NEVER_PASSED = "never_passed"
    DIGEST = "digest"
    TEST = "test"


GOOD_NEWS = frozenset({Event.RESOLVED, Event.SETTLED})


@dataclass(frozen=True, slots=True)
class PackageRules:
    """What a customer's package says of telling; `reminder_interval_ms` 0: one reminder is enough."""

    notification_delay_ms: int = 0
    reminder_delay_ms: int = 10 * MINUTE_MS
    reminder_interval_ms: int = 60 * MINUTE_MS
    email_alerts: bool = True


def soonest(rules: list[PackageRules]) -> PackageRules:
    """Where an outage is of several customers, the one that wants to hear most often decides."""
    if not rules:
        return PackageRules()
    repeated = [each.reminder_interval_ms for each in rules if each.reminder_interval_ms]
    return PackageRules(
        notification_delay_ms=min(each.notification_delay_ms for each in rules),
        reminder_delay_ms=min(each.reminder_delay_ms for each in rules),
        reminder_interval_ms=min(repeated, default=0),
        email_alerts=any(each.email_alerts for each in rules),
    )
