"""What has to hold once everything works again and has had its time: nothing lost, nothing twice, everybody told."""

from collections import defaultdict
from collections.abc import Callable
from uuid import UUID

from shared.checks.logins import HOUR_MS, MOST_PER_HOUR, RUNGS_MS
from tests.simulation.mailboxes import Account, MailServers, Receiver
from tests.simulation.memory_database import Database, Row
from tests.simulation.watch import _ended

# Between the last one's time and its result there may be the time of a check and of its way.
_STILL_CHECKED_MS = 150_000
_UNDER_WAY_MS = 30_000
_SENT_WITHIN_MS = 10_000
FIRST_RUNG_MS = RUNGS_MS[0] - 3 * _UNDER_WAY_MS  # counted from when it was made, not when it was known


def conserved(
    database: Database, *, changed: Callable[[int], bool] = lambda _: False, went_back: bool = False
) -> list[str]:
    """Slots claimed = results + missed + what may still be under way; no slot has ended twice (promise P2).

    Args:
        changed: whether a monitor's interval was. Slots that a claim reported missed, which then was lost, are claimed
            no more thereafter. went_back: the clock did, too: so are slots that were taken back, and those of the
            interval before may be claimed once more. How many were claimed says nothing then; each slot since the
            change has to have ended all the same.
    """
    tables, wrong = database.tables, []
    audited_until = tables["shard_leases"][0]["audited_until"]
    for row in tables["schedule"].values():
        where, interval = (row["monitor_id"], row["location_id"]), row["interval_ms"]
        ended_at = [
            slot for slot in _slots_of(tables["results"], tables["missed"], where) if slot < row["last_slot"] + interval
        ]
        waiting = {
            each["slot_at"]
            for each in tables["check_requests"].values()
            if (each["monitor_id"], each["location_id"]) == where
            and each["kind"] == "scheduled"
            and each["state"] != "finished"
            and each["slot_at"] < audited_until
        }
        retired = {
            slot
            for each in tables["schedule_retired"].values()
            if (each["monitor_id"], each["location_id"]) == where
            for slot in range(each["first_slot"], each["last_slot"] + 1, each["interval_ms"])
        }
        # Of slots that were audited each has ended, unless a request follows it; later ones may be under way.
        later = (row["last_slot"] - max(row["since_slot"] + 1, audited_until)) // interval + 1
        audited = row["slots_claimed"] - max(0, later)
        # Those of an interval that is no longer in force count wherever they lie: the clock may have gone back since.
        over = {slot for slot in ended_at if slot < audited_until or slot <= row["since_slot"]}
        in_force = range(row["since_slot"] + interval, min(row["last_slot"] + 1, audited_until), interval)
        other = changed(row["monitor_id"])
        if row["slots_claimed"] < len(ended_at) and not other:
            wrong.append("more slots have ended than were claimed")
        elif audited > len(over | retired) + len(waiting) and not (other and went_back):
            wrong.append("a slot is lost")
        if not over | waiting >= set(in_force):
            wrong.append("a slot that was claimed has not ended")
        if any(_ended(tables, where, slot) > 1 for slot in ended_at):
            wrong.append("a slot has ended twice")
    return wrong


def _slots_of(results: dict[object, Row], missed: dict[object, Row], where: tuple[int, int]) -> list[int]:
    found = [
        row["slot_at"]
        for row in results.values()
        if (row["monitor_id"], row["location_id"]) == where and row["kind"] == "scheduled"
    ]
    for row in missed.values():
        if (row["monitor_id"], row["location_id"]) == where and row["kind"] == "scheduled":
            found += range(row["first_slot"], row["last_slot"] + 1, row["interval_ms"])
    return found


def requests_ended(database: Database, *, settled: bool) -> list[str]:
    """What was asked out of turn has ended once; and where it had the time, all of it that was due."""
    tables, wrong = database.tables, []
    for row in tables["check_requests"].values():
        if row["kind"] == "scheduled":
            continue
        ended = sum(each["check_id"] == row["check_id"] for each in tables["results"].values())
        ended += sum(
            each["check_id"] == row["check_id"] and each["kind"] != "scheduled" for each in tables["missed"].values()
        )
        if ended > 1 or (row["state"] == "finished" and ended == 0):
            wrong.append(f"a {row['kind']} request ({row['state']}) has ended {ended} times")
        if settled and row["state"] != "finished" and row["start_at"] < database.clock_ms() - 300_000:
            wrong.append(f"a {row['kind']} request never ends")
    return wrong


