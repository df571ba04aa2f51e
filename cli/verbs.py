"""Every verb of `mailprobe`, by where it is; a verb is imported when somebody says it, or asks for all of them.

All verbs together take more than a second to import, a worker that is started or a plugin that is called each minute
needs one. What a verb does is left to its module.
"""

from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_group

# What somebody needs first stands first in --help.
_START = "To begin with"
_WATCH = "Mailboxes, and whoever is told of them"
_FILES = "Configuration as files"
_OPERATE = "For whoever runs mailprobe"


@dataclass(frozen=True, slots=True)
class Verb:
    """One word after `mailprobe`: a function of that module, or a group of further words."""

    panel: str
    module: str
    attribute: str


VERBS: Final = {
    "run": Verb(_START, "cli.serve", "run"),
    "demo": Verb(_START, "cli.demo", "demo"),
    "doctor": Verb(_START, "cli.doctor", "doctor"),
    "check": Verb(_START, "cli.check", "check"),
    "completion": Verb(_START, "cli.completion", "completion"),
    "status": Verb(_WATCH, "cli.status", "status"),
    "monitors": Verb(_WATCH, "cli.monitor_changes", "monitors"),
    "incidents": Verb(_WATCH, "cli.incidents", "incidents"),
    "maintenance": Verb(_WATCH, "cli.maintenance", "maintenance"),
    "channels": Verb(_WATCH, "cli.channels", "channels"),
    "customers": Verb(_WATCH, "cli.customers", "customers"),
    "tags": Verb(_WATCH, "cli.tags", "tags"),
    "status-pages": Verb(_WATCH, "cli.status_pages", "status_pages"),
    "packages": Verb(_WATCH, "cli.packages", "packages"),
    "locations": Verb(_WATCH, "cli.packages", "locations"),
    "audit": Verb(_WATCH, "cli.audit", "audit"),
    "validate": Verb(_FILES, "cli.configuration.command", "validate"),
    "diff": Verb(_FILES, "cli.configuration.command", "diff"),
    "apply": Verb(_FILES, "cli.configuration.command", "apply"),
    "export": Verb(_FILES, "cli.configuration.command", "export"),
    "schema": Verb(_FILES, "cli.configuration.command", "schema"),
    "import": Verb(_FILES, "cli.importing.command", "importing"),
    "users": Verb(_OPERATE, "cli.people", "people"),
    "token": Verb(_OPERATE, "cli.database", "tokens"),
    "serve": Verb(_OPERATE, "cli.serve", "serve"),
    "migrate": Verb(_OPERATE, "cli.database", "migrate"),
    "backup": Verb(_OPERATE, "cli.backup", "backup"),
    "restore": Verb(_OPERATE, "cli.backup", "restore"),
    "keys": Verb(_OPERATE, "cli.key_rotation", "keys"),
    "broker": Verb(_OPERATE, "cli.broker", "broker"),
    "system": Verb(_OPERATE, "cli.system", "system"),
    "queue": Verb(_OPERATE, "cli.queues", "queues"),
    "dlq": Verb(_OPERATE, "cli.dead_letters", "dead_letters"),
    "secrets": Verb(_OPERATE, "cli.fleet_secrets", "secrets"),
}


class Verbs(TyperGroup):
    """A group whose commands are those of VERBS."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _ImportedWhenSaid()


class _ImportedWhenSaid(MutableMapping[str, Any]):
    """The commands by name, as typer makes them."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = _command(name, VERBS[name])
        return self._made[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        del self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(VERBS)

    def __len__(self) -> int:
        return len(VERBS)


def _command(name: str, verb: Verb) -> Any:
    what = getattr(import_module(verb.module), verb.attribute)
    alone = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    alone.callback()(lambda: None)  # without one, a lone command is taken for the whole
    if isinstance(what, typer.Typer):
        alone.add_typer(what, name=name, rich_help_panel=verb.panel)
    else:
        alone.command(name, rich_help_panel=verb.panel)(what)
    return get_group(alone).commands[name]
