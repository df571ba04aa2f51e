"""Nagios' object files: definitions read, templates resolved, and what belongs to what. Knows nothing of plugins.

The format is that of Nagios Core 3 and 4, and of Icinga 1 and Naemon, which kept it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cli.failing import Failed

_MOST_BYTES = 64 * 1024 * 1024
_MOST_FILES = 20_000
_DEEPEST = 50
_DEFINE = re.compile(r"define\s+(\w+)\s*\{(.*)", re.DOTALL)
_USER = re.compile(r"\$(USER\d+)\$\s*=(.*)")
_COMMENT = re.compile(r"(?<!\\);.*")
_NOT_INHERITED = frozenset({"name", "register", "use"})


@dataclass(slots=True)
class Objects:
    """All definitions by their type, as they stand, and what the main files say."""

    defined: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict, repr=False)  # $USERn$, which hold secrets as well
    interval_seconds: int = 60
    notes: list[str] = field(default_factory=list)

    def real(self, kind: str) -> Iterator[dict[str, str]]:
        """Those that are no mere templates, with what they inherit."""
        templates = {each["name"]: each for each in self.defined.get(kind, []) if "name" in each}
        for each in self.defined.get(kind, []):
            if each.get("register", "1") != "0":
                yield self._whole(each, templates, kind, 0)

    def named(self, kind: str) -> dict[str, dict[str, str]]:
        """The same by their names."""
        return {each[f"{kind}_name"]: each for each in self.real(kind) if f"{kind}_name" in each}

    def _whole(
        self, one: Mapping[str, str], templates: Mapping[str, Mapping[str, str]], kind: str, depth: int
    ) -> dict[str, str]:
        found: dict[str, str] = {}
        for name in listed(one.get("use", "")):
            template = templates.get(name)
            if template is None or depth > _DEEPEST:
                self.notes.append(f"the {kind} template {name} is missing, or is made of itself")
                continue
            for key, value in self._whole(template, templates, kind, depth + 1).items():
                found.setdefault(key, value)
        for key, value in one.items():
            if key in _NOT_INHERITED and depth:
                continue
            if value.startswith("+") and key in found:
                found[key] = f"{found[key]},{value[1:]}"
            elif value == "null":
                found.pop(key, None)
            else:
                found[key] = value.removeprefix("+") if not key.startswith("_") else value
        return found


def listed(value: str) -> list[str]:
    """Names with commas between them."""
    return [part.strip() for part in value.split(",") if part.strip()]


def read_objects(paths: list[Path]) -> Objects:
    """Files and directories; a main file (nagios.cfg) leads to others. Raises Failed."""
    objects = Objects()
    seen: set[Path] = set()
    waiting = list(paths)
    while waiting:
        path = waiting.pop(0)
        if path.is_dir():
            waiting += sorted(each for each in path.iterdir() if each.suffix == ".cfg" or each.is_dir())
            continue
        if path.resolve() in seen:
            continue
        seen.add(path.resolve())
        if len(seen) > _MOST_FILES:
            raise Failed(f"there are more than {_MOST_FILES} files")
        try:
            text = _text(path)
        except OSError as error:
            if path in paths:
                raise Failed(f"{path} cannot be read: {error.strerror}") from None
            objects.notes.append(f"{path} cannot be read: {error.strerror}")
            continue
        waiting += _read(objects, text, path)
    return objects


def _text(path: Path) -> str:
    with path.open("rb") as opened:
        return opened.read(_MOST_BYTES).decode("utf-8", "replace")


def _read(objects: Objects, text: str, path: Path) -> list[Path]:
    """Take what a file says; answers with the files it leads to."""
    leads: list[Path] = []
    lines = iter(re.sub(r"\\\r?\n\s*", "", text).splitlines())
    for raw in lines:
        line = raw.strip()
        if not line or line.startswith(("#", ";")):
            continue
        if begin := _DEFINE.match(line):
            kind, rest = begin.groups()
            objects.defined.setdefault(kind.lower(), []).append(_block(lines, rest))
        elif user := _USER.match(line):
            objects.users[user.group(1)] = user.group(2).strip()
        elif "=" in line:
            key, _, value = (part.strip() for part in line.partition("="))
            if key in ("cfg_file", "cfg_dir", "resource_file"):
                leads.append(path.parent / value)
            elif key == "interval_length" and value.isdigit():
                objects.interval_seconds = int(value)
    return leads


def _block(lines: Iterator[str], first: str) -> dict[str, str]:
    """Until the brace that ends it, which may stand behind the last value."""
    found: dict[str, str] = {}
    current: str | None = first
    while current is not None:
        line = _COMMENT.sub("", current).strip()
        ends = line.endswith("}") and not line.endswith("\\}")
        body = line[:-1].strip() if ends else line
        if body and not body.startswith("#"):
            key, _, value = body.partition(" ") if "\t" not in body.partition(" ")[0] else body.partition("\t")
            found[key.strip().lower() if not key.startswith("_") else key.strip().upper()] = value.strip().replace(
                "\\;", ";"
            )
        if ends:
            break
        current = next(lines, None)
    return found


def hosts_of(service: Mapping[str, str], objects: Objects, hosts: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The hosts a service is for: named, in groups, all; without those behind an exclamation mark."""
    named = listed(service.get("host_name", ""))
    groups = listed(service.get("hostgroup_name", ""))
    members = group_members(objects, hosts)
    wanted = [name for name in named if not name.startswith("!") and name != "*"]
    wanted += [name for group in groups if not group.startswith("!") for name in members.get(group, ())]
    if "*" in (*named, *groups):
        wanted += list(hosts)
    unwanted = {name[1:] for name in named if name.startswith("!")}
    unwanted |= {name for group in groups if group.startswith("!") for name in members.get(group[1:], ())}
    return [name for name in dict.fromkeys(wanted) if name not in unwanted]


def group_members(objects: Objects, hosts: Mapping[str, Mapping[str, str]]) -> dict[str, list[str]]:
    """Who is in each host group, said by the group or by the host."""
    groups = objects.named("hostgroup")
    members = {name: listed(group.get("members", "")) for name, group in groups.items()}
    for name, host in hosts.items():
        for group_name in listed(host.get("hostgroups", "")):
            members.setdefault(group_name, []).append(name)
    for name, group in groups.items():
        for inner in listed(group.get("hostgroup_members", "")):
            members[name] += members.get(inner, [])
    return {name: list(hosts) if "*" in found else list(dict.fromkeys(found)) for name, found in members.items()}
