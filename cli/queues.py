"""`mailprobe queue`: how long RabbitMQ's queues are, and what that means."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from cli.broker import ManagementUrl, Vhost, where_management_is
from cli.failing import finish
from cli.showing import print_json, print_table
from shared.broker.queue_depths import Standing, queue_depths

STANDING_LOOKS = {Standing.WELL: ("●", "green"), Standing.LOOK: ("◐", "yellow"), Standing.ACT: ("✖", "bold red")}

queues = typer.Typer(no_args_is_help=True, help="What waits in RabbitMQ.")


@queues.callback()
def _group() -> None:
    """What waits in RabbitMQ."""


@queues.command("status")
def status(
    management_url: ManagementUrl = None,
    vhost: Vhost = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Each queue's depth in words; exit code 1 where somebody has to act."""
    url, chosen = finish(where_management_is(management_url, vhost))
    depths = finish(queue_depths(url, vhost=chosen))
    if as_json:
        print_json([asdict(depth) for depth in depths])
    else:
        print_table(
            ("", "queue", "waiting", "with a consumer", "consumers", "what it means"),
            (
                (
                    Text(STANDING_LOOKS[each.standing][0], style=STANDING_LOOKS[each.standing][1]),
                    each.name,
                    str(each.ready),
                    str(each.unacked),
                    str(each.consumers),
                    each.meaning,
                )
                for each in depths
            ),
        )
    if any(depth.standing is Standing.ACT for depth in depths):
        raise typer.Exit(1)
