"""What people and programs read of a run: figures on lines of their own, and the blocks of docs/SCALING.md."""

import math
from collections.abc import Sequence

from benchmarks.pipeline.growth import Growth
from benchmarks.scale.million import Million
from benchmarks.scale.parts import Parts
from benchmarks.scale.sustained import Sustained

# Of what was held, so much is planned with: the rest is for catching up after an outage, and for bad days.
PLANNED = 0.6

# With fewer checks a second a message or a batch has few, and each pays for all of it: it says nothing of many.
FEWEST_PER_SECOND = 200
TOO_FEW = "Sizes are not worked out from so few checks a second: each pays for a message and a batch of its own."


def figure(name: str, value: float | str) -> None:
    print(f"scale.{name} {value if isinstance(value, str) else f'{value:.3f}'}", flush=True)


def sustained(found: Sustained) -> list[str]:
    """Print it; the lines of its block."""
    held = found.held
    figure("sustained.monitors", held.monitors)
    figure("sustained.per_second", held.per_second)
    figure("sustained.late_p50_ms", held.late_p50)
    figure("sustained.late_p99_ms", held.late_p99)
    figure("sustained.recorded_p99_ms", held.recorded_p99)
    for reason, slots in held.missed.items():
        figure(f"sustained.missed.{reason}", slots)
    figure("sustained.missed", sum(held.missed.values()))
    for name, cores in found.cores.items():
        figure(f"sustained.cores.{name.replace(' ', '_')}", cores)
    figure("sustained.limit", found.limit)
    return [
        f"{held.monitors:,} monitors at 60 s, {held.seconds:.0f} s long: **{held.per_second:.0f} checks a second**, "
        f"begun {held.late_p50:.0f} ms (p50) and {held.late_p99:.0f} ms (p99) after their slots, recorded within "
        f"{held.recorded_p99:.0f} ms (p99); missed: {dict(held.missed) or 'none'}. The limit: {found.limit}.",
        "",
        "| process | cores in use | with nothing to do | CPU µs of one more check |",
        "|---|---|---|---|",
        *(
            f"| {name} | {cores:.3f} | {found.idle.get(name, 0):.3f} | {found.seconds_each(name) * 1e6:.0f} |"
            for name, cores in found.cores.items()
        ),
        "",
        *_sizing(found),
    ]


def _sizing(found: Sustained) -> Sequence[str]:
    if found.held.per_second < FEWEST_PER_SECOND:
        return [TOO_FEW]
    # Several of one kind shared the checks, so that each one's part of a check adds up to what a check takes.
    worker, recorder = (
        sum(found.seconds_each(name) for name in found.cores if name.startswith(kind))
        for kind in ("imap_worker", "result_recorder")
    )
    rows = [
        "| monitors at 60 s | checks a second | workers | recorders | cores for the scheduler | for Postgres "
        "| for RabbitMQ |",
        "|---|---|---|---|---|---|---|",
    ]
    for monitors in (10_000, 100_000, 1_000_000):
        rate = monitors / 60
        scheduler, postgres, rabbit = (
            (found.idle.get(name, 0.0) + rate * found.seconds_each(name)) / PLANNED
            for name in ("scheduler", "Postgres", "RabbitMQ")
        )
        rows.append(
            f"| {monitors:,} | {rate:,.0f} | {_processes(rate * worker)} | {_processes(rate * recorder)} "
            f"| {scheduler:.2f} | {postgres:.2f} | {rabbit:.2f} |"
        )
    return rows


def _processes(cores: float) -> int:
    return max(1, math.ceil(cores / PLANNED))


def million(found: Million) -> list[str]:
    grown = found.growth
    figure("million.rows", grown.rows)
    figure("million.claims_per_second", grown.rows_per_second)
    figure("million.claim_postgres_us", grown.postgres_us)
    for table, (rows, indexes) in found.mib.items():
        figure(f"million.{table}.mib", rows)
        figure(f"million.{table}.indexes_mib", indexes)
    for question, took in found.milliseconds.items():
        p50, p95 = took or (math.nan, math.nan)
        figure(f"million.{question}.p50_ms", p50)
        figure(f"million.{question}.p95_ms", p95)
    return [
        f"{grown.rows:,} monitors. Claims, each a row of the schedule: {grown.rows_per_second:,.0f} a second, "
        f"{grown.postgres_us:.1f} µs of Postgres each.",
        "",
        "| table | MiB | indexes, MiB |",
        "|---|---|---|",
        *(f"| {table} | {rows:.0f} | {indexes:.0f} |" for table, (rows, indexes) in found.mib.items()),
        "",
        "| asked at the API | p50, ms | p95, ms |",
        "|---|---|---|",
        *(
            f"| {question.replace('_', ' ')} | " + (f"{took[0]:.0f} | {took[1]:.0f} |" if took else "no answer | |")
            for question, took in found.milliseconds.items()
        ),
    ]


def hour(grown: Growth) -> list[str]:
    figure("hour.rows", grown.rows)
    figure("hour.minutes", grown.cycles)
    figure("hour.claims_per_second", grown.rows_per_second)
    figure("hour.claim_postgres_us", grown.postgres_us)
    figure("hour.hot_share", grown.hot_share)
    figure("hour.grown", grown.grown)
    return [
        f"{grown.rows:,} rows of the schedule, each claimed {grown.cycles} times as in {grown.cycles} minutes, "
        f"{grown.rows_per_second:,.0f} a second: {grown.hot_share:.2%} of the updates were HOT, and the table with its "
        f"indexes was {grown.grown:.3f} times as large as before ({grown.bytes_after / 2**20:.0f} MiB and "
        f"{grown.index_bytes_after / 2**20:.0f} MiB).",
    ]


def parts(found: Parts) -> list[str]:
    for (part, count), rate in found.per_second.items():
        figure(f"parts.{part}.{count}.per_second", rate)
    figure("parts.take_over_seconds", found.take_over_seconds)
    names = list(dict.fromkeys(part for part, _ in found.per_second))
    return [
        "| part | one, a second | two, a second |",
        "|---|---|---|",
        *(f"| {name} | {_rate(found.per_second[name, 1])} | {_rate(found.per_second[name, 2])} |" for name in names),
        "",
        f"A scheduler that stood by led {found.take_over_seconds:.1f} s after the one before it was killed.",
    ]


def _rate(per_second: float) -> str:
    return "too few to say" if math.isnan(per_second) else f"{per_second:.0f}"
