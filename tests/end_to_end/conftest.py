"""The whole of mailprobe for one test: five processes, a real RabbitMQ, Postgres and Dovecot, and a token."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.api_gateway.token_store import issue_token
from shared.broker import policies
from shared.database.pool import GATEWAY_ROLE, open_pool
from shared.sealing import generate_key_rings
from tests.support.fleet import Api, Fleet
from tests.support.servers.dovecot import DovecotServer
from tests.support.servers.rabbitmq import GivenRabbit


@dataclass(frozen=True, slots=True)
class Whole:
    """The running system and what a test asks of it."""

    fleet: Fleet
    api: Api
    dovecot: DovecotServer
    rabbitmq: GivenRabbit
    vhost: str
    database_dsn: str
    keys: Path


@pytest.fixture
async def whole(
    tmp_path: Path,
    database_dsn: str,
    rabbitmq: GivenRabbit,
    amqp_vhost: str,
    amqp_url: str,
    dovecot: DovecotServer,
) -> AsyncIterator[Whole]:
    await policies.apply(rabbitmq.management_url, vhost=amqp_vhost)
    async with open_pool(database_dsn, role=GATEWAY_ROLE, application_name="test", max_size=1) as pool:
        token = await issue_token(pool, organization_id=1, name="end to end", role="admin")
    keys = _key_rings(tmp_path / "keys")
    settings = {"MAILPROBE_CA_FILE": str(dovecot.ca_file), "MAILPROBE_POP3_INTERVAL_FLOOR_MINUTES": "0.5"}
    async with (
        Fleet(tmp_path, database_dsn=database_dsn, amqp_url=amqp_url, settings=settings, keys=keys) as fleet,
        Api(fleet.address, token) as api,
    ):
        yield Whole(fleet, api, dovecot, rabbitmq, amqp_vhost, database_dsn, keys)


def _key_rings(folder: Path) -> Path:
    """The rings of all services as files."""
    folder.mkdir(mode=0o700)
    for prefix in ("", "channel-"):
        for kind, ring in zip(("public", "private"), generate_key_rings(), strict=True):
            file = folder / f"{prefix}{kind}.json"
            file.touch(mode=0o600)
            file.write_text(ring.to_json())
    return folder
