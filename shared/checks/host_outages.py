"""A host that refuses accounts which worked until now: when it is taken for an outage of the host, and who waits. Pure.

One wrong password is its owner's affair; several accounts refused together are the host's, and trying each of them
again and again would get us banned there. So the first few go on trying by the ladder, as sentinels; whoever joins
them skips the ladder's short rungs, and is tried as soon as anybody who was refused is let in. Should the sentinels
never be (three passwords changed at once look alike), the others are tried at the slowest rung all the same.

When a login is allowed is for `logins` to say.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS

OUTAGE_ACCOUNTS = 3
OUTAGE_WINDOW_MS = 10 * _MINUTE_MS
SENTINELS = 3
MOST_SENTINELS = 12  # where the same host refuses others long after, and again

# Whoever is refused for the first time so long after the host was last seen refusing several has a trouble of their
# own: on a large host strangers must not wait for each other.
JOINING_MS = _HOUR_MS

# Those who wait for the slowest rung take turns within this time.
TURNS_MS = _HOUR_MS


class FirstRefusal(NamedTuple):
    """When an account that had worked was refused first, since it last was let in."""

    at_ms: int
    user: str


@dataclass(frozen=True, slots=True)
class HostOutage:
    """A time at which a host refused everybody.

    Args:
        began_at: the first refusal. seen_at: when it last refused several newly.
        sentinels: the users who go on trying. ended_at: when one of those refused was let in.
    """

    began_at: int
    seen_at: int
    sentinels: frozenset[str]
    ended_at: int | None = None

    def holds(self, user: str, *, refused_first_at: int) -> bool:
        """Whether this account waits for others to be let in."""
        return (
            self.ended_at is None
            and user not in self.sentinels
            and self.began_at <= refused_first_at <= self.seen_at + JOINING_MS
        )

    def lifts(self, *, refused_at: int) -> bool:
        """Whether an account refused last then has a try, now that another was let in."""
        return self.ended_at is not None and self.began_at <= refused_at < self.ended_at

    def turn_ms(self, user: str) -> int:
        """This account's place among those who wait: the same whoever asks."""
        digest = hashlib.blake2b(f"{self.began_at}/{user}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") % TURNS_MS


def outage_seen(refusals: Sequence[FirstRefusal], standing: HostOutage | None) -> HostOutage | None:
    """The outage these refusals speak of; None where they say nothing new.

    Args:
        refusals: of one host, lately; one an account, of those not let in since.
        standing: the outage known of this host, ended or not.
    """
    together = _together(sorted(refusals))
    if not together:
        return None
    seen_at = together[-1].at_ms
    if standing is None or (standing.ended_at is not None and together[0].at_ms >= standing.ended_at):
        return HostOutage(together[0].at_ms, seen_at, frozenset(each.user for each in together[:SENTINELS]))
    if standing.ended_at is not None or seen_at <= standing.seen_at:
        return None
    later = [each.user for each in together if each.at_ms > standing.seen_at + JOINING_MS]
    if len(later) >= OUTAGE_ACCOUNTS and len(standing.sentinels) < MOST_SENTINELS:
        # Long after the first ones: these may wait for nobody but each other.
        return replace(standing, seen_at=seen_at, sentinels=standing.sentinels | set(later[:SENTINELS]))
    return replace(standing, seen_at=seen_at)


def _together(ordered: Sequence[FirstRefusal]) -> Sequence[FirstRefusal]:
    """The newest run of refusals in which enough of them lie within the window, from its first on."""
    for last in range(len(ordered) - 1, OUTAGE_ACCOUNTS - 2, -1):
        within = [each for each in ordered[: last + 1] if each.at_ms > ordered[last].at_ms - OUTAGE_WINDOW_MS]
        if len(within) >= OUTAGE_ACCOUNTS:
            return within
    return ()
