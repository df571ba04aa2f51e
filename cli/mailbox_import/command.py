"""`mailprobe monitors import FILE.csv`: its options, what it shows while it works, and what it answers with."""

import asyncio
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from cli.api_client import ApiClient, api_client
from cli.failing import EXIT_USAGE, Failed, finish
from cli.mailbox_import.rows import Table, Unreadable, read_table, red_table
from cli.mailbox_import.running import End, Report, Run, live_places, plans_of
from cli.mailbox_import.wanted import Filling, Plan, Todo, Wanted, twice
from cli.output import Format, Output, printed
from cli.showing import plain, print_lines, print_table, tell

EXIT_RED = 1
EXIT_STOPPED = 3
_SHOWN = 20
_QUIET_SECONDS = 60.0
_WHY_SLOW = (
    "A server that refused passwords is given new ones minutes apart, so that it bans nobody. Ctrl-C ends this; run "
    "again, it goes on."
)

_IN_WORDS = {
    Todo.CREATE: "add and test",
    Todo.RETRY: "change and test again",
    Todo.AWAIT: "wait for its first check",
    Todo.CHANGE: "change",
    Todo.LEAVE: "leave as it is",
    Todo.RED: "red, and paused; --update tries it again",
}


def import_mailboxes(
    file: Annotated[
        Path, typer.Argument(help="CSV with address, password, and what else is known.", show_default=False)
    ],
    customer: Annotated[str | None, typer.Option(help="Of rows that name none: number, publicId or name.")] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Change what differs, and try red ones again with the file's password.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    red: Annotated[
        Path | None, typer.Option(help="Write red rows there as they stood, with the reason. It holds their passwords.")
    ] = None,
    trust_discovery: Annotated[
        bool,
        typer.Option("--trust-discovery", help="Use servers that were found although a warning stands beside them."),
    ] = False,
    patience: Annotated[float, typer.Option(min=0.1, help="Minutes to wait while no first check ends.")] = 20,
    json_: Annotated[bool, typer.Option("--json", help="Answer in JSON; the same as -o json.")] = False,
    output: Output = Format.TABLE,
    url: Annotated[str | None, typer.Option(help="Where mailprobe is [MAILPROBE_URL].", show_default=False)] = None,
    token_file: Annotated[Path | None, typer.Option(help="The token's file.", show_default=False)] = None,
) -> None:
    """Add many mailboxes at once, each tested by its first check.

    The first line names the columns, in any order and case: address, password; and if you like host, port, protocol,
    security, user, customer, name, interval, mailbox. What a row leaves out is found from its address. Rows that pass
    stay active; red ones are paused. Run again, it goes on where it was; what is there already is left as it is.

    Exit codes: 0 every row is green, 1 some are not, 2 the file or an option is wrong, 3 stopped early, because the
    first passwords were all refused.
    """

    async def imported() -> Report | None:
        table = await asyncio.to_thread(_read, file)
        async with api_client(url=url, token_file=token_file) as api:
            wanted, plans = await _planned(api, table, customer=customer, trust=trust_discovery, update=update)
            if dry_run:
                _show_plans(wanted, plans)
                return None
            places = await live_places(api, plans)
            with _Shown(len(wanted)) as shown:
                report = await Run(api, places=places, patience_seconds=patience * 60, said=shown.say).run(
                    wanted, plans
                )
        if red is not None:
            rows = [(each.row, each.reason) for each in report.of(End.RED, End.UNTRIED)]
            await asyncio.to_thread(_write_red, red, red_table(table.header, rows))
        return report

    report = finish(imported())
    if report is None:
        return
    _show(report, output=Format.JSON if json_ else output)
    if red is None and report.of(End.RED, End.UNTRIED):
        tell("Nothing was written of the red rows: run it again with --red FILE to have them with their reasons.")
    if report.stops:
        raise typer.Exit(EXIT_STOPPED)
    if report.of(End.RED, End.UNTRIED, End.UNTESTED):
        raise typer.Exit(EXIT_RED)


