"""`python -m services.standalone.practice`: the practice servers alone, beside services that run apart.

Their certificates' authority is written where the workers are told to look for one, and a monitor is made of each
server as soon as the API answers.
"""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import aiohttp
from pydantic import Field, SecretStr

from services.standalone.practice.cast import CAST
from services.standalone.practice.certificates import PracticeAuthority
from services.standalone.practice.monitors import MonitorRefused, see_to_monitors
from services.standalone.practice.serving import practice_servers
from shared.runtime import lifecycle
from shared.runtime.admin import AdminServer
from shared.runtime.lifecycle import StartError
from shared.runtime.settings import ProcessSettings


class PracticeSettings(ProcessSettings):
    """Where the servers are met, and where their monitors are made."""

    host: str = "127.0.0.1"
    practice_domain: str = "localhost"
    practice_authority: Path = Field(description="the file to write the authority's certificate to")
    url: str = "http://127.0.0.1:8080"
    token: SecretStr = Field(description="a token of the API, or name a file with one in MAILPROBE_TOKEN_FILE")


def main() -> int:
    """Run with the settings of the environment; the exit code."""
    return lifecycle.run("practice", serve, expected=(MonitorRefused,))


async def serve(stop: asyncio.Event) -> None:
    """Serve until `stop` is set; the API may come later."""
    settings = PracticeSettings.load()
    authority = PracticeAuthority()
    try:
        settings.practice_authority.write_bytes(authority.pem)
    except OSError as error:
        raise StartError(f"cannot write {settings.practice_authority}: {error.strerror}") from None
    cast = [replace(part, domain=settings.practice_domain) for part in CAST]
    async with (
        practice_servers(cast, authority, host=settings.host) as ports,
        AdminServer(settings.admin_host, settings.admin_port, {}),
    ):
        await lifecycle.retrying(
            lambda: see_to_monitors(settings.url, settings.token.get_secret_value(), ports),
            what="the monitors of practice servers",
            errors=(aiohttp.ClientError, TimeoutError),
            stop=stop,
        )
        await stop.wait()


if __name__ == "__main__":
    sys.exit(main())
