"""`mailprobe users`: people, as an operator looks after them at the database."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, TypeVar

import typer

from cli.database import AsJson, Organization, Role
from cli.failing import Failed, fail, finish
from cli.operator import operator_name
from cli.operator_pool import Data, DatabaseUrl, operator_pool
from cli.output import Format, Output, printed
from cli.settings import ClientSettings
from cli.showing import print_lines, print_table, tell
from services.api_gateway.people import operating
from shared.runtime.settings import AddressSettings

T = TypeVar("T")

Address = Annotated[
    str | None,
    typer.Option(
        help="Where links lead [MAILPROBE_PUBLIC_URL, MAILPROBE_URL, http://127.0.0.1:8080].", show_default=False
    ),
]
Email = Annotated[str, typer.Argument(help="The e-mail address somebody signs in by.", show_default=False)]

people = typer.Typer(no_args_is_help=True, help="People who sign in in a browser.")


class GlobalRole(StrEnum):
    """What a person may do in every organization."""

    SUPPORTER = "supporter"
    ADMIN = "admin"


@people.command("set-up-link")
def set_up_link(address: Address = None, data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Print the link by which the first person signs up; the ones before it open nothing any more."""

    async def made() -> tuple[str, datetime] | None:
        async with operator_pool(database_url, data, verb="users") as pool:
            return await operating.set_up_link(pool, _address(address), operator=operator_name())

    link = finish(made())
    if link is None:
        print_lines("Somebody can sign in already; they invite others. `mailprobe users list` shows who.")
        return
    _print_link(*link)


@people.command("add")
def add(
    email: Email,
    name: Annotated[str | None, typer.Option(help="What they are called; else the address.")] = None,
    role: Annotated[Role, typer.Option(help="What they may do.")] = Role.USER,
    global_role: Annotated[
        GlobalRole | None, typer.Option("--global", help="And in every organization.", show_default=False)
    ] = None,
    customer: Annotated[
        list[int] | None, typer.Option(min=1, help="Only this customer; may be repeated.", show_default=False)
    ] = None,
    organization: Organization = 1,
    address: Address = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Invite somebody and print the link that lets them in. It is shown this once."""
    if email.count("@") != 1 or not all(email.split("@")) or any(char.isspace() for char in email) or len(email) > 254:
        raise typer.BadParameter(f"{email} is no e-mail address")
    if role is Role.READONLY and not customer:
        fail("somebody readonly sees the customers named here alone: name each by --customer")

    async def made() -> tuple[str, datetime]:
        async with operator_pool(database_url, data, verb="users") as pool:
            return await operating.add_person(
                pool,
                organization,
                _address(address),
                email=email,
                name=name or email,
                role=role.value,
                global_role=global_role.value if global_role else None,
                customers=customer or [],
                operator=operator_name(),
            )

    _print_link(*finish(_refused(made)))


@people.command("list")
def show(
    organization: Organization = 1,
    json: AsJson = False,
    output: Output = Format.TABLE,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """List an organization's people."""

    async def found() -> list[operating.Person]:
        async with operator_pool(database_url, data, verb="users") as pool:
            return await operating.people_of(pool, organization)

    everybody = finish(found())
    items = [
        {
            "publicId": str(each.public_id),
            "email": each.email,
            "name": each.name,
            "role": each.role,
            "globalRole": each.global_role,
            "customerIds": None if each.customer_ids is None else list(each.customer_ids),
            "disabled": each.disabled,
            "invited": each.invited,
            "lastSignInAt": _moment(each.last_sign_in_at),
        }
        for each in everybody
    ]
    if printed(output, items, json=json):
        return
    rows = [
        (
            each.email,
            each.name,
            each.role if each.global_role is None else f"global {each.global_role}",
            "all" if each.customer_ids is None else ", ".join(str(number) for number in each.customer_ids),
            "disabled" if each.disabled else "invited" if each.invited else "active",
            _moment(each.last_sign_in_at) or "never",
        )
        for each in everybody
    ]
    print_table(("email", "name", "role", "customers", "state", "last sign-in"), rows)


@people.command("reset-link")
def reset_link(
    email: Email,
    organization: Organization = 1,
    address: Address = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Print a link by which somebody chooses a new password. It is shown this once."""

    async def made() -> tuple[str, datetime]:
        async with operator_pool(database_url, data, verb="users") as pool:
            return await operating.reset_link(
                pool, organization, _address(address), email=email, operator=operator_name()
            )

    _print_link(*finish(_refused(made)))


@people.command("disable")
def disable(
    email: Email,
    undo: Annotated[bool, typer.Option("--undo", help="Let them in again.")] = False,
    organization: Organization = 1,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Keep somebody out, from the next request on."""

    async def done() -> None:
        async with operator_pool(database_url, data, verb="users") as pool:
            await operating.disable_person(pool, organization, email=email, disabled=not undo, operator=operator_name())

    finish(_refused(done))
    print_lines(f"{email} may sign in again." if undo else f"{email} is signed out everywhere and cannot sign in.")


async def _refused(work: Callable[[], Awaitable[T]]) -> T:
    try:
        return await work()
    except operating.Refused as error:
        raise Failed(str(error)) from None


def _print_link(link: str, expires: datetime) -> None:
    print(link)  # whole, whatever the width of the terminal
    tell(f"It opens once, until {expires.astimezone(UTC):%Y-%m-%d %H:%M} UTC.")


def _address(given: str | None) -> str:
    address = given or AddressSettings.load().public_url or ClientSettings.load().url
    if not address.startswith(("http://", "https://")):
        raise Failed(f"{address} is no address of a page: it begins with https:// or http://")
    return address


def _moment(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
