"""What the doctor makes of the database: its clock, version, roles, how the pulse is, whether anybody would be told."""

from cli.doctor.database_store import ROLES, DatabaseFacts, Pulse
from cli.doctor.finding import Finding, ill, unseen, well

_MOST_SKEW_SECONDS = 1.0
_OLDEST_VERSION = 150_000
_OLDEST_CANARY_SECONDS = 120
_NOT_SEEN = "this login of the database may not see it"
_AS_OWNER = "ask as the database's owner"


def examine(facts: DatabaseFacts) -> list[Finding]:
    """A finding for each thing."""
    return [
        _clock(facts.skew_seconds),
        _version(facts),
        _migrations(facts),
        _roles(facts),
        _isolation(facts),
        _partitions(facts.unpartitioned),
        *_pulse(facts.pulses, bool(facts.queues)),
        _audience(facts.untold),
    ]


def _clock(skew_seconds: float) -> Finding:
    said = f"{abs(skew_seconds):.2f} s {'ahead of' if skew_seconds > 0 else 'behind'} the database's"
    if abs(skew_seconds) > _MOST_SKEW_SECONDS:
        return ill("clock", said, "have both machines' clocks set by NTP (timedatectl set-ntp true)")
    return well("clock", said)


def _version(facts: DatabaseFacts) -> Finding:
    said = f"Postgres {facts.version} answers, as {facts.user}"
    if facts.version_number < _OLDEST_VERSION:
        return ill("database", said, "upgrade it to Postgres 15 or later")
    return well("database", said)


def _migrations(facts: DatabaseFacts) -> Finding:
    if facts.applied < facts.wanted:
        return ill("migrations", f"applied to {facts.applied:04d} of {facts.wanted:04d}", "run `mailprobe migrate`")
    if facts.applied > facts.wanted:
        return ill(
            "migrations", f"applied to {facts.applied:04d}, this release knows {facts.wanted:04d}", "upgrade mailprobe"
        )
    return well("migrations", f"applied to {facts.applied:04d}, as this release wants")


def _roles(facts: DatabaseFacts) -> Finding:
    missing = [role for role in ROLES if role not in facts.roles]
    if missing:
        return ill("roles", f"{', '.join(missing)} missing", "run `mailprobe migrate` as the database's owner")
    if facts.unbound_roles:
        names = ", ".join(facts.unbound_roles)
        return ill(
            "roles",
            f"{names} may bypass row-level security",
            f"run as a superuser: ALTER ROLE {facts.unbound_roles[0]} NOSUPERUSER NOBYPASSRLS",
        )
    mine = [role for role, ours in facts.roles.items() if ours]
    if not mine:
        return ill(
            "roles", f"{facts.user} may act as none of them", "run `mailprobe migrate --logins`, see DEPLOYMENT.md"
        )
    return well("roles", f"{facts.user} may act as {', '.join(sorted(mine))}")


def _isolation(facts: DatabaseFacts) -> Finding:
    if facts.applied < facts.wanted:
        return unseen("isolation", "the database is not migrated to this release")
    if facts.unforced_tables:
        tables = ", ".join(facts.unforced_tables)
        return ill(
            "isolation",
            f"row-level security is not forced on {tables}",
            f"ALTER TABLE mailprobe.{facts.unforced_tables[0]} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        )
    return well("isolation", "row-level security is forced on what organizations own")


def _partitions(unpartitioned: bool | None) -> Finding:
    if unpartitioned is None:
        return unseen("partitions", _NOT_SEEN, _AS_OWNER)
    if unpartitioned:
        return ill(
            "partitions",
            "today or tomorrow has no partition for its results",
            "start the result recorder, or restart it",
        )
    return well("partitions", "results of today and tomorrow have theirs")


def _pulse(pulses: tuple[Pulse, ...] | None, anything_due: bool) -> list[Finding]:
    """One for each protocol of each live place."""
    if pulses is None:
        return [unseen("canaries", _NOT_SEEN, _AS_OWNER)]
    if pulses:
        return [_pulse_at(each) for each in pulses]
    if not anything_due:
        return [unseen("canaries", "no worker has been heard of in two minutes, and nothing is due")]
    return [ill("canaries", "no worker has been heard of in two minutes", "start workers; see their logs if they run")]


def _pulse_at(pulse: Pulse) -> Finding:
    name = f"canary of {pulse.protocol} at {pulse.location}"
    age = "the newest never passed" if pulse.age_seconds is None else f"the newest passed {pulse.age_seconds:.0f} s ago"
    if pulse.age_seconds is None or pulse.age_seconds > _OLDEST_CANARY_SECONDS:
        return ill(
            name,
            age + (f", and since then failed: {pulse.fault}" if pulse.fault else ""),
            "follow a check: scheduler, `mailprobe queue status`, worker, result recorder; the log of each says why",
        )
    if pulse.fault is not None:
        return ill(
            name,
            f"the newest came through and failed: {pulse.fault}",
            f"restart the {pulse.protocol} workers there; their log says what they could not do",
        )
    return well(name, age)


def _audience(untold: tuple[int, int] | None) -> Finding:
    if untold is None:
        return unseen("audience", _NOT_SEEN, _AS_OWNER)
    monitors, customers = untold
    if monitors:
        return ill(
            "audience",
            f"of {monitors} monitors of {customers} customers, nobody would hear",
            "add a channel: `mailprobe channels create`",
        )
    return well("audience", "of every active monitor, somebody would be told")
