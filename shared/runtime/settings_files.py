"""Secrets kept in files: `MAILPROBE_<NAME>_FILE` names a file whose text is the value."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo

from shared.runtime.settings_errors import SettingsError, variable_name

if TYPE_CHECKING:
    from pydantic_settings import BaseSettings

FILE_CAP_BYTES = 64 * 1024


def secrets_from_files(settings: "type[BaseSettings]", prefix: str) -> dict[str, str]:
    """The values of secret fields whose `_FILE` variable is set, by field name.

    Raises:
        SettingsError: a file cannot be read, or a value is given both ways.
    """
    values: dict[str, str] = {}
    faults: list[str] = []
    for name, field in settings.model_fields.items():
        if not _is_secret(field):
            continue
        for variable in _variables(name, field, prefix):
            path = os.environ.get(f"{variable}_FILE")
            if not path:
                continue
            if os.environ.get(variable):
                faults.append(f"{variable} and {variable}_FILE are both set; keep one of them.")
                continue
            try:
                values.setdefault(name, _read(Path(path)))
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else str(error)
                faults.append(f"{variable}_FILE names {path}, which cannot be read: {reason}.")
    if faults:
        raise SettingsError(faults)
    return values


def _read(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(FILE_CAP_BYTES + 1)
    if len(content) > FILE_CAP_BYTES:
        raise ValueError(f"it is larger than {FILE_CAP_BYTES // 1024} KiB")
    try:
        return content.decode().strip()
    except UnicodeDecodeError:
        raise ValueError("it is not text") from None


def _is_secret(field: FieldInfo) -> bool:
    return SecretStr.__name__ in str(field.annotation)


def _variables(name: str, field: FieldInfo, prefix: str) -> list[str]:
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        return [str(choice) for choice in alias.choices]
    return [variable_name(name, field, prefix)]
