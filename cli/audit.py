"""`mailprobe audit`: who did what, when, from where, through the API."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from cli.api_client import api_client
from cli.failing import EXIT_USAGE, Failed, finish
from cli.moments import NoMoment, iso, read_length, read_moment
from cli.monitors import AsJson, TokenFile, Url
from cli.output import Format, Output, printed
from cli.showing import plain, print_lines, print_table

_LONGEST_CELL = 60

audit = typer.Typer(no_args_is_help=True, help="Who did what, when, from where.")


@audit.callback()
def _group() -> None:
    """Who did what, when, from where."""


@audit.command("list")
def list_(
    actor: Annotated[
        str | None, typer.Option(help="Only by these: token, user, operator, mailprobe or anybody.", metavar="KIND")
    ] = None,
    action: Annotated[str | None, typer.Option(help="Only this, such as created, changed or signed_in.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only to these, such as monitor, user or token.")] = None,
    object_id: Annotated[
        str | None, typer.Option("--object", help="Only to the one of this public id.", metavar="ID")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Not before: a time such as 2026-12-31T22:00, or so long ago: 2h, 7d.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 100,
    json: AsJson = False,
    output: Output = Format.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """List what was done, the newest first; for administrators."""
    wanted = {"actorKind": actor, "action": action, "objectKind": kind, "objectId": object_id}

    async def found() -> list[dict[str, Any]]:
        query = {name: value for name, value in wanted.items() if value is not None}
        if since is not None:
            query["since"] = _moment(since)
        async with api_client(url=url, token_file=token_file) as api:
            return await api.audit(limit=limit, **query)

    items = finish(found())
    if printed(output, items, json=json):
        return
    if not items:
        print_lines("Nothing of that kind was done.")
        return
    print_table(
        ("when", "who", "from", "did", "to", "what changed"),
        [
            (
                item["at"].replace("T", " ")[:19],
                plain(item["actor"]["name"] or item["actor"]["kind"]),
                plain(item["address"] or ""),
                item["action"],
                plain(f"{item['object']['kind']} {item['object']['name'] or item['object']['id'] or ''}".strip()),
                plain(", ".join(_change(name, change) for name, change in item["changes"].items())),
            )
            for item in items
        ],
    )


def _change(name: str, change: dict[str, Any]) -> str:
    return f"{name}: {_short(change['old'])} → {_short(change['new'])}"


def _short(value: Any) -> str:
    text = "–" if value is None else str(value)
    return text if len(text) <= _LONGEST_CELL else f"{text[: _LONGEST_CELL - 1]}…"


def _moment(text: str) -> str:
    now = datetime.now(UTC)
    try:
        return iso(now - read_length(text))
    except NoMoment:
        pass
    try:
        return iso(read_moment(text, "UTC", now=now))
    except NoMoment as error:
        raise Failed(f"{error}, nor a length such as 2h or 7d", code=EXIT_USAGE) from None
