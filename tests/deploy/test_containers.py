"""Every container of the manifests and of the compose file, run as a process against a real Postgres and RabbitMQ.

Each has its own command, environment, secrets and probes, and no rights but its own user's. That an image can be
built is for a machine with Docker to say.
"""

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
from yarl import URL

from shared.broker.users import OBSERVER, ON_CALL
from shared.broker.users import SERVICES as BROKER_ROLES
from shared.database.logins import ROLE_OF_SERVICE
from tests.deploy.containers import ROOT, Container, Machine, image, manifests, of_compose, of_manifest
from tests.end_to_end.test_life_of_a_check import PHASES, documented_body
from tests.support.fleet import Api
from tests.support.servers.dovecot import DovecotServer
from tests.support.servers.postgres import DatabasesForTests
from tests.support.servers.rabbitmq import GivenRabbit, RabbitServer
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(900)  # a dozen processes each start, work and stop

BROKER_USERS = (*BROKER_ROLES, "imap_worker.default", "pop3_worker.default", OBSERVER, ON_CALL)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Its volumes are below `volumes`."""
    for folder in ("volumes", "logs"):
        (tmp_path / folder).mkdir()
    return Machine(tmp_path / "volumes", tmp_path / "logs")


@pytest.fixture
async def database(databases: DatabasesForTests) -> AsyncIterator[str]:
    """An empty database, as its owner; logins made for it are dropped with it."""
    async with databases.empty() as dsn:
        yield dsn


def places(database: str, rabbitmq: GivenRabbit, vhost: str) -> list[str]:
    """Where the servers are, in the words of `mailprobe secrets make`: in a cluster they are elsewhere."""
    broker = URL(rabbitmq.amqp_url(vhost)).with_user(None)
    return ["--database", database, "--broker", str(broker), "--management", rabbitmq.management_url]


@asynccontextmanager
async def logins_dropped(database: str, prefix: str) -> AsyncIterator[None]:
    """Logins belong to the whole server, which outlives the test."""
    try:
        yield
    finally:
        owner = await asyncpg.connect(database)
        name = await owner.fetchval("SELECT current_database()")
        for login in await owner.fetch("SELECT rolname FROM pg_roles WHERE starts_with(rolname, $1)", f"{prefix}-"):
            await owner.execute(f'REVOKE CONNECT ON DATABASE {name} FROM "{login[0]}"')
            await owner.execute(f'DROP ROLE "{login[0]}"')
        await owner.close()


def documented_curls() -> Iterator[str]:
    """The commands of README's first monitor."""
    section = (ROOT / "README.md").read_text().partition("### A first monitor by curl")[2].partition("\n### ")[0]
    for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL):
        yield block[block.index("curl ") :]


