"""`mailprobe validate|diff|apply|export|schema`: configuration as files."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.api_client import api_client
from cli.configuration.applying import Outcome, carry_out
from cli.configuration.comparing import Wishes, compare
from cli.configuration.desired import desired
from cli.configuration.exporting import exported
from cli.configuration.fingerprints import Fingerprints
from cli.configuration.planning import Plan, Step, removals
from cli.configuration.reading import Configuration, read_configuration
from cli.configuration.schema import json_schema
from cli.configuration.server import look
from cli.configuration.showing import done_words, notes, plan_lines, plan_value, step_line, summary
from cli.configuration.yaml_reading import write_yaml
from cli.failing import confirm, finish
from cli.monitors import TokenFile, Url
from cli.showing import print_json, print_lines, tell

EXIT_DIFFERENT = 2

Files = Annotated[
    list[Path],
    typer.Argument(help="Files, or directories of .yaml files; - for standard input.", show_default=False),
]
Manager = Annotated[str | None, typer.Option(help="Whose these are; else as the files say.")]
Literals = Annotated[bool, typer.Option("--allow-literal-secrets", help="Take secrets that stand in the files.")]
State = Annotated[
    Path | None,
    typer.Option(
        help="Where it is remembered which secrets were sent; else beside the first file.", show_default=False
    ),
]
Resend = Annotated[bool, typer.Option("--resend-secrets", help="Send every secret, changed or not.")]
Prune = Annotated[bool, typer.Option("--prune", help="Remove what the manager made and no file names any more.")]
TakeOver = Annotated[bool, typer.Option("--take-over", help="Take what another manager made.")]


def validate(paths: Files, allow_literal_secrets: Literals = False) -> None:
    """Look whether configuration files are sound; asks no server. Exit code 1 where they are not."""

    async def looked() -> Configuration:
        configuration = read_configuration(paths, allow_literal_secrets=allow_literal_secrets)
        desired(configuration, allow_literal_secrets=allow_literal_secrets)
        return configuration

    read = finish(looked())
    counts = ", ".join(
        f"{len(entries)} {what}"
        for entries, what in (
            (read.customers, "customers"),
            (read.tags, "tags"),
            (read.channels, "channels"),
            (read.monitors, "monitors"),
            (read.windows, "maintenance windows"),
        )
        if entries
    )
    print_lines(f"Sound: {counts or 'nothing in it'}, managed by {read.manager}.")


def diff(
    paths: Files,
    manager: Manager = None,
    prune: Prune = False,
    take_over: TakeOver = False,
    resend_secrets: Resend = False,
    allow_literal_secrets: Literals = False,
    state: State = None,
    json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Compare files with what there is. Exit code 0: the same, 1: an error, 2: differences."""

    wishes = Wishes(prune, take_over, resend_secrets, allow_literal_secrets)

    async def compared() -> tuple[Plan, str]:
        configuration = read_configuration(paths, manager=manager, allow_literal_secrets=allow_literal_secrets)
        async with api_client(url=url, token_file=token_file, patient=True) as api:
            plan = await compare(api, configuration, Fingerprints.load(_state(state, paths)), wishes)
        return plan, configuration.manager

    plan, owner = finish(compared())
    if json:
        print_json(plan_value(plan))
    else:
        print_lines(*plan_lines(plan), summary(plan))
    tell(*notes(plan, owner))
    if plan.steps:
        raise typer.Exit(EXIT_DIFFERENT)


def apply(
    paths: Files,
    manager: Manager = None,
    prune: Prune = False,
    take_over: TakeOver = False,
    resend_secrets: Resend = False,
    allow_literal_secrets: Literals = False,
    state: State = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before something is removed.")] = False,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Make it as the files say; what is so already is left alone. Exit code 1 where some of it could not be done."""

    wishes = Wishes(prune, take_over, resend_secrets, allow_literal_secrets, secrets_needed=True)

    async def applied() -> tuple[Plan, Outcome]:
        configuration = read_configuration(paths, manager=manager, allow_literal_secrets=allow_literal_secrets)
        fingerprints = Fingerprints.load(_state(state, paths))
        async with api_client(url=url, token_file=token_file, patient=True) as api:
            plan = await compare(api, configuration, fingerprints, wishes)
            _ask(removals(plan.steps), yes)
            total = len(plan.steps)

            def said(number: int, step: Step, fault: str | None) -> None:
                what = done_words(step) if fault is None else f"not done: {fault}"
                print_lines(step_line(step).append(f"  {what} [{number}/{total}]"))

            try:
                outcome = await carry_out(
                    api, plan, manager=configuration.manager, fingerprints=fingerprints, said=said
                )
            finally:
                fingerprints.save()
            tell(*notes(plan, configuration.manager))
            return plan, outcome

    plan, outcome = finish(applied())
    if not plan.steps:
        print_lines(f"Nothing to do: {summary(plan)}")
    if outcome.failed or outcome.stopped:
        undone = len(plan.steps) - len(outcome.done)
        tell(*(f"{step.kind} {step.name}: {fault}" for step, fault in outcome.failed))
        if outcome.stopped:
            tell(f"stopped: {outcome.stopped}")
        tell(f"{len(outcome.done)} of {len(plan.steps)} steps were taken, {undone} were not; apply again to go on.")
        raise typer.Exit(1)
    if plan.steps:
        print_lines(f"{len(outcome.done)} steps taken, {plan.same} were as they should be.")


def export(
    manager: Annotated[str | None, typer.Option(help="Only what this manager made; else everything.")] = None,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Print everything as a configuration file; secrets as the variables to be set."""

    async def asked() -> str:
        async with api_client(url=url, token_file=token_file, patient=True) as api:
            found = exported(await look(api), manager=manager, now=datetime.now(UTC))
        tell(*(f"left out: {each}" for each in found.left_out))
        if found.variables:
            tell(f"set {len(found.variables)} variables before applying it: {', '.join(found.variables)}")
        return write_yaml(found.document)

    sys.stdout.write(finish(asked()))


def schema() -> None:
    """Print the JSON Schema of configuration files, for editors."""
    print_json(json_schema())


def _state(state: Path | None, paths: list[Path]) -> Path | None:
    """Beside what is applied; what comes from a pipe has no place of its own."""
    if state is not None or str(paths[0]) == "-":
        return state
    first = paths[0]
    return first / ".mailprobe-secrets.json" if first.is_dir() else first.with_name(f".{first.name}.secrets.json")


def _ask(steps: list[Step], yes: bool) -> None:
    if steps and not yes:
        tell(*(str(step_line(step)) for step in steps))
        confirm(f"Remove these {len(steps)}?")
