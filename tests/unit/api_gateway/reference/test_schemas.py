"""Schemas in words, and examples that the very schemas they are made from accept."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from services.api_gateway.openapi import openapi_document
from services.api_gateway.reference.page import page
from services.api_gateway.reference.schemas import Schemas

_DOCUMENT = openapi_document()
_BODIES = {
    described["operationId"]: described["requestBody"]["content"]["application/json"]["schema"]
    for methods in _DOCUMENT["paths"].values()
    for described in methods.values()
    if "requestBody" in described
}


@pytest.mark.parametrize("name", _BODIES)
def test_what_a_command_sends_is_what_its_operation_takes(name: str) -> None:
    validator = Draft202012Validator({**_BODIES[name], "components": _DOCUMENT["components"]})
    validator.validate(Schemas(_DOCUMENT).example(_BODIES[name]))


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string", "format": "uuid"}, "string (uuid)"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "integer or null"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Tag"}}, "list of object"),
        ({"enum": ["a", None, True]}, "a | null | true"),
        ({"const": "imap_pop"}, "imap_pop"),
        ({}, "anything"),
    ],
)
def test_a_kind_is_a_few_words(schema: dict[str, Any], kind: str) -> None:
    schemas = Schemas({"components": {"schemas": {"Tag": {"type": "object"}}}})
    assert schemas.kind(schema) == kind


def test_a_schema_that_holds_itself_has_an_end() -> None:
    node = {"type": "object", "required": ["next"], "properties": {"next": {"$ref": "#/components/schemas/Node"}}}
    schemas = Schemas({"components": {"schemas": {"Node": node}}})
    assert schemas.fields(node)[0].name == "next"
    assert "next" in schemas.example(node)


def test_text_of_the_document_is_never_markup() -> None:
    spoiled = {
        **_DOCUMENT,
        "info": {**_DOCUMENT["info"], "title": "<script>x</script>", "description": "`<b>` & <i>"},
    }
    made = page(spoiled, style="", script="")
    assert "<script>x" not in made
    assert "<code>&lt;b&gt;</code> &amp; &lt;i&gt;" in made
