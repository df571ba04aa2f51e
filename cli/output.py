"""Answers as people or programs want them: a table, JSON, YAML or CSV. All on standard output."""

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from cli.configuration.yaml_reading import write_yaml
from cli.showing import print_json

# A spreadsheet takes what begins so for a formula, whoever wrote it (an error text comes from a foreign server).
_FORMULA = ("=", "@", "\t", "\r")


class Format(StrEnum):
    """In which form."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    CSV = "csv"


Output = Annotated[Format, typer.Option("--output", "-o", help="In which form.")]


def printed(output: Format, value: Any, *, json: bool = False) -> bool:
    """Print it, where it is not a table that is wanted; whether that was done. `json` is the older way to ask."""
    match Format.JSON if json else output:
        case Format.TABLE:
            return False
        case Format.JSON:
            print_json(value)
        case Format.YAML:
            sys.stdout.write(write_yaml(value))
        case Format.CSV:
            _print_csv(value if isinstance(value, Sequence) else [value])
    return True


def _print_csv(items: Sequence[Mapping[str, Any]]) -> None:
    """A line for each thing, a column for each field; fields of fields have a dot in their names, lists are JSON."""
    rows = [dict(_flat(item)) for item in items]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.writer(sys.stdout, lineterminator="\n")
    if columns:
        writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)


def _flat(item: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in item.items():
        if isinstance(value, Mapping) and value:
            found += _flat(value, f"{prefix}{name}.")
        else:
            found.append((f"{prefix}{name}", value))
    return found


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case str():
            return f"'{value}" if value.startswith(_FORMULA) else value
        case list() | dict():
            return json.dumps(value, ensure_ascii=False) if value else ""
    return str(value)
