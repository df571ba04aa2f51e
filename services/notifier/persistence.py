"""How long to go on trying: waits between tries of a message, and rests of a channel that takes nothing. Pure."""

import random
from dataclasses import dataclass

from services.notifier.vocabulary import MINUTE_MS, SECOND_MS

FIRST_WAIT_MS = 5 * SECOND_MS
LONGEST_WAIT_MS = 15 * MINUTE_MS
# Failures in a row after which a channel rests, and is then asked with one message at a time.
FAILURES_TO_REST = 5
FIRST_REST_MS = MINUTE_MS
LONGEST_REST_MS = 15 * MINUTE_MS
LONGEST_RETRY_AFTER_MS = 60 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Sent:
    """The receiver took it; `remark`: what there is to say all the same."""

    remark: str | None = None


@dataclass(frozen=True, slots=True)
class NotSent:
    """The receiver did not take it; `reason` is fit for people and holds no secret.

    `for_good`: this very message will never be taken. `retry_after_ms`: the receiver said when to come again.
    """

    reason: str
    for_good: bool = False
    retry_after_ms: int | None = None


SendOutcome = Sent | NotSent


def next_try_at(
    outcome: NotSent, *, attempts: int, now_ms: int, give_up_at: int, chance: float | None = None
) -> int | None:
    """When to try again after `attempts` tries; None: not any more.

    Args:
        chance: 0 … 1, where in the second half of the wait it falls; drawn where not given.
    """
    if outcome.for_good or now_ms >= give_up_at:
        return None
    full = min(LONGEST_WAIT_MS, FIRST_WAIT_MS << min(attempts - 1, 20))
    drawn = random.random() if chance is None else chance  # noqa: S311 - spreading retries, not guarding a secret
    wait = int(full * (0.5 + drawn / 2))
    if outcome.retry_after_ms is not None:
        wait = max(wait, min(outcome.retry_after_ms, LONGEST_RETRY_AFTER_MS))
    # The last try is at the very end rather than past it.
    return min(now_ms + wait, give_up_at)


def rest_until(failures: int, *, now_ms: int) -> int | None:
    """Until when a channel rests after so many failures in a row; None: it does not."""
    if failures < FAILURES_TO_REST:
        return None
    return now_ms + min(LONGEST_REST_MS, FIRST_REST_MS << min(failures - FAILURES_TO_REST, 20))
