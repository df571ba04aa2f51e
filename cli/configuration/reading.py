"""Configuration files read into one configuration; each fault has its place and, for a slip, the likely word."""

import difflib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from cli.configuration.document import DEFAULT_MANAGER, SECTIONS, Channel, Customer, Document, Monitor, Tag, Window
from cli.configuration.places import Fault, Place, WrongConfiguration
from cli.configuration.secret_sources import literals_allowed
from cli.configuration.yaml_reading import MOST_BYTES, Located, read_yaml
from cli.failing import Failed

_WORDS = {
    "missing": "{field} is required",
    "extra_forbidden": "{field} is no field here",
    "string_type": "{field} has to be text",
    "int_type": "{field} has to be a whole number",
    "float_type": "{field} has to be a number",
    "bool_type": "{field} has to be true or false",
    "list_type": "{field} has to be a list",
    "dict_type": "{field} has to be a mapping",
    "model_type": "{field} has to be a mapping",
    "enum": "{field} has to be one of {expected}",
    "literal_error": "{field} has to be one of {expected}",
    "greater_than_equal": "{field} has to be at least {ge}",
    "less_than_equal": "{field} has to be at most {le}",
    "too_long": "{field} has to have at most {max_length} entries",
    "string_too_short": "{field} must not be empty",
    "string_too_long": "{field} has to have at most {max_length} characters",
}


T = TypeVar("T", covariant=True)


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """One thing a file describes, and where; relative paths in it start from `folder`."""

    value: T
    located: Located
    path: tuple[str | int, ...]
    folder: Path

    @property
    def place(self) -> Place:
        return self.at()

    def at(self, *within: str | int) -> Place:
        """Of a part of it."""
        return self.located.place(*self.path, *within)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What all the files say together."""

    manager: str
    customers: tuple[Entry[Customer], ...] = ()
    tags: tuple[Entry[Tag], ...] = ()
    channels: tuple[Entry[Channel], ...] = ()
    monitors: tuple[Entry[Monitor], ...] = ()
    windows: tuple[Entry[Window], ...] = ()


def read_configuration(
    paths: Sequence[Path], *, manager: str | None = None, allow_literal_secrets: bool = False
) -> Configuration:
    """All files, those of a directory too; raises WrongConfiguration, Failed.

    Args:
        manager: instead of the one the files name.
    """
    faults: list[Fault] = []
    documents: list[tuple[Located, Document, Path]] = []
    for path in _files(paths):
        try:
            located = read_yaml(_content(path), str(path))
            documents.append((located, _document(located, allow_literal_secrets), path.parent))
        except WrongConfiguration as error:
            faults += error.faults
    named = {document.manager for _, document, _ in documents if document.manager is not None}
    if manager is None and len(named) > 1:
        faults += [
            Fault(located.place("manager"), f"the files name several managers: {', '.join(sorted(named))}")
            for located, document, _ in documents
            if document.manager is not None
        ]
    if faults:
        raise WrongConfiguration(faults)
    return Configuration(
        manager=manager or next(iter(named), DEFAULT_MANAGER),
        customers=_entries(documents, "customers"),
        tags=_entries(documents, "tags"),
        channels=_entries(documents, "channels"),
        monitors=_entries(documents, "monitors"),
        windows=_entries(documents, "maintenance"),
    )


def _entries(documents: Sequence[tuple[Located, Document, Path]], section: str) -> tuple[Entry[Any], ...]:
    return tuple(
        Entry(value, located, (section, number), folder)
        for located, document, folder in documents
        for number, value in enumerate(getattr(document, section))
    )


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(each for each in path.iterdir() if each.suffix in (".yaml", ".yml") and each.is_file())
        if not found:
            raise Failed(f"there is no .yaml file in {path}")
        yield from found


def _content(path: Path) -> bytes:
    try:
        if str(path) == "-":
            return sys.stdin.buffer.read(MOST_BYTES + 1)
        with path.open("rb") as opened:
            return opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror}") from None


def _document(located: Located, allow_literal_secrets: bool) -> Document:
    value = {} if located.value is None else located.value
    if not isinstance(value, dict):
        raise WrongConfiguration([Fault(located.place(), "the file has to be a mapping: monitors: …")])
    value = {key: each for key, each in value.items() if not key.startswith("x-")}
    value = {key: [] if each is None and key in SECTIONS else each for key, each in value.items()}
    try:
        return Document.model_validate(_with_defaults(value), context=literals_allowed(allow_literal_secrets))
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        raise WrongConfiguration(_fault(located, detail) for detail in details) from None


def _with_defaults(document: dict[str, Any]) -> dict[str, Any]:
    """Each entry laid over what `defaults` say of its section; what is no mapping is left for the models to refuse."""
    defaults = document.get("defaults")
    if not isinstance(defaults, dict):
        return document
    merged = dict(document)
    for section, settings in defaults.items():
        entries = document.get(section)
        if isinstance(settings, dict) and isinstance(entries, list):
            merged[section] = [_over(settings, entry) if isinstance(entry, dict) else entry for entry in entries]
    return merged


def _over(settings: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    left_out = {"duration"} if "endTime" in entry else set()
    return {**{key: value for key, value in settings.items() if key not in left_out}, **entry}


def _fault(located: Located, detail: Any) -> Fault:
    path = tuple(step for step in detail["loc"] if not isinstance(step, str) or not step.startswith("function-"))
    field = ".".join(str(step) for step in path if isinstance(step, str)) or "the file"
    short = str(path[-1]) if path and isinstance(path[-1], str) else field
    said = _said(detail, short)
    if detail["type"] == "extra_forbidden":
        said += _suggestion(short, _fields_at(Document, path[:-1]))
    of_defaults = len(path) > 2 and not located.holds(*path[:3]) and located.holds("defaults", path[0], path[2])
    return Fault(located.place("defaults", path[0], *path[2:]) if of_defaults else located.place(*path), said)


def _said(detail: Any, field: str) -> str:
    context = detail.get("ctx", {})
    if detail["type"] == "mailprobe":
        return str(detail["msg"]).replace("{field}", field)
    if detail["type"] in _WORDS:
        return _WORDS[detail["type"]].format(**{**context, "field": field})
    return f"{field}: {detail['msg']}"


def _suggestion(word: str, known: Sequence[str]) -> str:
    if not known:
        return ""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if not near:
        lowered = {each.lower().replace("_", ""): each for each in known}
        near = [each for name, each in lowered.items() if name == word.lower().replace("_", "").replace("-", "")]
    return f"; is {near[0]} meant?" if near else f"; there are {', '.join(known)}"


def _fields_at(model: Any, path: Sequence[str | int]) -> list[str]:
    """The names of the fields that may stand at this path."""
    current = model
    for step in path:
        if isinstance(step, int):
            continue
        found = next((field for name, field in current.model_fields.items() if step in (name, field.alias)), None)
        current = None if found is None else _model_within(found.annotation)
        if current is None:
            return []
    return [field.alias or name for name, field in current.model_fields.items()]


def _model_within(annotation: Any) -> Any:
    """The model a field holds, alone, in a list, or beside null."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (list, Union, UnionType) or get_args(annotation):
        return next((found for each in get_args(annotation) if (found := _model_within(each)) is not None), None)
    return None
