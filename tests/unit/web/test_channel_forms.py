"""The form of each type of channel, held against the model the API judges its config by."""

import re
from pathlib import Path

import pytest

from shared.notifications.channel_models import CONFIGS
from shared.notifications.channel_types import ChannelType

TEXT = (Path(__file__).parents[3] / "web" / "src" / "words" / "channels.ts").read_text()
CONSTANTS = {
    name: re.findall(r'\["(\w+)", "[^"]+"(?:, "([^"]*)")?', value)
    for name, value in re.findall(r"const (\w+)(?:: ChannelField)? = (.*);", TEXT)
}


def fields_of(channel_type: str) -> dict[str, str]:
    """The fields of a form by their names in the config, and of which kind each is."""
    table = TEXT.partition("CHANNEL_TYPES")[2].partition("\n};")[0]
    found = re.search(rf"^  {channel_type}: (\[.*?\]),$(?=\n  \w+:|\n*\Z)", table, re.MULTILINE | re.DOTALL)
    assert found, f"there is no form for {channel_type}"
    fields = dict(re.findall(r'\["(\w+)", "[^"]+"(?:, "([^"]*)")?', found[1]))
    for name, value in CONSTANTS.items():
        if re.search(rf"\b{name}\b", found[1]):
            fields.update(value)
    return fields


@pytest.mark.parametrize("channel_type", list(ChannelType))
def test_a_form_has_what_its_config_takes_and_shows_no_secret_in_clear(channel_type: ChannelType) -> None:
    model = CONFIGS[channel_type]
    fields = fields_of(channel_type)
    assert set(fields) == set(model.model_fields) - model.MEANINGLESS
    assert {name for name, kind in fields.items() if kind.startswith("secret")} == model.SECRETS
