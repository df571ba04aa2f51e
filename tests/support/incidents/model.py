"""A second opinion on incidents, for tests: written apart from the engine, slow, and as plain as the rules are.

It keeps what every location said, word for word, and reads all of it again at every step. Thresholds stay as they
are; who is at work, maintenance and revisions may change.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from services.result_recorder.incidents.rules import Rules
from services.result_recorder.incidents.transitions import GotPast, Observation, Seen, Stopped, TimePassed

HOUR = 3_600_000
SOFT = {"mailbox_locked", "rate_limited", "auth_temporary"}
REFUSALS = {"auth_rejected", "auth_expired"}
CERTIFICATES = {"tls_expired", "tls_not_yet_valid", "tls_hostname", "tls_untrusted"}
EARLY = {"dns", "connect", "tls", "greeting", "capability"}

Event = tuple[Any, ...]


@dataclass
class Said:
    """Something in the history of a location: fail, pass, past, sure, lift, edit, over."""

    what: str
    slot: int
    kind: str = ""
    phase: str = ""
    open: bool = False
    nobody_down: bool = False
    standing: tuple[str, str] | None = None  # the refusal that stands for the whole monitor


@dataclass
class View:
    """What the history of a location comes to."""

    last: int = -1
    weight: int = 0
    down_at: int | None = None
    sure: bool = False
    first: int | None = None
    cause: tuple[str, str] | None = None
    passes: list[int] = field(default_factory=list)
    recovered: bool = False

    def clear(self) -> None:
        self.weight, self.down_at, self.sure, self.first, self.cause = 0, None, False, None, None


def read(history: Iterable[Said], enough: int) -> View:
    """Everything a location said, from the beginning."""
    view = View()
    for said in history:
        if said.what in ("fail", "pass", "past"):
            before, view.last = view.last, said.slot
        if said.what == "fail":
            view.first = said.slot if view.cause is None else view.first
            view.cause = (said.kind, said.phase)
            view.weight = min(enough, view.weight + (1 if said.kind in SOFT else 3))
            view.passes = []
            if view.weight == enough and view.down_at is None:
                view.down_at = said.slot
        elif said.what == "pass":
            if view.down_at is not None:
                view.passes.append(said.slot)
                view.weight = 0
                if len(view.passes) == 2:
                    view.recovered = said.open
                    view.clear()
            elif view.recovered:
                view.passes = view.passes or [said.slot]
                view.clear()
            elif view.cause is None and view.passes and said.open and said.nobody_down:
                view.recovered, view.passes = True, [before]
            else:
                view.passes = [said.slot]
                view.clear()
        elif said.what == "past" and view.cause and view.cause[1] in EARLY:
            if view.down_at is None:
                view = View(last=said.slot)
            elif said.standing:
                view.cause = said.standing
        elif said.what == "sure":
            view.sure = True
            view.down_at = max(said.slot, view.first or 0) if view.down_at is None else view.down_at
        elif said.what == "lift":
            view = View(last=view.last)
        elif said.what == "edit":
            if said.open and view.down_at is not None:
                view.weight, view.passes = 0, []
            else:
                view = View(last=view.last)
        elif said.what == "over":
            view.sure = view.recovered = False
    return view


class Model:
    """The rules of incidents, once more."""

    def __init__(self) -> None:
        self.forget_all()

    def forget_all(self) -> None:
        self.known = False
        self.revision = 0
        self.said: dict[int, list[Said]] = {}
        self.refusals = 0
        self.standing: tuple[str, str] | None = None
        self.certificates: list[str] = []
        self.open: tuple[str, str] | None = None
        self.told_by = -1
        self.quiet = False
        self.opened: list[int] = []
        self.flapping = False
        self.changed = 0

    def feed(self, observed: Observation, rules: Rules, now: int) -> list[Event]:
        """What has to happen because of this."""
        enough = 3 * rules.thresholds.confirm_after
        events: list[Event] = []
        if isinstance(observed, Stopped):
            if self.open:
                events.append(("resolved", str(observed.resolution), None, self.quiet))
            if self.flapping:
                events.append(("settled", False))
            self.forget_all()
            return events
        if not self._concerns(observed, enough):
            return []
        if not self.known:
            self.known, self.revision = True, observed.revision  # type: ignore[union-attr]
        self._grow_old(observed, rules, now, enough)
        if self.flapping and now >= self.changed + HOUR // 2:
            events.append(("settled", self.open is not None))
            self.flapping, self.opened, self.quiet = False, [], False
        self._take(observed, enough)
        views = {location: read(said, enough) for location, said in self.said.items()}
        if self.open:
            events += self._goes_on(observed, views, rules)
            events += self._ends(observed, views, rules, now)
        else:
            events += self._begins(observed, views, rules, now)
        views = {location: read(said, enough) for location, said in self.said.items()}
        if not self.unwell(views):
            self.forget_all()
        return events

    def unwell(self, views: dict[int, View]) -> bool:
        """Whether there is anything to remember, follow-ups apart."""
        ill = any(view.cause for view in views.values()) or self.refusals > 0
        return ill or bool(self.open or self.opened)

    def _concerns(self, observed: Observation, enough: int) -> bool:
        if isinstance(observed, TimePassed):
            return self.known
        if not self.known:
            return isinstance(observed, Seen) and not observed.passed
        assert isinstance(observed, Seen | GotPast)
        if observed.revision < self.revision:
            return False
        said = self.said.get(observed.location_id)
        if said is None:
            return isinstance(observed, Seen)
        return observed.slot_at > read(said, enough).last

    def _grow_old(self, observed: Observation, rules: Rules, now: int, enough: int) -> None:
        long_ago = now - max(HOUR, 3 * rules.interval_ms)
        for location in list(self.said):
            speaks = isinstance(observed, Seen | GotPast) and observed.location_id == location
            if location not in rules.live and not speaks and read(self.said[location], enough).last < long_ago:
                del self.said[location]
        self.opened = [at for at in self.opened if now - at < HOUR]

    def _take(self, observed: Observation, enough: int) -> None:
        if not isinstance(observed, Seen | GotPast):
            return
        if observed.revision > self.revision:
            self.revision, self.refusals, self.standing, self.certificates = observed.revision, 0, None, []
            for said in self.said.values():
                said.append(Said("edit", 0, open=self.open is not None))
        if isinstance(observed, GotPast):
            self.certificates = []
            past = Said("past", observed.slot_at, standing=self.standing)
            self.said[observed.location_id].append(past)
            return
        if observed.passed or observed.login == "accepted":
            self.refusals, self.standing = 0, None
            for location, said in self.said.items():
                cause = read(said, enough).cause
                if location != observed.location_id and cause and cause[0] in REFUSALS:
                    said.append(Said("lift", 0))
        here = self.said.setdefault(observed.location_id, [])
        if observed.passed:
            self.certificates = []
            nobody_down = all(read(said, enough).down_at is None for said in self.said.values())
            here.append(Said("pass", observed.slot_at, open=self.open is not None, nobody_down=nobody_down))
            return
        here.append(Said("fail", observed.slot_at, str(observed.kind), str(observed.phase)))
        if observed.kind in REFUSALS:
            self.refusals += 1
            self.standing = (str(observed.kind), str(observed.phase))
            if self.refusals >= 2:
                self._make_sure(REFUSALS, observed.slot_at, enough)
        if observed.kind in CERTIFICATES:
            like = self.certificates and self.certificates[-1] == observed.kind
            self.certificates = [*self.certificates, str(observed.kind)] if like else [str(observed.kind)]
            if len(self.certificates) >= 2:
                self._make_sure({str(observed.kind)}, observed.slot_at, enough)

    def _make_sure(self, kinds: set[str], slot: int, enough: int) -> None:
        for said in self.said.values():
            cause = read(said, enough).cause
            if cause and cause[0] in kinds:
                said.append(Said("sure", slot))

    def _begins(self, observed: Observation, views: dict[int, View], rules: Rules, now: int) -> list[Event]:
        if not isinstance(observed, Seen) or observed.passed or not rules.alerting:
            return []
        down = {at: view for at, view in views.items() if view.down_at is not None and not view.passes}
        agree = {at: view for at, view in down.items() if at in rules.live}
        if len(agree) < rules.needed and not any(view.sure for view in down.values()):
            return []
        agree |= {at: view for at, view in down.items() if view.sure}
        teller = max(agree, key=lambda at: (at == observed.location_id, views[at].last, -at))
        newest = max(view.first or 0 for view in agree.values())
        together = [v.first or 0 for v in agree.values() if (v.down_at or 0) >= newest - rules.interval_ms]
        self.opened.append(now)
        flaps = not self.flapping and len(self.opened) >= 3
        self.flapping = self.flapping or flaps
        self.open, self.told_by, self.quiet, self.changed = views[teller].cause, teller, self.flapping, now
        opened = ("opened", min(together), tuple(sorted(agree)), self.open, self.quiet)
        return [opened, ("flapping",)] if flaps else [opened]

    def _goes_on(self, observed: Observation, views: dict[int, View], rules: Rules) -> list[Event]:
        if isinstance(observed, TimePassed | Stopped):
            return []
        view = views[observed.location_id]
        if view.down_at is None or view.passes:
            return []
        teller = views.get(self.told_by)
        if (
            observed.location_id != self.told_by
            and self.told_by in rules.live
            and teller
            and teller.down_at is not None
        ):
            return []
        before, self.open, self.told_by = self.open, view.cause, observed.location_id
        return [("cause", self.open)] if self.open != before else []

    def _ends(self, observed: Observation, views: dict[int, View], rules: Rules, now: int) -> list[Event]:
        if isinstance(observed, Seen) and not observed.passed:
            return []
        down = [view for at, view in views.items() if view.down_at is not None and at in rules.live]
        well_again = [view.passes[0] for view in views.values() if view.recovered and view.cause is None]
        if any(view.sure for view in down) or len(down) >= rules.needed or not well_again:
            return []
        event = ("resolved", "recovered", max(well_again), self.quiet)
        self.open, self.changed = None, now
        for said in self.said.values():
            said.append(Said("over", 0))
        return [event]
