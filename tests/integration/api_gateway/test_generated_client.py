"""A client made from the OpenAPI document by a program that knows nothing of us does what a person would."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from services.api_gateway.openapi import openapi_document

ROOT = Path(__file__).parents[3]
CLIENT = ROOT / "tests" / "client"
GENERATOR = ROOT / ".venv" / "client-generator"
CUSTOMER = "11111111-1111-4111-8111-111111111111"


async def _run(*words: object, path: str) -> str:
    """Run Python with other packages before our own; what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(str(word) for word in words),
        env={**os.environ, "PYTHONPATH": path},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(100):
        said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


async def test_a_generated_client_creates_lists_and_deletes_a_monitor(api: Any, tmp_path: Path) -> None:
    assert GENERATOR.is_dir(), "the generator is missing; type: make setup-dev"
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(openapi_document()))
    said = await _run(
        *("-m", "openapi_python_client", "generate", "--meta", "none", "--path", document),
        *("--config", CLIENT / "generator.yaml", "--output-path", tmp_path / "mailprobe_client"),
        path=str(GENERATOR),
    )
    assert "WARNING" not in said.upper(), said
    address = f"http://{api.client.host}:{api.client.port}"
    said = await _run(CLIENT / "story.py", address, api.token, CUSTOMER, path=f"{GENERATOR}{os.pathsep}{tmp_path}")
    assert said.splitlines() == [
        "created Made by a generated client mail.example.com active",
        "listed 1 True",
        "deleted True",
        "gone True 404",
    ]
