"""How a plan looks: a sign and a colour for what is done, a line for each field that becomes another. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rich.text import Text

from cli.configuration.normal import DEFAULTS, Kind
from cli.configuration.planning import Action, Change, Plan, Step
from cli.showing import plain

_SIGNS = {Action.CREATE: ("+", "green"), Action.CHANGE: ("~", "yellow"), Action.REMOVE: ("-", "red")}
_PAST = {Action.CREATE: "made", Action.CHANGE: "changed", Action.REMOVE: "removed"}
_LONGEST = 200


def plan_lines(plan: Plan) -> Iterator[Text]:
    """Each step with what it changes."""
    for step in plan.steps:
        yield step_line(step)
        for change in step.changes:
            if not _goes_without_saying(step, change):
                yield Text.assemble("    ", *_change(change, step, plan.names))


def step_line(step: Step) -> Text:
    """A step in one line."""
    sign, style = _SIGNS[step.action]
    whose = f" ({step.customer})" if step.customer else ""
    return Text.assemble((f"{sign} {step.kind:<9}", style), plain(f"{step.name}{whose}"))


def summary(plan: Plan) -> str:
    """How much there is to do."""
    counts = [
        (plan.count(Action.CREATE), "to make"),
        (plan.count(Action.CHANGE), "to change"),
        (plan.count(Action.REMOVE), "to remove"),
    ]
    parts = [f"{count} {what}" for count, what in counts if count]
    parts.append(f"{plan.same} as they should be")
    return ", ".join(parts) + "."


def notes(plan: Plan, manager: str) -> Iterator[str]:
    """What to know beside."""
    if plan.abandoned:
        yield f"{plan.abandoned} made by {manager} are in no file any more; --prune removes them."
    if plan.assumed:
        yield (
            f"{plan.assumed} secrets are stored and taken as unchanged, since there is no record of what was sent; "
            "--resend-secrets sends them."
        )


def done_words(step: Step) -> str:
    """What was done."""
    return _PAST[step.action]


def plan_value(plan: Plan) -> dict[str, Any]:
    """The plan for programs; of a secret only that it changes."""
    return {
        "steps": [
            {
                "action": step.action,
                "kind": step.kind,
                "name": step.name,
                "customer": step.customer,
                "changes": [
                    {"field": change.field, "secret": True}
                    if change.secret
                    else {
                        "field": change.field,
                        "before": _named(change.before, change.field, plan.names),
                        "after": _named(change.after, change.field, plan.names),
                    }
                    for change in step.changes
                ],
            }
            for step in plan.steps
        ],
        "same": plan.same,
        "abandoned": plan.abandoned,
    }


def _goes_without_saying(step: Step, change: Change) -> bool:
    return step.action is Action.CREATE and (
        change.after == DEFAULTS[step.kind].get(change.field) or change.field == "customer"
    )


def _change(change: Change, step: Step, names: Mapping[str, str]) -> tuple[Any, ...]:
    label = f"{change.field}: "
    if change.secret:
        words = "set" if change.before is None else "removed" if change.after is None else "changed"
        return label, (words, "yellow")
    after = _short(_named(change.after, change.field, names))
    if step.action is Action.CREATE:
        return label, (after, "green")
    return label, (_short(_named(change.before, change.field, names)), "red"), " → ", (after, "green")


def _named(value: Any, field: str, names: Mapping[str, str]) -> Any:
    """Other things by their names."""
    if field == "fallback" and value is not None:
        return names.get(value, value)
    if field == Kind.MONITOR + "s" and value is not None:
        return [names.get(each, each) for each in value]
    return value


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else "none" if value is None else json.dumps(value, ensure_ascii=False)
    return str(plain(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"))
