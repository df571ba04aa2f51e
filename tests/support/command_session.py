"""Many runs of the `mailprobe` command in one process beside the tests: starting Python anew for each is most of a run.

Reads a line of JSON for each run, and answers with one. Run as a module by `command_session()`.
"""

import asyncio
import json
import os
import sys
import traceback
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from typer.testing import CliRunner

from tests.support.command import REPOSITORY, Answered

_LONGEST_LINE = 16 * 1024 * 1024
Session = Callable[..., Awaitable[Answered]]


@asynccontextmanager
async def command_session(environment: Mapping[str, str]) -> AsyncIterator[Session]:
    """The command, as often as wanted; each run sees the environment of then, and that of here."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.command_session"),
        cwd=REPOSITORY,
        stdin=PIPE,
        stdout=PIPE,
        limit=_LONGEST_LINE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    answers = process.stdout

    async def run(*arguments: str, stdin: str = "") -> Answered:
        asked = {"arguments": arguments, "stdin": stdin, "environment": {**os.environ, **environment}}
        process.stdin.write(json.dumps(asked).encode() + b"\n")
        async with asyncio.timeout(60):
            return Answered(**json.loads(await answers.readline()))

    try:
        yield run
    finally:
        process.stdin.close()
        await process.wait()


def _answer_all() -> None:
    from cli.main import app

    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        asked = json.loads(line)
        os.environ.clear()
        os.environ.update(asked["environment"])
        result = CliRunner().invoke(app, asked["arguments"], input=asked["stdin"], prog_name="mailprobe")
        said = result.stderr
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            said += "".join(traceback.format_exception(result.exception))
        answered = {"exit_code": result.exit_code, "stdout": result.stdout, "stderr": said}
        print(json.dumps(answered), file=answers, flush=True)


if __name__ == "__main__":
    _answer_all()
