"""`mailprobe customers`: list, show, add, change and cancel customers through the API."""

from typing import Annotated, Any

import typer

from cli.api_client import CUSTOMERS, ApiClient, api_client
from cli.failing import EXIT_USAGE, Failed, confirm, finish
from cli.monitors import AsJson, TokenFile, Url
from cli.output import Format, Output, printed
from cli.showing import plain, print_lines, print_table

Named = Annotated[str, typer.Argument(help="The customer's number, publicId or name.", show_default=False)]
Email = Annotated[str | None, typer.Option(help="Whom to write to.")]
Package = Annotated[str | None, typer.Option(help="Whose thresholds and limits hold.")]
Country = Annotated[list[str] | None, typer.Option(help="Checked from there alone, such as DE; may be repeated.")]
Locations = Annotated[int | None, typer.Option(min=1, max=100, help="How many locations have to agree.")]

customers = typer.Typer(no_args_is_help=True, help="Whose mailboxes they are.")


@customers.command("list")
def list_(json: AsJson = False, output: Output = Format.TABLE, url: Url = None, token_file: TokenFile = None) -> None:
    """List customers."""

    async def found() -> list[dict[str, Any]]:
        async with api_client(url=url, token_file=token_file) as api:
            return await api.customers()

    items = finish(found())
    if printed(output, items, json=json):
        return
    rows = [
        (
            str(item["id"]),
            plain(item["name"]),
            plain(item["email"] or ""),
            plain(item["packageType"] or "standard"),
            item["status"],
            item["publicId"],
        )
        for item in items
    ]
    print_table(("id", "name", "e-mail", "package", "status", "public id"), rows)


@customers.command("show")
def show(
    customer: Named,
    json: AsJson = False,
    output: Output = Format.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Show a customer."""

    async def found() -> dict[str, Any]:
        async with api_client(url=url, token_file=token_file) as api:
            return await customer_named(api, customer)

    item = finish(found())
    if not printed(output, item, json=json):
        print_lines(*(f"{name}: {'none' if value is None else value}" for name, value in item.items()))


@customers.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What it is called.", show_default=False)],
    email: Email = None,
    package: Package = None,
    json: AsJson = False,
    output: Output = Format.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Add a customer."""

    async def added() -> dict[str, Any]:
        async with api_client(url=url, token_file=token_file) as api:
            body = {"name": name, "email": email, "packageType": package}
            answer: dict[str, Any] = await api.request("POST", CUSTOMERS, body=body)
            return answer

    item = finish(added())["customer"]
    if not printed(output, item, json=json):
        print_lines(f"Added {item['name']} as {item['id']}.")


@customers.command("change")
def change(
    customer: Named,
    name: Annotated[str | None, typer.Option(help="What it is called.")] = None,
    email: Email = None,
    package: Package = None,
    country: Country = None,
    locations: Locations = None,
    json: AsJson = False,
    output: Output = Format.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Change a customer; `--email ""` and the like take something away."""
    told = {"name": name, "email": email, "packageType": package, "alertLocationThresholdCount": locations}
    body: dict[str, Any] = {field: value if value != "" else None for field, value in told.items() if value is not None}
    if country is not None:
        body["allowedCheckCountryCodes"] = [code for code in country if code] or None

    async def changed() -> dict[str, Any]:
        if not body:
            raise Failed("say what to change, such as --email", code=EXIT_USAGE)
        async with api_client(url=url, token_file=token_file) as api:
            found = await customer_named(api, customer)
            answer: dict[str, Any] = await api.request("PATCH", f"{CUSTOMERS}/{found['publicId']}", body=body)
            return answer

    item = finish(changed())
    if not printed(output, item, json=json):
        print_lines(f"Changed {item['name']}.")


@customers.command("cancel")
def cancel(
    customer: Named,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: AsJson = False,
    output: Output = Format.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Mark a customer for cancellation; there are days of grace."""

    async def cancelled() -> tuple[str, Any]:
        async with api_client(url=url, token_file=token_file) as api:
            found = await customer_named(api, customer)
            confirm(f"Cancel {found['name']}?", yes=yes)
            return found["name"], await api.request("POST", f"{CUSTOMERS}/{found['publicId']}/cancel")

    name, answer = finish(cancelled())
    if not printed(output, answer, json=json):
        print_lines(f"{name} is marked for cancellation.")


async def customer_named(api: ApiClient, named: str) -> dict[str, Any]:
    """The customer by number, public id or name. Raises Failed."""
    everybody = await api.customers()
    found = [each for each in everybody if named in (str(each["id"]), each["publicId"])]
    found = found or [each for each in everybody if each["name"] == named]
    if len(found) == 1:
        return found[0]
    if found:
        numbers = ", ".join(str(each["id"]) for each in found)
        raise Failed(f"there are several customers named {named}: {numbers}", code=EXIT_USAGE)
    raise Failed(f"there is no customer {named}")
