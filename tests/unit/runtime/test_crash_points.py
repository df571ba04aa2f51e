"""Crash points: nothing to those who did not ask, the end of the process to those who did."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.runtime import crash_points, lifecycle
from shared.runtime.crash_points import CrashPoint, CrashSettings
from shared.runtime.settings import SettingsError

REPOSITORY = Path(__file__).parents[3]

# A process for each case, forked by one: each passes the points three times, and says so. Cases come as JSON.
_PROCESSES = """
import asyncio, json, os, sys
from pathlib import Path
from shared.runtime import crash_points
from shared.runtime.crash_points import CrashPoint

async def work(seconds):
    await asyncio.sleep(seconds)

async def passes(said):
    for number in (1, 2, 3):
        crash_points.reach(CrashPoint.LEASED)
        crash_points.reach(CrashPoint.SENT)
        await crash_points.reach_during(CrashPoint.PUBLISHED, work(0))
        await crash_points.reach_during(CrashPoint.PUBLISHED, work(1))
        os.write(said, b"%d" % number)

for point, passing, words in json.loads(sys.argv[1]):
    reading, said = os.pipe()
    if (pid := os.fork()) == 0:
        settings = {"crash_point": CrashPoint(point), "crash_passing": passing, "crash_file": Path(words)}
        crash_points.arm(crash_points.CrashSettings.load(crash_allowed=True, **settings))
        asyncio.run(passes(said))
        os._exit(0)
    os.close(said)
    ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print("ended", json.dumps([os.read(reading, 10).decode(), ended]), flush=True)
"""


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    crash_points.arm(CrashSettings())


def test_a_process_ends_at_the_asked_passing_after_its_last_words(tmp_path: Path) -> None:
    ends = [(CrashPoint.SENT, 1), (CrashPoint.SENT, 3), (CrashPoint.PUBLISHED, 1), (CrashPoint.SENT, 4)]
    cases = [(point, passing, str(tmp_path / f"words-{place}")) for place, (point, passing) in enumerate(ends)]
    run = subprocess.run(
        [sys.executable, "-c", _PROCESSES, json.dumps(cases)],
        env={"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    ended = [json.loads(line[6:]) for line in run.stdout.splitlines() if line.startswith("ended ")]
    # Work that is over before it is looked at passes no point.
    assert ended == [["", -9], ["12", -9], ["", -9], ["123", 0]], run.stderr
    said = [Path(words).read_text() if Path(words).exists() else "" for _, _, words in cases]
    assert [json.loads(words)["point"] for words in said[:3]] == [point for point, _ in ends[:3]]
    assert said[3] == ""


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


def test_a_service_refuses_to_start_with_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shared.runtime.logs.configure", lambda *_, **__: None)
    monkeypatch.setenv("MAILPROBE_CRASH_POINT", "scheduler.claimed")

    async def never(_: asyncio.Event) -> None:
        pytest.fail("it has started")

    assert lifecycle.run("scheduler", never) == lifecycle.EXIT_CONFIGURATION
    assert "scheduler: MAILPROBE_CRASH_POINT makes this process kill itself" in capsys.readouterr().err


def test_what_we_deploy_knows_nothing_of_it() -> None:
    texts = [path for path in (REPOSITORY / "deploy").rglob("*") if path.is_file()]
    assert len(texts) > 20
    assert [str(path) for path in texts if b"CRASH_" in path.read_bytes()] == []