def _read(file: Path) -> Table:
    try:
        table = read_table(file.read_bytes())
    except OSError as error:
        raise Failed(f"{file} cannot be read: {error.strerror}", code=EXIT_USAGE) from None
    except Unreadable as error:
        raise Failed(f"{file}: nothing was imported\n{error}", code=EXIT_USAGE) from None
    if table.unused:
        tell(f"Note: these columns are not used: {', '.join(table.unused)}")
    return table


async def _planned(
    api: ApiClient, table: Table, *, customer: str | None, trust: bool, update: bool
) -> tuple[list[Wanted], list[Plan]]:
    filling = Filling(api, await api.customers(), customer=customer, trust=trust)
    try:
        wanted = [await filling.fill(row) for row in table.rows]
    except Failed as error:
        raise Failed(f"nothing was imported: {error}", code=EXIT_USAGE) from None
    if doubled := twice(wanted):
        raise Failed("nothing was imported\n" + "\n".join(doubled), code=EXIT_USAGE)
    return wanted, plans_of(wanted, await api.monitors(), update=update)


def _write_red(path: Path, text: str) -> None:
    """For whoever runs this alone: it holds passwords."""
    try:
        path.unlink(missing_ok=True)
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(opened, "w", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as error:
        raise Failed(f"{path} cannot be written: {error.strerror}") from None


def _show_plans(wanted: list[Wanted], plans: list[Plan]) -> None:
    of_line = {each.wanted.row.line: each for each in plans}
    rows = []
    for each in wanted:
        found = of_line.get(each.row.line)
        what = each.fault or (_IN_WORDS[found.todo] if found else "")
        if found and found.differs:
            what = f"{what} ({', '.join(found.differs)})"
        where = "" if each.fault else f"{each.host}{f':{each.port}' if each.port else ''}"
        rows.append(
            (str(each.row.line), plain(each.row.address), plain(where), each.protocol, each.security, plain(what))
        )
    print_table(("line", "address", "host", "protocol", "security", "would"), rows)


def _show(report: Report, *, output: Format) -> None:
    counts = Counter(each.end for each in report.outcomes)
    outcomes = [
        {
            "line": each.row.line,
            "address": each.row.address,
            "end": each.end.value,
            "reason": each.reason or None,
            "monitor": each.monitor,
        }
        for each in report.of(*End)
    ]
    document = {
        "rows": len(report.outcomes),
        "counts": {end.value: counts[end] for end in End},
        "stopped": report.stops,
        "outcomes": outcomes,
    }
    if not printed(output, outcomes if output is Format.CSV else document):
        print_lines(f"{len(report.outcomes)} rows: " + ", ".join(f"{counts[end]} {end}" for end in End if counts[end]))
        tested = report.of(End.RED, End.UNTESTED)
        for each in tested[:_SHOWN]:
            print_lines(f"  line {each.row.line}, {each.row.address}: {each.reason}")
        if len(tested) > _SHOWN:
            print_lines(f"  and {len(tested) - _SHOWN} more; --red FILE writes them all")
    tell(*(f"Stopped early: {reason}. Put it right, and run this again with --update." for reason in report.stops))


class _Shown:
    """Progress on standard error: a bar on a terminal, now and then a line elsewhere."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._console = Console(file=sys.stderr)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task: TaskID = self._progress.add_task("testing", total=rows)
        self._told = 0
        self._done = 0
        self._quiet_since = time.monotonic()

    def __enter__(self) -> "_Shown":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, report: Report, trying: int, waiting: int) -> None:
        """Show how far it is."""
        done = len(report.outcomes)
        red = len(report.of(End.RED))
        said = f"{done - red} settled, {red} red, {trying} being tested, {waiting} to come"
        self._progress.update(self._task, completed=done, description=said)
        if not self._console.is_terminal and done >= self._told + max(25, self._rows // 10):
            self._told = done
            tell(f"{done} of {self._rows} rows: {said}")
        if done != self._done:
            self._done, self._quiet_since = done, time.monotonic()
        elif trying and time.monotonic() >= self._quiet_since + _QUIET_SECONDS:
            self._quiet_since = time.monotonic()
            # Through the progress's own console, which keeps the bar below it.
            self._console.print(f"{done} of {self._rows} rows: {said}. {_WHY_SLOW}", highlight=False)
