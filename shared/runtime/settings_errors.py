"""What people read when a setting is missing or wrong: sentences naming the variable, never the value of a secret."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import AliasChoices, ValidationError
from pydantic.fields import FieldInfo

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails
    from pydantic_settings import BaseSettings


class SettingsError(Exception):
    """The environment does not describe a process that can run. The text has one sentence per fault."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


def variable_name(field_name: str, field: FieldInfo, prefix: str) -> str:
    """The variable a field is read from; of several, the one we document."""
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    return prefix + field_name.upper()


def fault_sentences(error: ValidationError, settings: "type[BaseSettings]", prefix: str) -> list[str]:
    """One sentence for each fault pydantic found, without repeating what a person typed (it may be a secret)."""
    sentences: dict[str, str] = {}
    for detail in error.errors(include_url=False, include_input=False):
        where = str(detail["loc"][0]) if detail["loc"] else ""
        sentences.setdefault(where, _sentence(where, detail, settings, prefix))
    return list(sentences.values())


def _sentence(where: str, detail: "ErrorDetails", settings: "type[BaseSettings]", prefix: str) -> str:
    name, field = _field(where, settings)
    if field is None:
        reason = detail["msg"].removeprefix("Value error, ")
        return f"{where}: {reason}." if where else f"{reason}."
    variable = variable_name(name, field, prefix)
    if detail["type"] == "missing":
        wanted = f"; set it to {field.description}" if field.description else ""
        return f"{variable} is not set{wanted}."
    if detail["type"] == "string_pattern_mismatch" and field.description:
        return f"{variable} is wrong: it should be {field.description}."
    reason = detail["msg"].removeprefix("Value error, ").rstrip(".")
    if reason.startswith("Input should be "):
        reason = "it should be " + reason.removeprefix("Input should be ")
    example = f" (it should be {field.description})" if field.description else ""
    return f"{variable} is wrong: {reason}{example}."


def _field(where: str, settings: "type[BaseSettings]") -> tuple[str, FieldInfo | None]:
    """The field an error speaks of: pydantic names it, or one of its aliases."""
    for name, field in settings.model_fields.items():
        alias = field.validation_alias
        names = [str(choice) for choice in alias.choices] if isinstance(alias, AliasChoices) else []
        if where == name or where in names:
            return name, field
    return where, None