def still_checked(database: Database) -> list[str]:
    """Every monitor's checks go on, at each of its locations."""
    now, wrong = database.clock_ms(), []
    for row in database.tables["schedule"].values():
        if row["active"]:
            slots = [
                each["slot_at"]
                for each in database.tables["results"].values()
                if (each["monitor_id"], each["location_id"]) == (row["monitor_id"], row["location_id"])
                and each["kind"] == "scheduled"
            ]
            # A login that is held back by the ladder leaves nothing else behind.
            slots += [
                each["last_slot"]
                for each in database.tables["missed"].values()
                if each["monitor_id"] == row["monitor_id"] and each["reason"] == "withheld"
            ]
            if max((slot for slot in slots if slot <= now), default=0) < now - _STILL_CHECKED_MS:
                wrong.append("a monitor is not checked any more")
    return wrong


def manners_kept(
    servers: MailServers,
    *,
    steady_clock: bool,
    known_since: Callable[[Account], int | None],
    tries_at_once: Callable[[Account], int],
) -> list[str]:
    """No account was ever in danger of being locked (DESIGN section 2).

    Args:
        steady_clock: where the clock jumps, an hour is what it says.
        known_since: when the first refusal of an account was recorded.
        tries_at_once: how many logins of an account may have been under way when the first was refused: one of each
            credential that had worked, at each location.
    """
    # Where the clock jumps, what is under way seems to be long over.
    wrong = list(servers.ledger.overlaps) if steady_clock else []
    for account, all_times in servers.ledger.refused.items():
        known_at = known_since(account)
        # Until a refusal is known the password is as good as ever; an answer may be lost, and asked for anew.
        times = [at for at in all_times if known_at is not None and at > known_at]
        within = max((sum(at <= other < at + HOUR_MS for other in times) for at in times), default=0)
        if steady_clock and within > MOST_PER_HOUR + tries_at_once(account) - 1:
            wrong.append("an account was refused too often within an hour")
        early = known_at is not None and any(_UNDER_WAY_MS < at - known_at < FIRST_RUNG_MS for at in times)
        # A refusal that a worker's clock said was long ago is followed as if it had been.
        if steady_clock and tries_at_once(account) == 1 and early and account not in servers.ledger.mistimed:
            wrong.append("a refused account was tried again before its time")
    if any(count > 1 for count in servers.ledger.unproven_logins.values()):
        wrong.append("a password not known to be good went out twice for one check")
    return wrong


def well_told(database: Database, receiver: Receiver) -> list[str]:
    """Each telling has one key, and an end is told after its beginning."""
    keys: defaultdict[tuple[UUID, str], set[UUID]] = defaultdict(set)
    wrong = []
    known = {row["public_id"] for row in database.tables["deliveries"].values()}
    for told in receiver.told:
        if told.key not in known:
            wrong.append("something was told under a key that nothing is stored of")
        for incident in told.incidents:
            keys[incident, told.event].add(told.key)
    for (_, event), some in keys.items():
        if event in ("opened", "resolved") and len(some) > 1:
            wrong.append(f"the same was told as {event} under two keys")
    begun: set[UUID] = set()
    for told in receiver.told:
        # Those that came and went meanwhile are told of with the end of the outage they belonged to.
        if told.event == "resolved" and not begun & told.incidents:
            wrong.append("an end was told before its beginning")
        begun |= told.incidents
    return wrong


def all_told(database: Database, receiver: Receiver) -> list[str]:
    """Every incident that people are told of was: that it began, and, where it ended, that it did."""
    begun = {each for told in receiver.told for each in told.incidents}
    over = {each for told in receiver.told if told.event in ("resolved", "digest") for each in told.over}
    now = database.clock_ms()
    resting = {
        number for number, row in database.tables["notification_channels"].items() if (row["resting_until"] or 0) > now
    }
    # Whoever joins an outage that was told is told of later, or with its end; and a channel that failed has its rest.
    later = {
        link["incident_id"]
        for link in database.tables["delivery_incidents"].values()
        if database.tables["deliveries"][link["delivery_id"]]["state"] == "pending"
        and (
            database.tables["deliveries"][link["delivery_id"]]["due_at"] > now - _SENT_WITHIN_MS
            or database.tables["deliveries"][link["delivery_id"]]["channel_id"] in resting
        )
    }
    wrong = []
    groups = database.tables["incident_groups"]
    for row in database.tables["incidents"].values():
        if row["quiet"] or row["id"] in later:
            continue
        if row["public_id"] not in begun:
            # Its monitor went before anybody could be told; or the clock was set back and it lasted no time by it.
            if row["resolution"] == "deleted" or row["resolved_at"] == row["opened_at"]:
                continue
            wrong.append("nobody was told of an incident")
        elif (
            row["resolved_at"] is not None
            and groups[row["group_id"]]["resolved_at"] is not None
            and row["public_id"] not in over
        ):
            wrong.append("nobody was told that an incident is over")
    return wrong
