"""The Python to fork from: what runs in a fork is what `python -m` would run."""

import asyncio
import signal
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from tests.support.command import run_command
from tests.support.servers.warm_python import WarmProcess, WarmPython, warm_python


@pytest.fixture
def python() -> WarmPython:
    return warm_python()


def run(python: WarmPython, module: str, *arguments: str, stdin: bytes = b"", cwd: Path) -> tuple[int, bytes, bytes]:
    with TemporaryFile() as typed, TemporaryFile() as out, TemporaryFile() as said:
        typed.write(stdin)
        typed.seek(0)
        streams = (typed.fileno(), out.fileno(), said.fileno())
        code = python.start(module, arguments, env={}, cwd=cwd, streams=streams).wait(60)
        out.seek(0)
        said.seek(0)
        return code, out.read(), said.read()


def test_a_module_reads_writes_and_ends_as_it_would_anywhere(python: WarmPython, tmp_path: Path) -> None:
    (tmp_path / "here.json").write_text('{"here": true}')
    assert run(python, "json.tool", "--compact", stdin=b'{"a": 1}', cwd=tmp_path) == (0, b'{"a":1}\n', b"")
    assert run(python, "json.tool", "--compact", "here.json", cwd=tmp_path) == (0, b'{"here":true}\n', b"")
    code, _, said = run(python, "json.tool", stdin=b"nonsense", cwd=tmp_path)
    assert (code, b"Expecting value" in said) == (1, True)


def test_a_module_there_is_not_says_so_and_harms_no_other(python: WarmPython, tmp_path: Path) -> None:
    code, _, said = run(python, "tests.no_such_module", cwd=tmp_path)
    assert (code, b"no_such_module" in said) == (1, True)
    assert run(python, "json.tool", stdin=b"1", cwd=tmp_path)[0] == 0


def test_of_one_that_is_killed_the_signal_is_told(python: WarmPython, tmp_path: Path) -> None:
    with TemporaryFile() as out:
        streams = (out.fileno(), out.fileno(), out.fileno())
        serving: WarmProcess = python.start("http.server", ["0"], env={}, cwd=tmp_path, streams=streams)
        assert serving.poll() is None
        serving.kill()
        assert serving.wait(60) == -signal.SIGKILL


async def test_the_command_sees_its_own_environment_and_nothing_of_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILPROBE_URL", "http://127.0.0.1:1")
    answers = await asyncio.gather(*(run_command("locations", "list", environment={}) for _ in range(3)))
    assert {answer.exit_code for answer in answers} != {0}
    assert "127.0.0.1:1" not in "".join(answer.output for answer in answers)
    told = await run_command(
        "locations", "list", environment={"MAILPROBE_URL": "http://127.0.0.1:1", "MAILPROBE_TOKEN": "x"}
    )
    assert "127.0.0.1:1" in told.output
