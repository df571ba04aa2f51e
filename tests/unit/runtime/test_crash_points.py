"""Crash points: nothing to those who did not ask, the end of the process to those who did."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.runtime import crash_points
from shared.runtime.crash_points import CrashPoint, CrashSettings
from shared.runtime.settings import SettingsError

REPOSITORY = Path(__file__).parents[3]

# Passes the point three times, and says so.
_PASSES = """
import asyncio
from shared.runtime import crash_points
from shared.runtime.crash_points import CrashPoint

async def publish(moments):
    await asyncio.sleep(moments)

async def main():
    crash_points.arm(crash_points.CrashSettings.load())
    for number in range(1, 4):
        crash_points.reach(CrashPoint.LEASED)
        crash_points.reach(CrashPoint.SENT)
        await crash_points.reach_during(CrashPoint.PUBLISHED, publish(0))
        await crash_points.reach_during(CrashPoint.PUBLISHED, publish(1))
        print(number, flush=True)

asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    crash_points.arm(CrashSettings())


@pytest.mark.parametrize(
    ("point", "passing", "survived"),
    [
        (CrashPoint.SENT, 1, ""),
        (CrashPoint.SENT, 3, "1\n2\n"),
        (CrashPoint.PUBLISHED, 1, ""),
        (CrashPoint.SENT, 4, "1\n2\n3\n"),
    ],
)
def test_a_process_ends_at_the_asked_passing_after_its_last_words(
    tmp_path: Path, point: CrashPoint, passing: int, survived: str
) -> None:
    words = tmp_path / "words"
    settings = {"POINT": point, "PASSING": str(passing), "FILE": str(words), "ALLOWED": "true"}
    ended = subprocess.run(
        [sys.executable, "-c", _PASSES],
        env={"PYTHONPATH": str(REPOSITORY), **{f"MAILPROBE_CRASH_{name}": value for name, value in settings.items()}},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "".join(line for line in ended.stdout.splitlines(keepends=True) if line.strip().isdigit()) == survived
    if passing > 3:
        assert ended.returncode == 0, ended.stderr
        assert not words.exists()
    else:
        assert ended.returncode == -9, ended.stderr
        assert json.loads(words.read_text())["point"] == point


async def test_nobody_dies_who_did_not_ask_to() -> None:
    async def work() -> str:
        await asyncio.sleep(0.01)
        return "done"

    crash_points.arm(CrashSettings())
    for point in CrashPoint:
        crash_points.reach(point)
        assert await crash_points.reach_during(point, work()) == "done"


def test_it_is_refused_without_the_second_switch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MAILPROBE_CRASH_POINT", "notifier.sent")
    monkeypatch.setenv("MAILPROBE_CRASH_FILE", str(tmp_path / "words"))
    with pytest.raises(SettingsError, match="MAILPROBE_CRASH_POINT makes this process kill itself"):
        CrashSettings.load()
    monkeypatch.setenv("MAILPROBE_CRASH_ALLOWED", "true")
    assert CrashSettings.load().crash_point is CrashPoint.SENT
    monkeypatch.delenv("MAILPROBE_CRASH_FILE")
    with pytest.raises(SettingsError, match="MAILPROBE_CRASH_FILE"):
        CrashSettings.load()
    monkeypatch.setenv("MAILPROBE_CRASH_POINT", "notifier.asleep")
    with pytest.raises(SettingsError, match="MAILPROBE_CRASH_POINT is wrong"):
        CrashSettings.load()


def test_a_service_refuses_to_start_with_it(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "services.scheduler"],
        cwd=REPOSITORY,
        env={"MAILPROBE_CRASH_POINT": "scheduler.claimed", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 78
    assert "MAILPROBE_CRASH_POINT makes this process kill itself" in ended.stderr


def test_what_we_deploy_knows_nothing_of_it() -> None:
    texts = [path for path in (REPOSITORY / "deploy").rglob("*") if path.is_file()]
    assert len(texts) > 20
    assert [str(path) for path in texts if b"CRASH_" in path.read_bytes()] == []
