"""`mailprobe system`: how mailprobe itself is doing, as its API tells whoever looks after it."""

from collections.abc import Iterable
from typing import Any

import typer
from rich.text import Text

from cli.api_client import api_client
from cli.failing import finish
from cli.monitors import AsJson, TokenFile, Url
from cli.output import Format, Output, printed
from cli.queues import STANDING_LOOKS
from cli.showing import ago, plain, print_lines, print_table
from shared.broker.queue_depths import Standing

SYSTEM = "/api/system"

system = typer.Typer(no_args_is_help=True, help="How mailprobe itself is doing.")


@system.callback()
def _group() -> None:
    """How mailprobe itself is doing."""


@system.command("status")
def status(json: AsJson = False, output: Output = Format.TABLE, url: Url = None, token_file: TokenFile = None) -> None:
    """Lag, backlogs, queues and what is kept. Exit code 1 where somebody has to act."""

    async def asked() -> dict[str, Any]:
        async with api_client(url=url, token_file=token_file) as api:
            answer: dict[str, Any] = await api.request("GET", SYSTEM)
            return answer

    state = finish(asked())
    trouble = troubles(state)
    if not printed(output, state, json=json):
        print_table(("", ""), _figures(state))
        print_table(
            ("", "queue", "waiting", "with a consumer", "consumers", "what it means"),
            [_queue(each) for each in state["queues"]["items"]],
        )
        print_lines(*(plain(said) for said in trouble))
    if trouble:
        raise typer.Exit(1)


def troubles(state: dict[str, Any]) -> list[str]:
    """What somebody has to do something about, a sentence each."""
    schedule, queues, notifier = state["schedule"], state["queues"], state["notifier"]
    said = []
    if schedule["late"]:
        said.append(
            f"{schedule['late']} checks are due and nobody asks for them, for {schedule['lagSeconds']:.0f} s: "
            "is a scheduler running, and does the broker answer?"
        )
    said += [
        f"The check of its own failed at {canary['location']} over {canary['protocol'].upper()}: {canary['message']}"
        for canary in state["canaries"]
        if not canary["passed"]
    ]
    if queues["problem"]:
        said.append(f"Nothing is known of the queues: {queues['problem']}")
    said += [f"{each['name']}: {each['meaning']}." for each in queues["items"] if each["standing"] == Standing.ACT]
    if notifier["failed"]:
        said.append(f"{notifier['failed']} messages were given up within a day: see `mailprobe channels list`.")
    if state["retention"]["astray"]:
        said.append("Some results are of days no room was made for: a scheduler makes it, daily.")
    return said


def _figures(state: dict[str, Any]) -> Iterable[tuple[str, str | Text]]:
    schedule, results, notifier, kept = (state[part] for part in ("schedule", "results", "notifier", "retention"))
    return [
        ("scheduler", plain(schedule["scheduler"] or "none so far")),
        ("late to be asked for", f"{schedule['late']} of {schedule['scheduled']}"),
        ("95 % begin within", _seconds(results["waitSeconds"])),
        ("95 % are stored within", _seconds(results["storeSeconds"])),
        *((f"own check at {each['location']} over {each['protocol']}", _canary(each)) for each in state["canaries"]),
        ("to be told", _backlog(notifier["pending"], notifier["oldestAt"])),
        ("to be sent", _backlog(notifier["unsent"], notifier["unsentSince"])),
        ("given up within a day", str(notifier["failed"])),
        ("results kept from", f"{kept['resultsFrom'] or '-'}, {kept['bytes'] / 1e6:.0f} MB"),
        ("room made until", kept["resultsUntil"] or "-"),
        *(
            (f"{what} kept for", f"{kept[name]} days")
            for what, name in (
                ("results", "resultsDays"),
                ("hours", "hoursDays"),
                ("days and incidents", "historyDays"),
                ("audit log", "auditDays"),
            )
        ),
    ]


def _queue(queue: dict[str, Any]) -> tuple[str | Text, ...]:
    glyph, style = STANDING_LOOKS[Standing(queue["standing"])]
    held = queue["unacknowledged"]
    return (
        Text(glyph, style=style),
        plain(queue["name"]),
        str(queue["ready"]),
        "not known" if held is None else str(held),
        str(queue["consumers"]),
        plain(queue["meaning"]),
    )


def _canary(canary: dict[str, Any]) -> str:
    how = "passed" if canary["passed"] else "failed"
    return f"{how} in {_seconds(canary['tookSeconds'])}, {ago(canary['storedAt'])}"


def _backlog(count: int, since: str | None) -> str:
    return f"{count}, since {ago(since)}" if count else "nothing"


def _seconds(seconds: float | None) -> str:
    return "not known" if seconds is None else f"{seconds:.1f} s"
