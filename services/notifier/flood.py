"""When a channel gets messages one by one, and when it gets a digest of them instead. Pure."""

from dataclasses import dataclass

from services.notifier.vocabulary import MINUTE_MS


@dataclass(frozen=True, slots=True)
class FloodRules:
    """More than `at_once` waiting, or more than `a_minute` told one by one, are a flood."""

    at_once: int = 2
    a_minute: int = 5


FOR_PEOPLE = FloodRules()
# Alarm services keep an alarm of their own for each outage, which a digest could not close again.
FOR_ALARM_SERVICES = FloodRules(at_once=50, a_minute=100)


@dataclass(frozen=True, slots=True)
class OneByOne:
    """Tell the oldest; the others wait until it has arrived."""


@dataclass(frozen=True, slots=True)
class Together:
    """Tell all that wait in one message."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Let more gather until then."""

    until_ms: int


def release(
    waiting: int, *, told_lately: int, last_digest_at: int | None, now_ms: int, rules: FloodRules = FOR_PEOPLE
) -> OneByOne | Together | Hold:
    """What to do with the messages that wait for one channel (at least one).

    Args:
        told_lately: how many it was told one by one within the last minute.
        last_digest_at: when it was last sent a digest; the next may follow a minute later.
    """
    if last_digest_at is not None and now_ms < last_digest_at + MINUTE_MS:
        return Hold(last_digest_at + MINUTE_MS)
    if waiting > rules.at_once or told_lately >= rules.a_minute:
        return Together()
    return OneByOne()
