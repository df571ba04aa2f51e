"""`mailprobe dlq`: messages nobody could handle: why they died, what they say, back to work or away.

Letters are named by the beginning of their message id. Nothing secret is shown in clear: passwords travel sealed, and
even a seal is left out; a body that is none of our messages is not shown at all.
"""

import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeVar

import typer
from yarl import URL

from cli.broker import ManagementUrl, Vhost, where_management_is
from cli.failing import EXIT_USAGE, Failed, fail, finish
from cli.settings import AmqpSettings
from cli.showing import ago, print_json, print_lines, print_table
from shared.broker.dead_letters import DeadLetter, DeadLetterDesk, Settled, open_dead_letters
from shared.broker.envelope import UnreadableMessage, read_jobs, read_results
from shared.broker.seam import BrokerError
from shared.checks.messages import JOBS_TYPE, RESULTS_TYPE

_REASONS = {
    "rejected": "its reader refused it: it cannot be read, or holds what the database does not take",
    "delivery_limit": "it came back each time it was given out: a worker most likely died of it, or was killed with it",
    "expired": "it waited longer than its queue allows",
    "maxlen": "its queue was full",
}
T = TypeVar("T")

_SECRET_NAMES = ("password", "secret", "token", "credential")
_DEFAULT_PORTS = {"amqp": 5672, "amqps": 5671}

