"""`mailprobe migrate` and `mailprobe token`: what an operator does at the database."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.failing import Failed, fail, finish
from cli.operator import operator_name
from cli.operator_pool import Data, DatabaseUrl, operator_pool
from cli.output import Format, Output, printed
from cli.secret_files import addresses_by_role, write_once
from cli.showing import print_lines, print_table
from services.api_gateway.token_store import TokenFacts, issue_token, list_tokens, revoke_token
from shared.database.errors import DatabaseRejected, DatabaseUnavailable
from shared.database.logins import ROLE_OF_SERVICE, make_logins
from shared.database.migrations import migrate as migrate_database
from shared.database.opening import database_name
from shared.runtime.settings import DatabaseSettings

Organization = Annotated[int, typer.Option(min=1, help="The organization's number.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON; the same as -o json.")]

tokens = typer.Typer(no_args_is_help=True, help="Bearer tokens of the API.")


class Role(StrEnum):
    """What a token may do."""

    ADMIN = "admin"
    USER = "user"
    READONLY = "readonly"
    SUPPORTER = "supporter"


def migrate(
    database_url: DatabaseUrl = None,
    logins: Annotated[
        Path | None,
        typer.Option(
            help="Also make each service's own login: the directory with a file database-url.SERVICE for each.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Bring the database up to date. Any number may do so at once."""
    dsn = _dsn(database_url)
    addresses = addresses_by_role(logins, "database-url.") if logins else {}
    if unknown := sorted(set(addresses) - set(ROLE_OF_SERVICE)):
        fail(f"{unknown[0]} is no service with a database")

    async def migrated() -> int:
        try:
            return await migrate_database(dsn, said=print_lines)
        except DatabaseUnavailable as error:
            raise Failed(f"cannot reach {database_name(dsn)}: {error}") from None

    applied = finish(migrated())
    print_lines(f"{applied} migrations applied." if applied else "The database is up to date.")
    for name in finish(make_logins(dsn, addresses)) if addresses else ():
        print_lines(f"The login {name} is there, with its role.")


@tokens.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What it is for.", show_default=False)],
    role: Annotated[Role, typer.Option(help="What it may do.")] = Role.USER,
    organization: Organization = 1,
    customer: Annotated[int | None, typer.Option(min=1, help="Only this customer's monitors.")] = None,
    expires_in_days: Annotated[int | None, typer.Option(min=1, max=365, help="Never, unless given.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Write it to this file instead, for its owner alone; nothing is done where it is there."),
    ] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make a token and print it. It is shown this once."""
    if out is not None and out.exists():
        print_lines(f"{out} is there already.")
        return

    async def made() -> str:
        expires = datetime.now(UTC) + timedelta(days=expires_in_days) if expires_in_days else None
        async with operator_pool(database_url, data, verb="token") as pool:
            try:
                return await issue_token(
                    pool,
                    organization_id=organization,
                    name=name,
                    role=role.value,
                    customer_id=customer,
                    expires=expires,
                    operator=operator_name(),
                )
            except DatabaseRejected:
                raise Failed(f"there is no organization {organization} with such a customer") from None

    token = finish(made())
    if out is None:
        print_lines(token)
    else:
        write_once({out: f"{token}\n"})
        print_lines(f"The token is in {out}.")


@tokens.command("list")
def show(
    organization: Organization = 1,
    json: AsJson = False,
    output: Output = Format.TABLE,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """List an organization's tokens, by their last characters."""

    async def found() -> list[TokenFacts]:
        async with operator_pool(database_url, data, verb="token") as pool:
            return await list_tokens(pool, organization)

    facts = finish(found())
    items = [
        {
            "id": each.id,
            "name": each.name,
            "role": each.role,
            "tokenHint": each.token_hint,
            "customerId": each.customer_id,
            "createdAt": _moment(each.created_at),
            "expiresAt": _moment(each.expires_at),
            "lastUsedAt": _moment(each.last_used_at),
        }
        for each in facts
    ]
    if printed(output, items, json=json):
        return
    rows = [
        (
            str(each.id),
            each.name,
            each.role,
            each.token_hint,
            str(each.customer_id or "all"),
            _moment(each.expires_at) or "never",
            _moment(each.last_used_at) or "never",
        )
        for each in facts
    ]
    print_table(("id", "name", "role", "token", "customer", "expires", "last used"), rows)


@tokens.command("revoke")
def revoke(
    token_id: Annotated[int, typer.Argument(help="Its number, as `token list` shows it.", show_default=False)],
    organization: Organization = 1,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Delete a token; it is refused from the next request on."""

    async def revoked() -> bool:
        async with operator_pool(database_url, data, verb="token") as pool:
            return await revoke_token(pool, organization, token_id, operator=operator_name())

    async def do() -> None:
        if not await revoked():
            raise Failed(f"there is no token {token_id} in organization {organization}")

    finish(do())
    print_lines(f"Token {token_id} is revoked.")


def _dsn(database_url: str | None) -> str:
    async def loaded() -> str:
        settings = DatabaseSettings.load(**({"database_url": database_url} if database_url else {}))
        return settings.database_url.get_secret_value()

    return finish(loaded())


def _moment(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
