"""Secrets in configuration: where each comes from, never what it is. Read only once one has to be sent or compared."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from shared.runtime.named_variable import read_variable

_MOST_BYTES = 4096
_ALLOW = "allow_literal_secrets"
LITERAL = "a secret does not stand in the file itself, where others read it: write {env: NAME} or {file: PATH}"


class SecretMissing(Exception):
    """It is not to be had; the text says why, and holds nothing of it."""


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Where a secret comes from: a variable of the environment, a file, or (where that was allowed) the text itself."""

    env: str | None = None
    file: str | None = None
    literal: str | None = field(default=None, repr=False)

    def read(self, folder: Path) -> str:
        """The secret, without its line's end; a relative file is beside the configuration. Raises SecretMissing."""
        if self.literal is not None:
            return self.literal
        if self.env is not None:
            value = read_variable(self.env)
            if not value:
                raise SecretMissing(f"the variable {self.env} is not set")
            return value
        return _of_file(folder / (self.file or ""))

    def written(self) -> dict[str, str]:
        """As a file says it."""
        return {"env": self.env} if self.env is not None else {"file": self.file or ""}


def literals_allowed(allowed: bool) -> Mapping[str, Any]:
    """What a document is validated with."""
    return {_ALLOW: allowed}


def read_secret_source(value: Any, info: ValidationInfo) -> SecretSource:
    """`{env: NAME}`, `{file: PATH}`, or text where that is allowed."""
    if isinstance(value, SecretSource):
        return value
    match value:
        case {"env": str(name), **others} if name and not others:
            return SecretSource(env=name)
        case {"file": str(path), **others} if path and not others:
            return SecretSource(file=path)
        case str(text) if text and (info.context or {}).get(_ALLOW):
            return SecretSource(literal=text)
        case str() | int() | float():
            raise PydanticCustomError("mailprobe", LITERAL)
    raise PydanticCustomError("mailprobe", "{field} has to be {env: NAME} or {file: PATH}")


SCHEMA: dict[str, Any] = {
    "description": "Where the secret comes from; never the secret itself.",
    "type": "object",
    "oneOf": [
        {"required": ["env"], "title": "a variable of the environment"},
        {"required": ["file"], "title": "a file, relative to this one"},
    ],
    "properties": {
        "env": {"type": "string", "minLength": 1, "description": "The variable's name."},
        "file": {"type": "string", "minLength": 1, "description": "The file's path."},
    },
    "additionalProperties": False,
}

Secret = Annotated[SecretSource, PlainValidator(read_secret_source), WithJsonSchema(SCHEMA)]


def _of_file(path: Path) -> str:
    try:
        with path.open("rb") as opened:
            raw = opened.read(_MOST_BYTES + 1)
        secret = raw.removesuffix(b"\n").removesuffix(b"\r").decode()
    except OSError as error:
        raise SecretMissing(f"the file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SecretMissing(f"the file {path} is not UTF-8 text") from None
    if not secret or len(raw) > _MOST_BYTES:
        raise SecretMissing(f"the file {path} is {'empty' if not secret else f'longer than {_MOST_BYTES} bytes'}")
    return secret
