"""`mailprobe secrets`: everything secret that services run apart need, a directory for each of them.

One directory is one service's: a volume of its container, or a Kubernetes Secret made by `--from-file`. Each service
gets its own user of the broker and its own login of the database; `operator` holds all of them beside the owner's
and the administrator's addresses, for `mailprobe migrate --logins` and `mailprobe broker apply --users`.
"""

import json
import re
import secrets as chance
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from yarl import URL

from cli.failing import fail
from cli.keys import CHANNEL_PRIVATE, CHANNEL_PUBLIC, PRIVATE, PUBLIC, generate
from cli.secret_files import write_once
from cli.showing import print_lines
from shared.broker.definitions import definitions_document
from shared.broker.users import OBSERVER, ON_CALL, SERVICES, users_in_definitions
from shared.checks.vocabulary import MailProtocol
from shared.database.logins import ROLE_OF_SERVICE

OPERATOR = "operator"
KEYS = "keys"
_PLAIN = 0o644  # servers of one's own read theirs as users of their own; the directory is what protects it

_LOCATION = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")

secrets = typer.Typer(no_args_is_help=True, help="The secrets of services that are run apart.")


@secrets.callback()
def _group() -> None:
    """The secrets of services that are run apart."""


@secrets.command("make")
def make(
    out: Annotated[Path, typer.Option(help="The directory to keep them in.", show_default=False)],
    database: Annotated[
        str, typer.Option(help="The database, as its owner; a password is made where there is none.", metavar="URL")
    ] = "postgresql://mailprobe@postgres:5432/mailprobe",
    broker: Annotated[
        str, typer.Option(help="RabbitMQ and the vhost.", metavar="URL")
    ] = "amqp://rabbitmq:5672/mailprobe",
    management: Annotated[
        str, typer.Option(help="RabbitMQ's management, as an administrator; likewise.", metavar="URL")
    ] = "http://administrator@rabbitmq:15672",
    location: Annotated[list[str] | None, typer.Option(help="A location with workers; may be repeated.")] = None,
    prefix: Annotated[str, typer.Option(help="What the names of users and logins begin with.")] = "mailprobe",
    own_servers: Annotated[
        bool, typer.Option(help="Also what a Postgres and a RabbitMQ of our own start with.")
    ] = False,
) -> None:
    """Make what is missing: keys, users, passwords. What is there stays; addresses follow the options."""
    for code in location or []:
        if not _LOCATION.fullmatch(code):
            fail(f"{code} is no code of a location: small letters, digits and hyphens, such as eu-fra1")
    if not (out / KEYS / PRIVATE).exists():
        generate(out=out / KEYS)
    keys = {name: (out / KEYS / name).read_text() for name in (PUBLIC, PRIVATE, CHANNEL_PUBLIC, CHANNEL_PRIVATE)}
    operator = out / OPERATOR
    workers = [f"{protocol}_worker.{code}" for code in location or ["default"] for protocol in MailProtocol]
    owner = _with_password(URL(database), operator / "database-url")
    administrator = _with_password(URL(management), operator / "management-url")
    users = {
        role: str(_own(URL(broker), f"{prefix}-{role}", operator / f"amqp-url.{role}"))
        for role in (*SERVICES, *workers, OBSERVER, ON_CALL)
    }
    logins = {
        service: str(_own(owner, f"{prefix}-{service}", operator / f"database-url.{service}"))
        for service in ROLE_OF_SERVICE
    }
    observing, on_call = (
        str(administrator.with_user(URL(users[role]).user).with_password(URL(users[role]).password))
        for role in (OBSERVER, ON_CALL)
    )
    folders = {
        OPERATOR: {
            "database-url": str(owner),
            "management-url": str(administrator),
            **{f"amqp-url.{role}": address for role, address in users.items()},
            **{f"database-url.{service}": address for service, address in logins.items()},
        },
        "observer": {"amqp-url": users[OBSERVER], "management-url": observing},
        "on-call": {"amqp-url": users[ON_CALL], "management-url": on_call},
        "api-gateway": {"public-keys": keys[PUBLIC], "channel-public-keys": keys[CHANNEL_PUBLIC]},
        "notifier": {"channel-private-keys": keys[CHANNEL_PRIVATE]},
        **{_folder(worker): {"private-keys": keys[PRIVATE]} for worker in workers},
    }
    for service, address in logins.items():
        folders.setdefault(_folder(service), {})["database-url"] = address
    for role, address in users.items():
        folders.setdefault(_folder(role), {})["amqp-url"] = address
    for service in SERVICES:  # to see whether our policies are there, and the gateway what waits
        folders[_folder(service)]["management-url"] = observing
    for folder, files in folders.items():
        _write(out / folder, files)
    if own_servers:
        _write_for_own_servers(out, owner=owner, administrator=administrator, users=users)
    print_lines(f"The secrets are in {out}. Keep a copy of {out / KEYS}: without it no password opens again.")


def _write_for_own_servers(out: Path, *, owner: URL, administrator: URL, users: Mapping[str, str]) -> None:
    _write(out / "postgres", {"password": owner.password or ""}, mode=_PLAIN)
    if (out / "rabbitmq" / "definitions.json").exists():
        return  # the broker keeps what it loaded first; `mailprobe broker apply --users` changes it
    document = {**definitions_document(), **users_in_definitions(users, administrator=str(administrator))}
    _write(out / "rabbitmq", {"definitions.json": json.dumps(document, indent=2)}, mode=_PLAIN)


def _folder(role: str) -> str:
    """As Kubernetes wants the names of Secrets."""
    return role.replace("_", "-").replace(".", "-")


def _own(address: URL, user: str, kept: Path) -> URL:
    """The address as a user of its own, with the password it has had so far."""
    return address.with_user(user).with_password(_kept_password(kept) or chance.token_urlsafe(24))


def _with_password(address: URL, kept: Path) -> URL:
    if not address.user:
        fail(f"{address} names no user")
    return address if address.password else address.with_password(_kept_password(kept) or chance.token_urlsafe(24))


def _kept_password(kept: Path) -> str | None:
    return URL(kept.read_text().strip()).password if kept.exists() else None


def _write(folder: Path, files: Mapping[str, str], *, mode: int = 0o600) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700 if mode == 0o600 else 0o755)
    for name, content in files.items():
        text = content if content.endswith("\n") else f"{content}\n"
        path = folder / name
        if path.exists() and path.read_text() == text:
            continue
        path.unlink(missing_ok=True)
        write_once({path: text}, mode=mode)
