"""Which settings a service knows: a name nobody reads is ignored in silence, so a slip of the pen has to be found."""

from collections.abc import Iterable

from pydantic import AliasChoices

from services.standalone.practice.__main__ import PracticeSettings
from shared.runtime.settings import (
    GatewaySettings,
    NotifierSettings,
    RecorderSettings,
    SchedulerSettings,
    Settings,
    WorkerSettings,
)
from shared.runtime.settings_files import _is_secret

SETTINGS: dict[str, type[Settings]] = {
    "api_gateway": GatewaySettings,
    "scheduler": SchedulerSettings,
    "result_recorder": RecorderSettings,
    "notifier": NotifierSettings,
    "imap_worker": WorkerSettings,
    "pop3_worker": WorkerSettings,
    "services.standalone.practice": PracticeSettings,
}


def unknown(command: list[str], names: Iterable[str]) -> list[str]:
    """Those of the names that what is served does not read."""
    known: set[str] = set()
    for name, field in SETTINGS[command[-1]].model_fields.items():
        alias = field.validation_alias
        choices = (
            [str(each) for each in alias.choices] if isinstance(alias, AliasChoices) else [f"MAILPROBE_{name.upper()}"]
        )
        known |= {*choices, *(f"{each}_FILE" for each in choices if _is_secret(field))}
    return sorted(name for name in names if name.startswith("MAILPROBE_") and name not in known)