AmqpUrl = Annotated[
    str | None,
    typer.Option(
        help="RabbitMQ and its vhost, as a user who may read dead letters and publish [MAILPROBE_AMQP_URL]; else the "
        "user and host of the management address.",
        metavar="URL",
        show_default=False,
    ),
]
Letters = Annotated[list[str] | None, typer.Argument(help="Which, as `dlq list` names them.", show_default=False)]
Every = Annotated[bool, typer.Option("--all", help="Every letter there is now.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]

dead_letters = typer.Typer(no_args_is_help=True, help="Messages that nobody could handle.")


@dead_letters.command("list")
def list_letters(
    amqp_url: AmqpUrl = None,
    management_url: ManagementUrl = None,
    vhost: Vhost = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the oldest first.")] = 100,
    as_json: AsJson = False,
) -> None:
    """The dead letters and why they died; they stay where they are."""
    letters = finish(_at_the_desk(amqp_url, management_url, vhost, lambda desk: desk.look(most=limit)))
    if as_json:
        print_json([_facts(letter) for letter in letters])
    elif not letters:
        print_lines("There are no dead letters.")
    else:
        print_table(
            ("letter", "what", "lay in", "died", "because"),
            (
                (
                    letter.id,
                    _content(letter),
                    letter.queue or "?",
                    ago(letter.died_at.isoformat() if letter.died_at else None),
                    _reason(letter),
                )
                for letter in letters
            ),
        )


@dead_letters.command("show")
def show(
    letter: Annotated[str, typer.Argument(help="Which, as `dlq list` names them.", show_default=False)],
    amqp_url: AmqpUrl = None,
    management_url: ManagementUrl = None,
    vhost: Vhost = None,
    as_json: AsJson = False,
) -> None:
    """One letter whole, its secrets left out."""
    letters = finish(_at_the_desk(amqp_url, management_url, vhost, lambda desk: desk.look()))
    found = next((each for each in letters if each.id == letter), None)
    if found is None:
        fail(f"there is no dead letter {letter}")
    if as_json:
        print_json({**_facts(found), "headers": _without_secrets(dict(found.headers)), "body": _shown_body(found)})
        return
    body = _shown_body(found)
    print_lines(
        f"{found.id}: {_content(found)}",
        f"It lay in {found.queue or 'no queue we know of'}, as {found.exchange or '?'} with the key "
        f"{found.routing_key or '?'}, and died {ago(found.died_at.isoformat() if found.died_at else None)}: "
        f"{_reason(found)}.",
        f"Back to work: mailprobe dlq requeue {found.id}    Away with it: mailprobe dlq purge {found.id}",
        "",
    )
    if isinstance(body, str):
        print_lines(body)
    else:
        print_json(body)


@dead_letters.command("requeue")
def requeue(
    letters: Letters = None,
    every: Every = False,
    amqp_url: AmqpUrl = None,
    management_url: ManagementUrl = None,
    vhost: Vhost = None,
) -> None:
    """Send letters back to where they came from. A check whose time is over is then only counted as missed."""
    chosen = _chosen(letters, every)
    _say_done(
        finish(_at_the_desk(amqp_url, management_url, vhost, lambda desk: desk.send_back(chosen))),
        chosen,
        "was sent back to",
    )


@dead_letters.command("purge")
def purge(
    letters: Letters = None,
    every: Every = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    amqp_url: AmqpUrl = None,
    management_url: ManagementUrl = None,
    vhost: Vhost = None,
) -> None:
    """Throw letters away. Jobs among them are counted as missed already; results are lost for good."""
    chosen = _chosen(letters, every)
    if not yes:
        if not sys.stdin.isatty():
            fail("throwing letters away has to be confirmed with --yes", code=EXIT_USAGE)
        typer.confirm(f"Throw away {'every dead letter' if chosen is None else ', '.join(sorted(chosen))}?", abort=True)
    _say_done(
        finish(_at_the_desk(amqp_url, management_url, vhost, lambda desk: desk.throw_away(chosen))),
        chosen,
        "was thrown away, from",
    )


async def _at_the_desk(
    amqp_url: str | None,
    management_url: str | None,
    vhost: str | None,
    do: Callable[[DeadLetterDesk], Awaitable[T]],
) -> T:
    address = await _amqp_address(amqp_url, management_url, vhost)
    try:
        async with open_dead_letters(address) as desk:
            return await do(desk)
    except BrokerError as error:
        raise Failed(str(error)) from None


async def _amqp_address(amqp_url: str | None, management_url: str | None, vhost: str | None) -> str:
    given = AmqpSettings.load(**({"amqp_url": amqp_url} if amqp_url else {})).amqp_url
    if given is not None:
        url = URL(given.get_secret_value())
        return str(url if vhost is None else _in_vhost(url, vhost))
    management, chosen = await where_management_is(management_url, vhost)
    url = URL(management)
    scheme = "amqps" if url.scheme == "https" else "amqp"
    return str(_in_vhost(url.with_scheme(scheme).with_port(_DEFAULT_PORTS[scheme]), chosen))


def _in_vhost(url: URL, vhost: str) -> URL:
    return url.with_path("/" + vhost.replace("%", "%25").replace("/", "%2F"), encoded=True)


def _chosen(letters: Sequence[str] | None, every: bool) -> set[str] | None:
    if bool(letters) == every:
        fail("name letters, or all of them with --all", code=EXIT_USAGE)
    return None if every else set(letters or ())


def _say_done(settled: Sequence[Settled], chosen: set[str] | None, done: str) -> None:
    for each in settled:
        where = each.letter.queue or "nowhere we know of"
        print_lines(
            f"{each.letter.id} {done} {where}." if each.fault is None else f"{each.letter.id} stays: {each.fault}."
        )
    unknown = sorted((chosen or set()) - {each.letter.id for each in settled})
    for name in unknown:
        print_lines(f"There is no dead letter {name}.")
    if not settled and chosen is None:
        print_lines("There are no dead letters.")
    if unknown or any(each.fault for each in settled):
        raise typer.Exit(1)


def _reason(letter: DeadLetter) -> str:
    return _REASONS.get(letter.reason, letter.reason or "the broker does not say")


def _content(letter: DeadLetter) -> str:
    try:
        if letter.type == JOBS_TYPE:
            jobs = read_jobs(letter.body, letter.type).jobs
            checks = ", ".join(str(job.check_id) for job in jobs[:3])
            return f"{len(jobs)} {'job' if len(jobs) == 1 else 'jobs'}, check {checks}"
        if letter.type == RESULTS_TYPE:
            results = read_results(letter.body, letter.type).results
            monitors = ", ".join(str(result.monitor_public_id) for result in results[:3])
            return f"{len(results)} {'result' if len(results) == 1 else 'results'}, monitor {monitors}"
    except UnreadableMessage as error:
        return str(error)
    return f"a message of type {letter.type or 'none'}, {len(letter.body)} bytes"


def _facts(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "messageId": letter.message_id,
        "type": letter.type,
        "content": _content(letter),
        "reason": letter.reason or None,
        "meaning": _reason(letter),
        "queue": letter.queue or None,
        "exchange": letter.exchange or None,
        "routingKey": letter.routing_key or None,
        "diedAt": letter.died_at.isoformat().replace("+00:00", "Z") if letter.died_at else None,
    }


def _shown_body(letter: DeadLetter) -> Any:
    try:
        return _without_secrets(json.loads(letter.body))
    except (ValueError, RecursionError):
        return f"The body is no JSON: {len(letter.body)} bytes, which are not shown, for nobody knows what is in them."


def _without_secrets(value: Any) -> Any:
    match value:
        case dict():
            return {
                str(key): "(left out)" if each and _is_secret(str(key)) else _without_secrets(each)
                for key, each in value.items()
            }
        case list():
            return [_without_secrets(each) for each in value]
        case str() | int() | float() | bool() | None:
            return value
    return str(value)


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET_NAMES) and not name.endswith("_id")
