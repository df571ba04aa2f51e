"""The types that pages take the API's answers for, held against the document the API describes itself with."""

import re
from pathlib import Path
from typing import Any

import pytest

from services.api_gateway.openapi import openapi_document
from shared.checks.diagnostics import diagnostics_of
from shared.checks.outcome import CertificateFacts
from tests.support.answers import answer, slot

SOURCES = Path(__file__).parents[3] / "web" / "src"
FILES = (
    "api/types.ts",
    "api/incident_types.ts",
    "api/organization_types.ts",
    "api/monitors_picked.ts",
    "live/events.ts",
)
SCHEMAS: dict[str, Any] = openapi_document()["components"]["schemas"]

TEXT = "\n".join((SOURCES / name).read_text() for name in FILES)
ALIASES = {name: set(re.findall(r'"([^"]+)"', values)) for name, values in re.findall(r"type (\w+) = ([^;{]+);", TEXT)}
INTERFACES = {
    name: (schema or None, dict(re.findall(r"^  (\w+): ([^;]+);", body, re.MULTILINE)))
    for schema, name, body in re.findall(
        r"/\*\* (?:@schema (\w+)|[^*]*) \*/\nexport interface (\w+) \{\n(.*?)\n\}", TEXT, re.DOTALL
    )
}
DESCRIBED = {name: fields for name, (schema, fields) in INTERFACES.items() if schema}


def kinds_of(schema: dict[str, Any]) -> set[str]:
    """What a field of the document may be, in words this test has for both sides."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        target = SCHEMAS[name]
        return kinds_of(target) if target.get("type") != "object" or "properties" not in target else {name}
    if "anyOf" in schema:
        return set().union(*(kinds_of(each) for each in schema["anyOf"]))
    if "enum" in schema:
        return {f'"{value}"' for value in schema["enum"]}
    if "const" in schema:
        return {f'"{schema["const"]}"'}
    match schema.get("type"):
        case "array":
            return {f"{kind}[]" for kind in kinds_of(schema.get("items", {}))}
        case "object":
            values = schema.get("additionalProperties")
            return {
                f"Record<string, {next(iter(kinds_of(values)))}>" if isinstance(values, dict) and values else "open"
            }
        case "integer" | "number":
            return {"number"}
        case None:
            return {"open"}
        case kind:
            return {str(kind)}


def kinds_taken(taken: str) -> set[str]:
    """The same of a type of ours."""
    kinds: set[str] = set()
    for part in (each.strip() for each in taken.split("|")):
        bare, many = part.removesuffix("[]"), "[]" if part.endswith("[]") else ""
        if part == "Record<string, unknown>":
            kinds.add("open")
        elif bare in ALIASES:
            kinds |= {f'"{value}"{many}' for value in ALIASES[bare]}
        elif bare in INTERFACES:
            kinds.add(f"{INTERFACES[bare][0]}{many}")
        else:
            kinds.add(part)
    return kinds


def test_there_is_something_to_hold() -> None:
    assert len(DESCRIBED) > 20
    assert sum(len(fields) for fields in DESCRIBED.values()) > 100


@pytest.mark.parametrize("name", sorted(DESCRIBED))
def test_what_a_page_takes_an_answer_for_is_what_the_api_answers_with(name: str) -> None:
    schema = SCHEMAS[INTERFACES[name][0] or ""]
    for field, taken in DESCRIBED[name].items():
        assert field in schema["properties"], f"{name}.{field} is in no answer"
        assert field in schema["required"], f"{name}.{field} may be missing from an answer"
        expected = kinds_of(schema["properties"][field])
        assert kinds_taken(taken) == expected, f"{name}.{field} is {expected}"


def test_what_a_page_reads_of_a_check_is_what_is_kept_of_one() -> None:
    facts = CertificateFacts(
        subject="CN=a", issuer="CN=b", serial_number="1", fingerprint_sha256="ab", not_before_ms=1, not_after_ms=2,
        days_left=3, tls_version="TLSv1.3", cipher="x", verified=True,
    )  # fmt: skip
    check = answer(slot(1))
    kept = diagnostics_of(check.model_copy(update={"outcome": check.outcome.model_copy(update={"certificate": facts})}))
    assert set(INTERFACES["Diagnostics"][1]) <= set(kept)
    assert set(INTERFACES["Certificate"][1]) <= set(kept["certificate"])