async def curl(command: str, *, port: int, token: str, public_id: str = "") -> Any:
    """Run it as it stands, but for where the gateway listens here."""
    there = command.replace("127.0.0.1:8080", f"127.0.0.1:{port}").replace("PUBLIC_ID", public_id)
    process = await asyncio.create_subprocess_exec(
        "sh",
        "-ec",
        there.replace("curl ", "curl --silent --show-error --fail-with-body "),
        env={"PATH": "/usr/bin:/bin", "TOKEN": token},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return json.loads(said)


async def require_the_documented_use(port: int, token: str, dovecot: DovecotServer) -> None:
    """The documented curl is taken, and mailboxes of both protocols are checked from end to end."""
    create, history = documented_curls()
    monitor = await curl(create, port=port, token=token)
    assert monitor["hostname"] == "mail.example.com"
    assert (await curl(history, port=port, token=token, public_id=monitor["publicId"]))["data"] is not None
    async with Api(f"http://127.0.0.1:{port}", token) as api:
        for protocol, mail_port in (("imap", dovecot.imaps_port), ("pop3", dovecot.pop3s_port)):
            body = documented_body(mail_port)
            body["imapPopConfig"]["protocol"] = protocol
            status, made = await api.call("POST", "/api/imap-pop-monitors", body)
            assert status == 201, made

            async def first(public_id: str = made["publicId"]) -> dict[str, Any] | None:
                checks = await api.history(public_id)
                return checks[0] if checks else None

            check = await until(f"a check over {protocol}", first, timeout_seconds=240)
            assert check is not None
            assert (check["status"], check["errorMessage"]) == ("success", None)
            assert set(check["diagnostics"]["phasesMs"]) == PHASES
        status, answer = await api.call("POST", "/api/imap-pop-monitors/test", documented_body(dovecot.imaps_port))
        assert (status, answer.get("success")) == (200, True), answer


async def asked(machine: Machine, container: Container, probe: str) -> int:
    path, port = container.probes[probe]
    url = f"http://127.0.0.1:{machine.ports[container.name][port]}{path}"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status


async def test_the_pods_of_the_manifests_do_their_work(
    machine: Machine, tmp_path: Path, database: str, rabbitmq: GivenRabbit, amqp_vhost: str, dovecot: DovecotServer
) -> None:
    prefix = f"pods{secrets.token_hex(3)}"
    make = Container("secrets", [*image().entrypoint, "secrets", "make"], dict(image().environment), {})
    make.command += ["--out", str(tmp_path / "volumes"), "--prefix", prefix, *places(database, rabbitmq, amqp_vhost)]
    await machine.run(make)
    jobs = {each.name: each for each in map(of_manifest, manifests("setup"))}
    jobs["broker-apply"].command = [
        amqp_vhost if word == "mailprobe" else word for word in jobs["broker-apply"].command
    ]
    jobs["broker-apply"].command[0] = "mailprobe"
    deployments = [of_manifest(each) for each in manifests("services") if each["kind"] == "Deployment"]
    asked_for = {
        each.name: each for each in map(of_manifest, (c for c in manifests("services") if c["kind"] == "CronJob"))
    }
    trusting = {"MAILPROBE_CA_FILE": str(dovecot.ca_file), "MAILPROBE_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8,::1/128"}
    async with logins_dropped(database, prefix):
        try:
            said = await machine.run(jobs["migrate"])
            assert said.count("The login ") == len(ROLE_OF_SERVICE)
            said = await machine.run(jobs["broker-apply"])
            assert said.count("The user ") == len(BROKER_USERS)
            for name in ("migrate", "broker-apply"):
                await machine.run(jobs[name])  # as with each upgrade
            # Whoever may make the exchanges comes last: the others wait for them, and say so.
            *others, recorder = sorted(deployments, key=lambda each: each.name == "result-recorder")
            for container in others:
                await machine.start(container, **trusting)
            await until(
                "the scheduler's wait", lambda: machine.has_said("scheduler", "nobody has yet"), timeout_seconds=240
            )
            await machine.start(recorder, **trusting)
            for container in deployments:
                await machine.until_healthy(container)
                assert await asked(machine, container, "livenessProbe") == 200
                assert await asked(machine, container, "readinessProbe") == 200
            token = (await machine.run(asked_for["token"])).strip()
            assert "/set-up#" in await machine.run(asked_for["set-up-link"])
            await require_the_documented_use(machine.ports["api-gateway"][8080], token, dovecot)
            for container in deployments:
                log = await machine.stop(container.name)
                assert "process_failed" not in log
                assert "ACCESS_REFUSED" not in log, log
                assert "permission denied" not in log, log
        finally:
            await machine.stop_all()
            for role in BROKER_USERS:
                await rabbitmq.api("DELETE", f"users/{prefix}-{role}")


@asynccontextmanager
async def broker_of_compose(state: Path, definitions: Path) -> AsyncIterator[RabbitServer]:
    """A RabbitMQ with the plugins and settings that the compose file mounts, and the definitions made for it."""
    folder = ROOT / "deploy/rabbitmq"
    settings = (folder / "20-mailprobe.conf").read_text().replace("/etc/mailprobe/definitions.json", str(definitions))
    plugins = (folder / "enabled_plugins").read_text().strip().replace("rabbitmq_prometheus,", "")
    server = RabbitServer(state, plugins=plugins, more_config=settings)
    try:
        yield server
    finally:
        await server.kill()


async def test_the_containers_of_compose_do_their_work(
    machine: Machine, tmp_path: Path, servers_state: Path, database: str, dovecot: DovecotServer
) -> None:
    containers = of_compose()
    volumes = tmp_path / "volumes"
    for volume in {each for container in containers.values() for each in container.mounts.values()}:
        (volumes / volume).mkdir(exist_ok=True)
    # What `/secrets` is in the container that makes them: a directory whose entries are volumes.
    make = containers["secrets"]
    (volumes / "all").mkdir()
    for target, volume in make.mounts.items():
        (volumes / "all" / Path(target).name).symlink_to(volumes / volume)
    make.mounts = {"/secrets": "all"}
    prefix = f"box{secrets.token_hex(3)}"
    async with broker_of_compose(servers_state / prefix, volumes / "rabbitmq/definitions.json") as server:
        administrator = f"http://administrator@127.0.0.1:{server.management_port}"
        broker = f"amqp://127.0.0.1:{server.amqp_port}/mailprobe"
        make.command += ["--prefix", prefix, "--database", database, "--broker", broker, "--management", administrator]
        await machine.run(make)
        kept = {path: path.read_bytes() for path in volumes.rglob("*") if path.is_file()}
        await machine.run(make)
        assert {path: path.read_bytes() for path in volumes.rglob("*") if path.is_file()} == kept, "a second start"
        server.given = GivenRabbit("", (volumes / "operator/management-url").read_text().strip())
        await server.start()
        names = {user["name"] for user in await server.given.api("GET", "users")}
        assert names == {"administrator", *(f"{prefix}-{role}" for role in BROKER_USERS)}, "a default user was made"
        assert await server.given.api("GET", "shovels/mailprobe") == []  # the plugin for the console answers
        async with logins_dropped(database, prefix):
            try:
                await machine.run(containers["migrate"])
                await machine.run(containers["broker"])
                await machine.run(containers["token"])
                await machine.run(containers["token"])  # as with each start: the one that is there stays
                token = (await machine.run(containers["show-token"])).strip()
                assert "http://127.0.0.1:8080/set-up#" in await machine.run(containers["set-up-link"])
                served = [each for each in containers.values() if "serve" in each.command]
                trusting = {
                    "MAILPROBE_CA_FILE": str(dovecot.ca_file),
                    "MAILPROBE_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8,::1/128",
                }
                for container in served:
                    await machine.start(container, **trusting)
                for container in served:
                    await machine.until_healthy(container)
                await require_the_documented_use(machine.ports["api_gateway"][8080], token, dovecot)
                await machine.run(containers["backup"])
                (saved,) = (volumes / "backups").iterdir()
                assert saved.name.endswith(".tar")
            finally:
                await machine.stop_all()


async def test_the_practice_servers_of_compose_are_checked(machine: Machine, tmp_path: Path) -> None:
    practice = of_compose({"COMPOSE_PROFILES": "demo"})["practice"]
    for volume in practice.mounts.values():
        (tmp_path / "volumes" / volume).mkdir()
    (tmp_path / "volumes/token/first-token").write_text("a token")
    try:
        await machine.start(practice, MAILPROBE_URL="http://127.0.0.1:1")
        await machine.until_healthy(practice)
        assert (tmp_path / "volumes/practice/authority.pem").read_text().startswith("-----BEGIN CERTIFICATE-----")
    finally:
        await machine.stop_all()
