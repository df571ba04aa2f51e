"""What `mailprobe check` takes from the environment: what a worker here would, and the mailbox's password."""

from pathlib import Path

from pydantic import SecretStr, field_validator

from shared.runtime.setting_types import Addresses
from shared.runtime.settings import NetworkSettings


class CheckSettings(NetworkSettings):
    """MAILPROBE_PASSWORD (or a file, by MAILPROBE_PASSWORD_FILE), networks, CA file and DNS servers."""

    password: SecretStr | None = None
    ca_file: Path | None = None
    dns_servers: Addresses = ()

    @field_validator("ca_file")
    @classmethod
    def _is_there(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError(f"there is no file {value}")
        return value
