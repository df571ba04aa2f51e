"""Three hundred mailboxes from a CSV file, on a Dovecot with its default limits and its penalty for refusals, behind a
door that bans whoever is refused ten times within ten minutes.

Everything is real but the clock; ten refusals in ten minutes are counted by the same one.
"""

import csv
import io
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.support.import_hall import ImportHall, import_hall
from tests.support.servers.dovecot import DovecotOptions, DovecotServer

ROWS = 300
TWELVE = frozenset(range(7, ROWS, 25))  # all over the file, and more than would get us banned
THIRTY = frozenset(range(7, ROWS, 10))
LIMITS = {"auth_failure_delay": "2 secs", "auth_penalty": True, "mail_max_userip_connections": 10, "messages": 0}

StartDovecot = Callable[[DovecotOptions], Awaitable[DovecotServer]]


def user(number: int) -> str:
    return f"user{number:03}"


def password(number: int) -> str:
    return f"secret-{number}-horse"


def right(rows: int = ROWS) -> list[tuple[str, str]]:
    return [(user(number), password(number)) for number in range(rows)]


def with_wrong(numbers: frozenset[int] | range, rows: int = ROWS) -> list[tuple[str, str]]:
    return [(name, "mistyped-horse" if at in numbers else given) for at, (name, given) in enumerate(right(rows))]


async def a_dovecot(start_dovecot: StartDovecot, rows: int = ROWS) -> DovecotServer:
    return await start_dovecot(DovecotOptions(accounts=dict(right(rows)), **LIMITS))  # type: ignore[arg-type]


def assert_nobody_was_banned(hall: ImportHall, *, refusals: int) -> None:
    hall.front.look()
    assert (hall.front.banned, hall.front.turned_away) == (False, 0)
    assert hall.front.most_within <= 3
    assert hall.dovecot.rejected_logins() == refusals


def assert_no_password_is_told(*texts: str) -> None:
    assert [text for text in texts if "horse" in text] == []


@pytest.mark.soak  # the next one shows nearly all of it
@pytest.mark.timeout(900)
async def test_all_are_green_where_all_passwords_are_right(
    database_dsn: str, start_dovecot: StartDovecot, tmp_path: Path
) -> None:
    async with import_hall(database_dsn, await a_dovecot(start_dovecot), tmp_path) as hall:
        answered = await hall.run(hall.file(right()))
        assert (answered.exit_code, answered.stdout.splitlines()) == (0, ["300 rows: 300 green"]), answered.output
        monitors = await hall.monitors()
        assert len(monitors) == ROWS
        assert {(each["status"], each["health"], each["passed"]) for each in monitors} == {("active", "up", True)}
        assert_nobody_was_banned(hall, refusals=0)
        assert_no_password_is_told(answered.output)
        again = await hall.run(hall.file(right()))
        assert (again.exit_code, again.stdout.splitlines()) == (0, ["300 rows: 300 unchanged"]), again.output


@pytest.mark.timeout(900)
@pytest.mark.parametrize("wrong", [TWELVE, pytest.param(THIRTY, marks=pytest.mark.soak)], ids=["twelve", "thirty"])
async def test_wrong_passwords_get_nobody_banned_and_come_back(
    wrong: frozenset[int], database_dsn: str, start_dovecot: StartDovecot, tmp_path: Path
) -> None:
    async with import_hall(database_dsn, await a_dovecot(start_dovecot), tmp_path) as hall:
        red = tmp_path / "red.csv"
        answered = await hall.run(hall.file(with_wrong(wrong)), "--red", red)
        assert answered.exit_code == 1, answered.output
        assert answered.stdout.startswith(f"300 rows: {ROWS - len(wrong)} green, {len(wrong)} red\n"), answered.output
        monitors = await hall.monitors()
        green = {each["user_name"] for each in monitors if each["status"] == "active" and each["passed"]}
        paused = {each["user_name"] for each in monitors if each["status"] == "disabled" and not each["passed"]}
        assert green == {user(number) for number in range(ROWS)} - paused
        assert paused == {user(number) for number in wrong}
        assert_nobody_was_banned(hall, refusals=len(wrong))
        rows = list(csv.DictReader(io.StringIO(red.read_text())))
        assert {row["User"] for row in rows} == paused
        assert all("[AUTHENTICATIONFAILED]" in row["reason"] for row in rows), rows[0]["reason"]
        assert red.stat().st_mode & 0o777 == 0o600
        assert_no_password_is_told(answered.output)


@pytest.mark.timeout(900)
async def test_a_wrong_column_stops_early_with_a_sentence(
    database_dsn: str, start_dovecot: StartDovecot, tmp_path: Path
) -> None:
    async with import_hall(database_dsn, await a_dovecot(start_dovecot), tmp_path) as hall:
        file = hall.file(with_wrong(range(ROWS)))
        answered = await hall.run(file)
        assert answered.exit_code == 3, answered.output
        assert "300 rows: 3 red, 297 not tried" in answered.stdout
        (sentence,) = [line for line in answered.stderr.splitlines() if line.startswith("Stopped early")]
        assert "refused the first 3 passwords it was given and took none" in sentence
        assert "the password column is probably wrong" in sentence
        assert [each["status"] for each in await hall.monitors()] == ["disabled"] * 3
        assert_nobody_was_banned(hall, refusals=3)
        again = await hall.run(file)
        assert again.exit_code == 3, again.output
        assert_nobody_was_banned(hall, refusals=3)
        assert_no_password_is_told(answered.output, again.output)


@pytest.mark.timeout(900)
async def test_killed_at_any_row_and_run_again_it_ends_the_same(
    database_dsn: str, start_dovecot: StartDovecot, tmp_path: Path
) -> None:
    wrong = frozenset({2, 11})
    async with import_hall(database_dsn, await a_dovecot(start_dovecot, 24), tmp_path) as hall:
        file = hall.file(with_wrong(wrong, 24))
        for made in (1, 5, 13, 22):
            killed = await hall.run(file, killed_after=made)
            assert killed.exit_code != 0
        answered = await hall.run(file)
        assert answered.exit_code == 1, answered.output
        assert re.match(r"24 rows: (\d+ green, )?2 red(, \d+ unchanged)?\n", answered.stdout), answered.output
        monitors = await hall.monitors()
        assert len(monitors) == 24
        assert {each["user_name"] for each in monitors if each["status"] == "disabled"} == {user(at) for at in wrong}
        assert sum(each["passed"] for each in monitors) == 22
        assert_nobody_was_banned(hall, refusals=2)
        # Put right, they are tried again and nothing else is.
        tested = await hall.tested()
        mended = await hall.run(hall.file(right(24)), "--update")
        assert (mended.exit_code, mended.stdout.splitlines()[0]) == (0, "24 rows: 2 green, 22 unchanged"), mended.output
        assert await hall.tested() == tested + 2
        assert {each["status"] for each in await hall.monitors()} == {"active"}
