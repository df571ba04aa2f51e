"""What the command takes from the environment beside its options; read, like all settings, by shared.runtime."""

from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr

from shared.runtime.setting_types import AmqpUrl, ManagementUrl
from shared.runtime.settings import Settings


class ClientSettings(Settings):
    """Where the API is, and the token: given, in a file, or left by `mailprobe run` in its data directory."""

    url: str = "http://127.0.0.1:8080"
    token: SecretStr | None = None
    data: Path = Path("data")


class ManagementSettings(Settings):
    """Where RabbitMQ's management answers, and which vhost is ours."""

    management_url: ManagementUrl = Field(
        validation_alias=AliasChoices("MAILPROBE_MANAGEMENT_URL", "MAILPROBE_RABBITMQ_MANAGEMENT_URL"),
        description="RabbitMQ's management address, such as http://user:password@host:15672",
    )
    amqp_url: AmqpUrl | None = Field(default=None, validation_alias=AliasChoices("MAILPROBE_AMQP_URL", "AMQP_URL"))


class AmqpSettings(Settings):
    """Where RabbitMQ takes messages, where that is set."""

    amqp_url: AmqpUrl | None = Field(default=None, validation_alias=AliasChoices("MAILPROBE_AMQP_URL", "AMQP_URL"))
