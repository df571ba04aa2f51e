"""`mailprobe incidents`: list, show and acknowledge incidents through the API."""

from typing import Annotated, Any
from uuid import UUID

import typer

from cli.api_client import INCIDENTS, api_client
from cli.failing import finish
from cli.incident_page import duration, incident_lines
from cli.monitors import AsJson, TokenFile, Url
from cli.output import Format, Output, printed
from cli.showing import ago, plain, print_lines, print_table

PublicId = Annotated[UUID, typer.Argument(help="The incident's publicId.", show_default=False)]

incidents = typer.Typer(no_args_is_help=True, help="Outages, confirmed.")


@incidents.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Resolved ones too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 100,
    json: AsJson = False,
    output: Output = Format.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """List open incidents, the newest first."""

    async def found() -> list[dict[str, Any]]:
        async with api_client(url=url, token_file=token_file) as api:
            return await api.incidents(limit=limit, **({} if everything else {"status": "open"}))

    items = finish(found())
    if printed(output, items, json=json):
        return
    if not items:
        print_lines("There were no incidents yet." if everything else "No incident is open.")
        return
    print_table(
        ("state", "monitor", "host", "phase", "what is wrong", "began", "lasted", "acknowledged", "public id"),
        [
            (
                item["status"],
                plain(item["imapPopMonitor"]["name"]),
                plain(item["imapPopMonitor"]["hostname"]),
                item["phase"],
                plain(item["error_message"]),
                ago(item["outage_started_at"]),
                duration(item["outage_started_at"], item["resolved_at"]),
                plain(item["acknowledged_by"] or ""),
                item["public_id"],
            )
            for item in items
        ],
    )


@incidents.command("show")
def show(
    public_id: PublicId,
    json: AsJson = False,
    output: Output = Format.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Show an incident, and what happened in order."""

    async def found() -> dict[str, Any]:
        async with api_client(url=url, token_file=token_file) as api:
            return await api.incident(public_id)

    details = finish(found())
    if not printed(output, details, json=json):
        print_lines(*incident_lines(details))


@incidents.command("ack")
def acknowledge(
    public_ids: Annotated[list[UUID], typer.Argument(help="Their publicIds.", show_default=False)],
    note: Annotated[str | None, typer.Option(help="Leave a note as well.")] = None,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Say that somebody takes care of them: reminders stop."""

    async def acknowledged() -> None:
        async with api_client(url=url, token_file=token_file) as api:
            for public_id in public_ids:
                incident = (await api.acknowledge(public_id))["incident"]
                if note is not None:
                    await api.note(public_id, note)
                print_lines(f"{public_id}: acknowledged by {incident['acknowledgedBy']}.")

    finish(acknowledged())


@incidents.command("note")
def note(
    public_id: PublicId,
    text: Annotated[str, typer.Argument(help="What to say.", show_default=False)],
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Leave a note in an incident's timeline."""

    async def noted() -> None:
        async with api_client(url=url, token_file=token_file) as api:
            await api.note(public_id, text)

    finish(noted())
    print_lines(f"{public_id}: noted.")


@incidents.command("snooze")
def snooze(
    public_id: PublicId,
    minutes: Annotated[int, typer.Argument(min=0, max=43_200, help="For so long; 0 ends it.", show_default=False)],
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Leave out reminders of an incident for a while."""

    async def snoozed() -> None:
        async with api_client(url=url, token_file=token_file) as api:
            await api.request("POST", f"{INCIDENTS}/{public_id}/snooze", body={"minutes": minutes})

    finish(snoozed())
    print_lines(f"{public_id}: snoozed for {minutes} minutes." if minutes else f"{public_id}: snoozed no more.")
