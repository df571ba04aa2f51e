"""Containers as the manifests, the compose file and the image's file describe them, run as processes of this machine.

What a process cannot have as a container has it is put in its place: a mounted volume is a directory, so its path is
replaced wherever it stands; and two containers may listen on one port, two processes may not. Nothing else differs.
"""

import asyncio
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.support.servers.process import LeashedProcess, free_ports

ROOT = Path(__file__).parents[2]
KUSTOMIZE = ROOT / "deploy/kustomize"
_PORTS = ("MAILPROBE_ADMIN_PORT", "MAILPROBE_PORT")


@dataclass(frozen=True, slots=True)
class Image:
    """What deploy/Dockerfile gives every container."""

    entrypoint: list[str]
    health_check: list[str]
    environment: dict[str, str]
    user: str


def image() -> Image:
    text = (ROOT / "deploy/Dockerfile").read_text().rpartition("\nFROM ")[2].replace("\\\n", " ")
    environment = dict(re.findall(r"\b([A-Z_]+)=(\S+)", "".join(re.findall(r"^ENV (.*)$", text, re.MULTILINE))))
    (entrypoint,) = re.findall(r"^ENTRYPOINT (\[.*\])$", text, re.MULTILINE)
    (health_check,) = re.findall(r"CMD (\[\"python.*\])$", text, re.MULTILINE)
    (user,) = re.findall(r"^USER (\S+)$", text, re.MULTILINE)
    return Image(json.loads(entrypoint), json.loads(health_check), environment, user)


@dataclass(slots=True)
class Container:
    """One of them. `mounts`: which volume (or Secret) is where. `probes`: by name, path and port."""

    name: str
    command: list[str]
    environment: dict[str, str]
    mounts: dict[str, str]
    probes: dict[str, tuple[str, int]] = field(default_factory=dict)
    grace_seconds: float = 30.0

    def as_process(self, volumes: Path, changes: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
        """Its command and environment on this machine; `changes` go before the environment."""

        def local(text: str) -> str:
            for target, volume in sorted(self.mounts.items(), key=lambda mount: -len(mount[0])):
                text = re.sub(rf"^{re.escape(target)}(?=/|$)", str(volumes / volume), text)
            return text

        environment = {**self.environment, **changes}
        mapped = {name: local(value) for name, value in environment.items() if name != "PATH"}
        program, *arguments = self.command
        programs = {"mailprobe": Path(sys.executable).with_name("mailprobe"), "python": sys.executable}
        command = [str(programs.get(program, program)), *(local(argument) for argument in arguments)]
        return command, {**mapped, "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}


def of_manifest(document: dict[str, Any]) -> Container:
    """The one container of a Deployment, Job or CronJob."""
    spec = document["spec"]["jobTemplate"]["spec"] if document["kind"] == "CronJob" else document["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    secrets = {each["name"]: each["secret"]["secretName"] for each in pod["volumes"] if "secret" in each}
    ports = {each["name"]: each["containerPort"] for each in container.get("ports", [])}
    given = image()
    return Container(
        name=document["metadata"]["name"].removeprefix("mailprobe-"),
        command=[*container.get("command", given.entrypoint), *container["args"]],
        environment={**given.environment, **{each["name"]: each["value"] for each in container["env"]}},
        mounts={
            each["mountPath"]: secrets[each["name"]].removeprefix("mailprobe-")
            for each in container["volumeMounts"]
            if each["name"] in secrets
        },
        probes={
            name: (container[name]["httpGet"]["path"], ports[container[name]["httpGet"]["port"]])
            for name in ("livenessProbe", "readinessProbe")
            if name in container
        },
        grace_seconds=pod.get("terminationGracePeriodSeconds", 30),
    )


def manifests(folder: str = "") -> Iterator[dict[str, Any]]:
    """What deploy/kustomize has."""
    for path in sorted((KUSTOMIZE / folder).rglob("*.yaml")):
        if path.name != "kustomization.yaml":
            yield yaml.safe_load(path.read_text())


def of_compose(settings: Mapping[str, str] | None = None) -> dict[str, Container]:
    """The containers of deploy/compose.yaml that are built from our image, by service."""
    given = image()
    text = (ROOT / "deploy/compose.yaml").read_text()
    # The innermost first: a default may be made of another setting.
    while (named := re.sub(r"\$\{(\w+):-([^${}]*)\}", lambda of: (settings or {}).get(of[1]) or of[2], text)) != text:
        text = named
    found = {}
    for name, service in yaml.safe_load(text)["services"].items():
        if "build" not in service:
            continue
        mounts = dict(volume.split(":")[1::-1] for volume in service["volumes"])
        found[name] = Container(
            name=name,
            command=[*service.get("entrypoint", given.entrypoint), *service.get("command", [])],
            # What is empty is given as empty: settings take that for nothing.
            environment={**given.environment, **{k: v or "" for k, v in service.get("environment", {}).items()}},
            mounts=mounts,
            grace_seconds=float(service.get("stop_grace_period", "10s").removesuffix("s")),
        )
    return found


class Machine:
    """Runs containers as processes; `volumes` has a directory for each volume or Secret."""

    def __init__(self, volumes: Path, logs: Path) -> None:
        self._volumes = volumes
        self._logs = logs
        self._running: dict[str, LeashedProcess] = {}
        self._graces: dict[str, float] = {}
        self.ports: dict[str, dict[int, int]] = {}

    async def run(self, container: Container, **changes: str) -> str:
        """Run it to its end, which has to be a good one; what it printed."""
        command, environment = container.as_process(self._volumes, changes)
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(240):
            out, err = await process.communicate()
        assert process.returncode == 0, f"{container.name}: {out.decode()}{err.decode()}"
        return out.decode()

    async def start(self, container: Container, **changes: str) -> None:
        """Start it; its ports are at others here, which `ports` tells."""
        at = dict(zip(_PORTS, free_ports(2), strict=True))
        known = {int(container.environment[name]): port for name, port in at.items() if name in container.environment}
        self.ports[container.name] = {8080: at["MAILPROBE_PORT"], **known}
        taken = {name: str(port) for name, port in at.items()}
        command, environment = container.as_process(self._volumes, {**taken, **changes})
        self._graces[container.name] = container.grace_seconds
        self._running[container.name] = LeashedProcess(
            command,
            env=environment,
            cwd=self._logs,
            log_path=self._logs / f"{container.name}.log",
            grace_seconds=container.grace_seconds,
        )

    async def health(self, container: Container) -> int:
        """The exit code of the image's health check, asked inside this container."""
        checker = Container(container.name, image().health_check, container.environment, container.mounts)
        port = self.ports[container.name][int(container.environment["MAILPROBE_ADMIN_PORT"])]
        command, environment = checker.as_process(self._volumes, {"MAILPROBE_ADMIN_PORT": str(port)})
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        return await process.wait()

    async def until_healthy(self, container: Container) -> None:
        async def healthy() -> bool:
            return await self.health(container) == 0

        await self._running[container.name].until_ready(container.name, healthy)

    async def has_said(self, name: str, words: str) -> bool:
        """Whether its log has these words."""
        return words in (self._logs / f"{name}.log").read_text()

    async def stop(self, name: str) -> str:
        """SIGTERM and what its grace allows; all that it has written."""
        await self._running.pop(name).stop()
        return (self._logs / f"{name}.log").read_text()

    async def stop_all(self) -> None:
        await asyncio.gather(*(process.stop() for process in self._running.values()))
        self._running.clear()
