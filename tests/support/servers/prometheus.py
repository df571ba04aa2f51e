"""A private, real Prometheus that scrapes every second what a test names, with our rules."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import yaml

from tests.support.servers.needs import PROMETHEUS
from tests.support.servers.process import LeashedProcess, free_ports

PROGRAM = PROMETHEUS.found() or Path(PROMETHEUS.places[0])


class PrometheusServer:
    """One Prometheus below `state`, on a port of its own."""

    def __init__(self, state: Path, *, targets: Mapping[str, str], rules: Sequence[Path]) -> None:
        """`targets`: host and port of each process, by the name its `instance` shall carry."""
        self._state = state
        self._targets = dict(targets)
        self._rules = list(rules)
        self._process: LeashedProcess | None = None
        (self.port,) = free_ports(1)

    async def __aenter__(self) -> Self:
        self._state.mkdir(parents=True, exist_ok=True)
        config = self._state / "prometheus.yml"
        config.write_text(
            yaml.safe_dump(
                {
                    "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
                    "rule_files": [str(path) for path in self._rules],
                    "scrape_configs": [
                        {
                            "job_name": "mailprobe",
                            "static_configs": [
                                {"targets": [address], "labels": {"instance": name}}
                                for name, address in self._targets.items()
                            ],
                        }
                    ],
                }
            )
        )
        self._process = LeashedProcess(
            [
                PROGRAM,
                f"--config.file={config}",
                f"--storage.tsdb.path={self._state / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--log.level=warn",
            ],
            env={"PATH": "/usr/bin:/bin"},
            cwd=self._state,
            log_path=self._state / "console.log",
        )
        try:
            await self._process.until_ready("Prometheus", self._answers)
        except BaseException:
            await self._process.kill()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        await self._process.kill()

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """What it answers now; an error in the expression fails the test in Prometheus' words."""
        answer = await self._get("query", query=expression)
        assert answer["status"] == "success", f"{expression}: {answer.get('error')}"
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    async def faults_of_rules(self) -> list[str]:
        """What went wrong when it evaluated our rules."""
        answer = await self._get("rules")
        rules = [rule for group in answer["data"]["groups"] for rule in group["rules"]]
        assert rules
        return [f"{rule['name']}: {rule.get('lastError')}" for rule in rules if rule["health"] == "err"]

    async def _get(self, what: str, **parameters: str) -> Any:
        url = f"http://127.0.0.1:{self.port}/api/v1/{what}"
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session,
            session.get(url, params=parameters) as answer,
        ):
            return await answer.json()

    async def _answers(self) -> bool:
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{self.port}/-/ready") as answer,
            ):
                return answer.status == 200
        except (aiohttp.ClientError, OSError):
            await asyncio.sleep(0.1)
            return False
