"""YAML as far as configuration needs it, each value with its place.

Stricter than YAML 1.1, in which `NO` is false, `1:30` a number and a key may come twice: here only `true` and `false`
are booleans, and a second key is refused. Aliases are followed, up to a number of values no honest file has.
"""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from cli.configuration.places import Fault, Path, Place, WrongConfiguration

MOST_BYTES = 4 * 1024 * 1024
_MOST_VALUES = 200_000
_DEEPEST = 40
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FRACTION = re.compile(r"[-+]?[0-9]{1,17}\.[0-9]{1,17}")
_WORDS: Mapping[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_PLAIN_TAGS = frozenset({f"tag:yaml.org,2002:{kind}" for kind in ("str", "map", "seq")})


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Composes nodes, and leaves to us what plain words mean."""

    yaml_implicit_resolvers: Mapping[str, Any] = {}


class Located:
    """A document's value, and where each part of it stands."""

    def __init__(self, file: str, value: Any, places: Mapping[Path, Place]) -> None:
        self.file = file
        self.value = value
        self._places = places

    def place(self, *path: str | int) -> Place:
        """Of this part, or of the nearest one around it."""
        while path and path not in self._places:
            path = path[:-1]
        return self._places.get(path, Place(self.file))

    def holds(self, *path: str | int) -> bool:
        """Whether this part is written there."""
        return path in self._places


def read_yaml(content: bytes, file: str) -> Located:
    """The one document of a file; raises WrongConfiguration."""
    if len(content) > MOST_BYTES:
        raise WrongConfiguration([Fault(Place(file), f"the file has more than {MOST_BYTES // 2**20} MiB")])
    try:
        node = yaml.compose(content.decode("utf-8-sig"), Loader=_Loader)
    except UnicodeDecodeError:
        raise WrongConfiguration([Fault(Place(file), "the file is not UTF-8 text")]) from None
    except yaml.YAMLError as error:
        raise WrongConfiguration([_syntax(error, file)]) from None
    except RecursionError:
        raise WrongConfiguration([Fault(Place(file), "the file is nested too deeply")]) from None
    reading = _Reading(file)
    value = None if node is None else reading.value(node, (), 0)
    if reading.faults:
        raise WrongConfiguration(reading.faults)
    return Located(file, value, reading.places)


def write_yaml(value: Any) -> str:
    """The value as YAML that `read_yaml` reads back."""
    written: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=110)
    return written


class _Reading:
    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self.places: dict[Path, Place] = {}
        self._values = 0

    def value(self, node: Any, path: Path, depth: int) -> Any:
        self._values += 1
        if self._values > _MOST_VALUES:
            said = f"with its aliases followed, the file holds more than {_MOST_VALUES} values"
            raise WrongConfiguration([Fault(self._at(node), said)])
        if depth > _DEEPEST:
            raise WrongConfiguration([Fault(self._at(node), "it is nested too deeply, or in itself")])
        if node.tag not in _PLAIN_TAGS:
            self.faults.append(Fault(self._at(node), f"the tag {node.tag} is not used here"))
            return None
        self.places.setdefault(path, self._at(node))
        match node:
            case yaml.MappingNode():
                return self._mapping(node, path, depth)
            case yaml.SequenceNode():
                return [self.value(each, (*path, number), depth + 1) for number, each in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: Any, path: Path, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        lines: dict[str, int] = {}
        merged: list[Any] = []
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.faults.append(Fault(self._at(key_node), "a key has to be a word"))
                continue
            key = str(key_node.value)
            if key == "<<" and key_node.style in (None, ""):
                merged.append(value_node)
                continue
            if key in lines:
                said = f"{key} is there already, in line {lines[key]}"
                self.faults.append(Fault(self._at(key_node), said))
                continue
            lines[key] = self._at(key_node).line
            self.places[*path, key] = self._at(key_node)
            found[key] = self.value(value_node, (*path, key), depth + 1)
        for value_node in merged:
            self._merge(found, value_node, path, depth)
        return found

    def _merge(self, found: dict[str, Any], node: Any, path: Path, depth: int) -> None:
        """`<<`: what the anchors say counts where the mapping itself says nothing; of several, the first."""
        for each in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if not isinstance(each, yaml.MappingNode):
                self.faults.append(Fault(self._at(node), "<< takes mappings"))
                return
            inner = self.value(each, path, depth + 1)
            for key, value in inner.items():
                found.setdefault(key, value)

    def _at(self, node: Any) -> Place:
        return Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)


def _scalar(node: Any) -> Any:
    text = str(node.value)
    if node.style not in (None, ""):
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FRACTION.fullmatch(text) else text


def _syntax(error: yaml.YAMLError, file: str) -> Fault:
    mark = getattr(error, "problem_mark", None)
    place = Place(file) if mark is None else Place(file, mark.line + 1, mark.column + 1)
    problem = getattr(error, "problem", None) or "it is no YAML"
    context = getattr(error, "context", None)
    return Fault(place, f"{problem}, {context}" if context else str(problem))
