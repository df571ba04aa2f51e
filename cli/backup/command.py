"""The two verbs. Both stop before anything is written where the result would be worth nothing."""

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from cli.backup.archive import DUMP, Manifest, read_archive, write_archive
from cli.backup.database_store import BACKUP_ROLE, ROLES, prepare_target, read_source
from cli.backup.kept import dated_name, superseded
from cli.backup.key_files import KeyFiles, channel_keys_of, password_keys_of
from cli.backup.postgres_programs import find_program, run_program
from cli.failing import EXIT_USAGE, Failed, fail, finish
from cli.showing import print_lines
from shared.database.embedded import EmbeddedPostgres, EmbeddedPostgresError
from shared.database.embedded_running import running_dsn
from shared.database.migrations import migrate
from shared.runtime.settings import DatabaseSettings

Keys = Annotated[
    Path | None,
    typer.Option(help="The directory of the four files of keys, such as secrets/keys.", show_default=False),
]
Data = Annotated[
    Path | None, typer.Option(help="Instead of both: the data directory of `mailprobe run`.", show_default=False)
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(help="The database, as its owner [MAILPROBE_DATABASE_URL].", metavar="URL", show_default=False),
]


def backup(
    archive: Annotated[
        Path,
        typer.Argument(
            help="The file to write, which must not be there; or a directory, for one named by the time.",
            show_default=False,
        ),
    ],
    keys: Keys = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
    keep: Annotated[
        int | None,
        typer.Option(min=1, help="In a directory: of backups named by the time, keep so many.", show_default=False),
    ] = None,
) -> None:
    """Save the database and the key rings in one file, while everything runs. Guard it like the passwords in it."""
    _require_one_way(keys, data)
    folder = archive if archive.is_dir() else None
    if keep is not None and folder is None:
        fail("--keep is for a directory of backups", code=EXIT_USAGE)
    if folder is not None:
        archive = folder / dated_name(datetime.now(UTC))
    if archive.exists():
        fail(f"{archive} is there already")
    finish(_backed_up(archive, keys, data, database_url))
    if folder is not None and keep is not None:
        for old in superseded(folder, keep=keep):
            old.unlink()
            print_lines(f"Removed {old}.")
    print_lines(f"{archive} holds the database and the keys. Whoever has it can read every stored password.")


def restore(
    archive: Annotated[Path, typer.Argument(help="What `mailprobe backup` wrote.", show_default=False)],
    keys: Keys = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Bring both back, into an empty database and a directory without keys; then up to this release's version."""
    _require_one_way(keys, data)
    finish(_restored(archive, keys, data, database_url))
    if data is not None:
        print_lines(f"All is back in {data}; start it with: mailprobe run --data {data}")
    else:
        print_lines(
            f"All is back; the keys are in {keys}. Make the services' logins anew: mailprobe migrate --logins, and "
            "give the keys to their services: mailprobe secrets make (docs/DEPLOYMENT.md)."
        )


async def _backed_up(archive: Path, keys: Path | None, data: Path | None, database_url: str | None) -> None:
    files = KeyFiles.kept(keys=keys, data=data)
    contents = files.read()
    async with _database(data, database_url) as dsn:
        source = await read_source(dsn)
        if source.owner is None:
            raise Failed("this database holds nothing of mailprobe")
        if not source.may_back_up:
            raise Failed(
                f"this login may not act as {BACKUP_ROLE}; ask as the database's owner, after `mailprobe migrate`"
            )
        if source.hidden:
            raise Failed(f"rows of {', '.join(source.hidden)} would be left out; run `mailprobe migrate`")
        _require_keys(password_keys_of(contents), source.keys_of_passwords, "passwords")
        _require_keys(channel_keys_of(contents), source.keys_of_channels, "secrets of channels")
        with tempfile.TemporaryDirectory(prefix=".mailprobe-", dir=_folder_of(archive)) as folder:
            dump = Path(folder) / DUMP
            await run_program(
                await find_program("pg_dump", server_major=source.major),
                *("--format=custom", f"--role={BACKUP_ROLE}", "--enable-row-security", "--schema=mailprobe"),
                f"--file={dump}",
                dsn=dsn,
            )
            write_archive(
                archive,
                dump=dump,
                small=contents,
                manifest=Manifest(
                    made_at=datetime.now(UTC).isoformat(timespec="seconds"),
                    mailprobe=metadata.version("mailprobe"),
                    postgres=source.version,
                    owner=source.owner,
                    migration=source.migration,
                    sha256={},
                    roles=ROLES,
                ),
            )


async def _restored(archive: Path, keys: Path | None, data: Path | None, database_url: str | None) -> None:
    files = KeyFiles.kept(keys=keys, data=data)
    with tempfile.TemporaryDirectory(prefix=".mailprobe-", dir=_folder_of(archive)) as folder:
        dump = Path(folder) / DUMP
        manifest, contents = read_archive(archive, dump)
        files.require_room_for(contents)
        if data is not None and (data / "postgres" / "cluster").exists():
            raise Failed(f"{data} has a database already; name a new directory")
        async with _database(data, database_url, make=True) as dsn:
            target = await prepare_target(dsn)
            if not target.is_empty:
                raise Failed("this database has tables of mailprobe already; restore into an empty one")
            if target.user != manifest.owner:
                raise Failed(f"the tables belong to {manifest.owner}; restore as that user, not as {target.user}")
            # Keys first: a database without them would look restored.
            files.write(contents)
            await run_program(
                await find_program("pg_restore", server_major=target.major),
                *("--exit-on-error", "--single-transaction", "--no-owner", str(dump)),
                dsn=dsn,
            )
            await migrate(dsn, said=print_lines)


@asynccontextmanager
async def _database(data: Path | None, database_url: str | None, *, make: bool = False) -> AsyncIterator[str]:
    """The database to work on, its owner's address; the one of a data directory is started where nobody runs it."""
    if data is None:
        settings = DatabaseSettings.load(**({"database_url": database_url} if database_url else {}))
        yield settings.database_url.get_secret_value()
        return
    running = running_dsn(data / "postgres")
    if running is not None:
        yield running
        return
    if not make and not (data / "postgres").is_dir():
        raise Failed(f"{data} is no data directory of `mailprobe run`")
    try:
        async with EmbeddedPostgres(data / "postgres") as postgres:
            yield postgres.dsn()
    except EmbeddedPostgresError as error:
        raise Failed(str(error)) from None


def _require_keys(held: set[str], needed: Mapping[str, int], what: str) -> None:
    for key, count in needed.items():
        if key not in held:
            raise Failed(f"{count} {what} are sealed with the key {key}, which these rings lack: name the right ones")


def _require_one_way(keys: Path | None, data: Path | None) -> None:
    if (keys is None) == (data is None):
        fail("name --keys (and the database), or the --data directory of `mailprobe run`", code=EXIT_USAGE)


def _folder_of(archive: Path) -> Path:
    folder = archive.absolute().parent
    if not folder.is_dir():
        raise Failed(f"there is no directory {folder}")
    return folder
