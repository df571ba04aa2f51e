"""The JSON Schema of configuration files, for editors: made of the models that read them."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from cli.configuration.document import Document
from cli.configuration.secret_sources import SCHEMA
from shared.notifications.channel_models import CONFIGS
from shared.notifications.channel_types import ChannelType, secret_fields

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_LISTS_OF_ONE = ("tags", "monitors", "daysOfWeek")


class _Untitled(GenerateJsonSchema):
    """Without the titles pydantic makes of field names, which say nothing more."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def json_schema() -> dict[str, Any]:
    """The whole schema."""
    schema = Document.model_json_schema(by_alias=True, schema_generator=_Untitled)
    definitions = schema["$defs"]
    definitions["Channel"]["allOf"] = [_config_of(channel_type, definitions) for channel_type in ChannelType]
    for name in ("Monitor", "MonitorSettings", "Window", "WindowSettings", "Recurrence"):
        for field in _LISTS_OF_ONE:
            described = definitions[name]["properties"].get(field)
            if described is not None:
                definitions[name]["properties"][field] = _or_one(described)
    schema["patternProperties"] = {"^x-": {"description": "A place for anchors."}}
    return {"$schema": _DIALECT, "title": "mailprobe configuration", **schema}


def _or_one(described: dict[str, Any]) -> dict[str, Any]:
    """One alone need not be written as a list."""
    arrays = [each for each in described.get("anyOf", [described]) if each.get("type") == "array"]
    kept = {key: value for key, value in described.items() if key in ("default", "description")}
    others = [each for each in described.get("anyOf", []) if each.get("type") != "array"]
    bare = [{key: value for key, value in each.items() if key not in kept} for each in arrays]
    return {**kept, "anyOf": [*(each["items"] for each in arrays), *bare, *others]}


def _config_of(channel_type: ChannelType, definitions: dict[str, Any]) -> dict[str, Any]:
    """What `config` holds where the type is this one; its secrets by where they come from."""
    model: type[BaseModel] = CONFIGS[channel_type]
    described = model.model_json_schema(schema_generator=_Untitled)
    definitions.update(described.pop("$defs", {}))
    for name in secret_fields(channel_type):
        secret = {"type": "object", "additionalProperties": SCHEMA} if name == "headers" else SCHEMA
        described["properties"][name] = secret
    return {
        "if": {"required": ["type"], "properties": {"type": {"const": channel_type.value}}},
        "then": {"properties": {"config": described}},
    }
