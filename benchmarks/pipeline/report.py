"""What people and programs read of a run: a table, then each figure on a line of its own, name and number."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.pipeline.cycle import Turn
from benchmarks.pipeline.floors import Cost
from benchmarks.pipeline.growth import Growth

# At most so much.
TARGETS = {
    "whole.tls.vs_probe": 1.3,
    "whole.plain.vs_probe": 2.0,
    "record.vs_floor": 1.6,
    "claim.vs_floor": 1.5,
    "servers_us": 50.0,
    "claims.grown": 1.0,
}
_AT_LEAST = {"claims.hot_share": 1.0}


@dataclass(frozen=True, slots=True)
class BareProbes:
    """µs of CPU a bare probe: one after another, some at once; and begun as far apart as a worker begins them."""

    dense: float
    paced: float


@dataclass(frozen=True, slots=True)
class Measured:
    """µs of CPU per check in one round."""

    claim: float
    probe_and_report: float
    record: float
    postgres_of_claim: float
    postgres_of_record: float
    postgres_own: float
    broker: float
    probe: float
    paced_probe: float
    claim_floor: Cost
    record_floor: Cost

    @classmethod
    def of(
        cls, turn: Turn, spent: Callable[[str], float], *, probes_us: BareProbes, claim: Cost, record: Cost
    ) -> "Measured":
        """`spent`: the CPU seconds of a process that count."""
        each = 1e6 / turn.checks
        return cls(
            claim=spent("scheduler") * each,
            probe_and_report=spent("imap_worker") * each,
            record=spent("result_recorder") * each,
            postgres_of_claim=spent("postgres.scheduler") * each,
            postgres_of_record=spent("postgres.result_recorder") * each,
            postgres_own=spent("postgres.own") * each,
            broker=spent("broker") * each,
            probe=probes_us.dense,
            paced_probe=probes_us.paced,
            claim_floor=claim.of_each(turn.checks),
            record_floor=record.of_each(turn.checks),
        )

    @property
    def whole(self) -> float:
        """Of our own processes."""
        return self.claim + self.probe_and_report + self.record

    @property
    def servers(self) -> float:
        return self.postgres_of_claim + self.postgres_of_record + self.postgres_own + self.broker

    @property
    def claim_vs_floor(self) -> float:
        return (self.claim + self.postgres_of_claim) / self.claim_floor.whole

    @property
    def record_vs_floor(self) -> float:
        return (self.record + self.postgres_of_record) / self.record_floor.whole

    @property
    def broker_floor(self) -> float:
        return self.claim_floor.broker + self.record_floor.broker


@dataclass(slots=True)
class Figures:
    """By kind of check, round after round. `rounds`: for checks alone; `with_idle`: everything spent meanwhile."""

    rounds: dict[str, list[Measured]] = field(default_factory=dict)
    with_idle: list[Measured] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)

    def note(self, kind: str, turn: Turn, *, probes_us: BareProbes, claim: Cost, record: Cost) -> None:
        for_checks = Measured.of(turn, turn.for_checks, probes_us=probes_us, claim=claim, record=record)
        everything = Measured.of(turn, turn.spent.__getitem__, probes_us=probes_us, claim=claim, record=record)
        self.rounds.setdefault(kind, []).append(for_checks)
        self.with_idle.append(everything)
        self.turns.append(turn)

    def median(self, kind: str, name: str) -> float:
        return statistics.median(getattr(each, name) for each in self.rounds[kind])

    def every(self) -> list[Measured]:
        return [each for rounds in self.rounds.values() for each in rounds]


def progress(number: int, rounds: int, kind: str, figures: Figures) -> None:
    last = figures.rounds[kind][-1]
    print(
        f"round {number} of {rounds}, {kind:5}: claim {last.claim:.0f} + probe and report {last.probe_and_report:.0f} "
        f"+ record {last.record:.0f} = {last.whole:.0f} µs; bare probe {last.probe:.0f}; Postgres "
        f"{last.postgres_of_claim:.0f} + {last.postgres_of_record:.0f} + {last.postgres_own:.0f}, "
        f"broker {last.broker:.0f}; floors {last.claim_floor.postgres:.0f} + {last.claim_floor.ours:.0f}, "
        f"{last.record_floor.postgres:.0f} + {last.record_floor.ours:.0f}",
        flush=True,
    )


_ROWS = {
    "claim and publish": "claim",
    "consume, probe, report": "probe_and_report",
    "record": "record",
    "the whole": "whole",
    "the bare probe": "probe",
    "the same, paced as in a worker": "paced_probe",
    "Postgres for claims": "postgres_of_claim",
    "Postgres for records": "postgres_of_record",
    "Postgres' own processes": "postgres_own",
    "RabbitMQ": "broker",
}


def block(figures: Figures, *, checks: int) -> list[str]:
    """The table as docs/SCALING.md has it."""
    kinds = list(figures.rounds)
    return [
        f"Medians of {len(figures.rounds[kinds[0]])} turns of {checks} checks due within two seconds, CPU µs a check, "
        "beyond what each process uses with nothing due.",
        "",
        "| | " + " | ".join(kinds) + " |",
        "|---" * (len(kinds) + 1) + "|",
        *(
            f"| {words} | " + " | ".join(f"{round(figures.median(kind, name))}" for kind in kinds) + " |"
            for words, name in _ROWS.items()
        ),
        "",
        "With nothing due, CPU ms a second: "
        + ", ".join(
            f"{process} {statistics.median(turn.idle[process] * 1e3 for turn in figures.turns):.1f}"
            for process in figures.turns[0].idle
        )
        + ".",
    ]


def print_all(figures: Figures, growth: Growth | None, *, checks: int) -> None:
    print(f"\nmedian CPU of one check, µs; {checks} checks due within two seconds, {len(figures.every())} turns")
    print(f"{'':32}" + "".join(f"{kind:>10}" for kind in figures.rounds))
    for words, name in _ROWS.items():
        print(f"  {words:30}" + "".join(f"{figures.median(kind, name):10.1f}" for kind in figures.rounds))
    every = figures.every()
    print("\n(the whole: our three processes; floors: one bare UPDATE of the same rows of the schedule and the same")
    print(
        "messages published; the same messages taken, the same results by COPY, one bare UPDATE of each row of health;"
    )
    print("both with the CPU of the connection's Postgres process, and without RabbitMQ's. Counted is what was spent")
    print("beyond what a process spends in as many seconds with nothing due; `with_idle`: all that was spent)")
    for kind in figures.rounds:
        for stage in ("claim", "probe_and_report", "record", "whole"):
            _figure(f"{stage}.{kind}.cpu_us", figures.median(kind, stage))
        _figure(f"whole.{kind}.vs_probe", statistics.median(each.whole / each.probe for each in figures.rounds[kind]))
        _figure(
            f"whole.{kind}.vs_paced_probe",
            statistics.median(each.whole / each.paced_probe for each in figures.rounds[kind]),
        )
        _figure(
            f"whole_with_servers.{kind}.vs_probe",
            statistics.median((each.whole + each.servers) / each.probe for each in figures.rounds[kind]),
        )
    for name in ("claim_vs_floor", "record_vs_floor"):
        _figure(name.replace("_", ".", 1), statistics.median(getattr(each, name) for each in every))
        _figure(
            name.replace("_", ".with_idle.", 1), statistics.median(getattr(each, name) for each in figures.with_idle)
        )
    for stage in ("claim", "record"):
        postgres = [getattr(each, f"postgres_of_{stage}") for each in every]
        floors = [getattr(each, f"{stage}_floor") for each in every]
        _figure(
            f"{stage}.postgres_vs_floor",
            statistics.median(ours / floor.postgres for ours, floor in zip(postgres, floors, strict=True)),
        )
        _figure(f"{stage}.floor_us", statistics.median(floor.whole for floor in floors))
    _figure("servers_us", statistics.median(each.servers for each in every))
    _figure("servers_us.with_idle", statistics.median(each.servers for each in figures.with_idle))
    _figure("broker.floor_us", statistics.median(each.broker_floor for each in every))
    for process in figures.turns[0].idle:
        _figure(f"idle.{process}.ms_per_second", statistics.median(turn.idle[process] * 1e3 for turn in figures.turns))
    if growth is not None:
        print_growth(growth)


def print_growth(growth: Growth) -> None:
    print(f"\n{growth.rows:,} rows of the schedule, each claimed {growth.cycles} times by the scheduler's statement")
    _figure("claims.hot_share", growth.hot_share)
    _figure("claims.grown", growth.grown)
    _figure("claims.table_mib", growth.bytes_after / 2**20)
    _figure("claims.indexes_mib", growth.index_bytes_after / 2**20)
    _figure("claims.postgres_us", growth.postgres_us)
    _figure("claims.per_second", growth.rows_per_second)


def _figure(name: str, value: float) -> None:
    beside = ""
    if (most := TARGETS.get(name)) is not None:
        beside = f"   (to reach: at most {most:g}{'' if round(value, 3) <= most else '; missed'})"
    if (least := _AT_LEAST.get(name)) is not None:
        beside = f"   (to reach: {least:g}{'' if value >= least else '; missed'})"
    print(f"pipeline.{name} {value:.3f}{beside}", flush=True)
