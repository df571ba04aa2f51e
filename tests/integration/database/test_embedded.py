"""The embedded Postgres, started for real: restarts, crashes, roles."""

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest

from shared.database.embedded import SUPERUSER, EmbeddedPostgres, EmbeddedPostgresError


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A directory below a private one, as a clone in /root would have it."""
    tmp_path.chmod(0o700)
    return tmp_path / "private" / "postgres"


def command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


async def value(dsn: str, question: str) -> object:
    connection = await asyncpg.connect(dsn, timeout=60)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_keeps_its_data_and_its_passwords_over_a_restart(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir, durable=False) as server:
        await value(server.dsn(), "CREATE TABLE kept AS SELECT 42 AS answer")
    async with EmbeddedPostgres(data_dir, durable=False) as server:
        assert await value(server.dsn(), "SELECT answer FROM kept") == 42
    assert server.port == 0


async def test_the_owner_is_no_superuser_but_may_make_roles_and_databases(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir, durable=False) as server:
        facts = "SELECT (rolsuper, rolbypassrls, rolcreaterole, rolcreatedb)::text FROM pg_roles WHERE rolname = "
        assert await value(server.dsn(), facts + "current_user") == "(f,f,t,t)"
        assert await value(server.dsn("postgres", SUPERUSER), facts + "current_user") == "(t,t,t,t)"


async def test_nobody_gets_in_without_the_password(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir, durable=False) as server:
        with pytest.raises(asyncpg.InvalidPasswordError):
            await value(f"postgresql://{SUPERUSER}:guess@127.0.0.1:{server.port}/postgres", "SELECT 1")
        assert stat.S_IMODE((data_dir / "passwords.json").stat().st_mode) == 0o600


async def test_a_directory_in_use_is_refused(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir, durable=False):
        with pytest.raises(EmbeddedPostgresError, match="another mailprobe is using"):
            await EmbeddedPostgres(data_dir, durable=False).start()


async def test_starts_again_after_the_server_was_killed(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir, durable=False) as server:
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
    async with EmbeddedPostgres(data_dir, durable=False) as server:
        assert await value(server.dsn(), "SELECT 1") == 1


async def test_a_pid_file_naming_some_other_process_does_not_stop_it(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir, durable=False):
        pass
    bystander_program = [sys.executable, "-c", "input()"]
    with subprocess.Popen(bystander_program, stdin=subprocess.PIPE) as bystander:  # noqa: ASYNC220
        (data_dir / "cluster" / "postmaster.pid").write_text(f"{bystander.pid}\n{data_dir}\n")
        async with EmbeddedPostgres(data_dir, durable=False) as server:
            assert await value(server.dsn(), "SELECT 1") == 1
        bystander.kill()


async def test_a_taken_port_is_named(data_dir: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(EmbeddedPostgresError, match=f"port {port} for the embedded Postgres is taken"):
            await EmbeddedPostgres(data_dir, port=port, durable=False).start()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent was killed")
async def test_ends_with_the_process_that_started_it_and_starts_anew(data_dir: Path) -> None:
    program = (
        "import asyncio, os, pathlib, sys\n"
        "from shared.database.embedded import EmbeddedPostgres\n"
        "async def main():\n"
        "    server = EmbeddedPostgres(pathlib.Path(sys.argv[1]), durable=False)\n"
        "    await server.start()\n"
        "    print(server.pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    answer = subprocess.run(  # noqa: ASYNC221
        [sys.executable, "-c", program, data_dir], capture_output=True, text=True, timeout=120, check=False
    )
    deadline = time.monotonic() + 60
    while b"postgres" in command_line(int(answer.stdout)):
        assert time.monotonic() < deadline, "Postgres outlived its launcher"
        await asyncio.sleep(0.05)
    async with EmbeddedPostgres(data_dir, durable=False) as server:
        assert await value(server.dsn(), "SELECT 1") == 1


async def test_makes_and_drops_databases_even_those_in_use(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir, durable=False) as server:
        await server.create_database('odd "name"')
        connection = await asyncpg.connect(server.dsn('odd "name"'), timeout=60)
        await connection.execute("CREATE TABLE mine ()")
        await server.drop_database('odd "name"')
        assert not await value(server.dsn(), "SELECT count(*) FROM pg_database WHERE datname LIKE 'odd%'")
        await connection.close()
