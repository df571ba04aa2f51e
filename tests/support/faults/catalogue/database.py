"""Faults of Postgres: killed, restarted, everybody thrown out, slow, silent, taking no writes; and its clock set."""

import os
import signal
from urllib.parse import urlsplit

from tests.support.faults.drill import Drill
from tests.support.faults.fault import Fault, nothing

_CLOCK = """
CREATE OR REPLACE FUNCTION mailprobe.clock_ms() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE
AS $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint + {shift} $$
"""
_THROWN_OUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = current_user
"""
_HOUR_MS = 3_600_000


def connections_terminated(*, times: int = 1) -> Fault:
    async def inject(drill: Drill) -> None:
        await drill.as_owner(_THROWN_OUT)

    return Fault(
        "Postgres terminates every connection",
        inject,
        nothing,
        "all connect again; what was not committed is redone",
        times=times,
    )


def killed(*, times: int = 1) -> Fault:
    async def inject(drill: Drill) -> None:
        postgres = drill.ground.postgres
        assert postgres is not None
        assert postgres.pid is not None
        os.kill(postgres.pid, signal.SIGKILL)

    return Fault("Postgres killed", inject, _started, "committed is committed; the rest is redone", times=times)


def restarted(*, lasts_seconds: float = 15) -> Fault:
    async def inject(drill: Drill) -> None:
        assert drill.ground.postgres is not None
        await drill.ground.postgres.stop()

    return Fault(
        "Postgres restarted",
        inject,
        _started,
        "results wait in the broker; slots passed over are told as missed",
        lasts_seconds=lasts_seconds,
        remark=f"away for {lasts_seconds:.0f} s",
    )


def slow(*, lasts_seconds: float) -> Fault:
    async def inject(drill: Drill) -> None:
        drill.database_wire.slow()

    return Fault(
        "Postgres slow",
        inject,
        _mended,
        "checks are late, none is lost",
        lasts_seconds=lasts_seconds,
        remark="200 ms more each way",
    )


def silent(*, lasts_seconds: float) -> Fault:
    async def inject(drill: Drill) -> None:
        drill.database_wire.hush()

    return Fault(
        "Postgres cut off without a reset",
        inject,
        _mended,
        "given up by time-outs, connected to anew",
        lasts_seconds=lasts_seconds,
        remark=f"for {lasts_seconds:.0f} s",
    )


def read_only(*, lasts_seconds: float) -> Fault:
    async def inject(drill: Drill) -> None:
        name = urlsplit(drill.ground.dsn).path[1:]
        await drill.as_owner(f"ALTER DATABASE {name} SET default_transaction_read_only = on", _THROWN_OUT)

    async def heal(drill: Drill) -> None:
        name = urlsplit(drill.ground.dsn).path[1:]
        await drill.as_owner(
            "SET default_transaction_read_only = off", f"ALTER DATABASE {name} RESET default_transaction_read_only"
        )

    return Fault(
        "Postgres takes no writes",
        inject,
        heal,
        "nothing is claimed that could not be kept; results wait",
        lasts_seconds=lasts_seconds,
        remark=f"for {lasts_seconds:.0f} s",
    )


def clock_jumps(*, hours: int, lasts_seconds: float) -> Fault:
    """The database's clock is an hour off for a while, and right again."""

    async def inject(drill: Drill) -> None:
        await drill.as_owner(_CLOCK.format(shift=hours * _HOUR_MS))

    async def heal(drill: Drill) -> None:
        await drill.as_owner(_CLOCK.format(shift=0))

    ahead = "an hour ahead" if hours > 0 else "an hour back"
    return Fault(
        f"the clock jumps {ahead}, and to the right time again",
        inject,
        heal,
        "slots passed over become one catch-up check; nothing is checked for an hour of nothing",
        lasts_seconds=lasts_seconds,
        on_time=False,
        remark="lateness is not told by a clock that jumps",
    )


async def _started(drill: Drill) -> None:
    assert drill.ground.postgres is not None
    await drill.ground.postgres.stop()  # of one that was killed: collects what is left of it
    await drill.ground.postgres.start()


async def _mended(drill: Drill) -> None:
    drill.database_wire.mend()


def everything() -> list[Fault]:
    return [
        connections_terminated(times=3),
        killed(times=2),
        restarted(),
        slow(lasts_seconds=20),
        silent(lasts_seconds=20),
        read_only(lasts_seconds=15),
    ]
