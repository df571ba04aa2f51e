"""The API is what its OpenAPI document says, whatever it is asked: schemathesis, all checks, on a real Postgres."""

import logging
import os
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import requests
import structlog

from tests.fuzz.api.asking import Findings, ask_everything
from tests.fuzz.api.following import follow_links
from tests.fuzz.api.gateway import RunningGateway, running_gateway

EXAMPLES_OF_EACH = 1_000
SEED_EXAMPLES_OF_EACH = 4
STORIES = int(os.environ.get("FUZZ_STORIES", "200"))
STEPS = 12
LONGEST_SECONDS = 3 * 3600
CUSTOMER = "11111111-1111-4111-8111-111111111111"


@pytest_asyncio.fixture
async def gateway(database_dsn: str) -> AsyncIterator[RunningGateway]:
    # A line for each of many thousand requests would be all there is to see.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with running_gateway(database_dsn) as running:
        furnish(running)
        yield running
    structlog.reset_defaults()


def furnish(running: RunningGateway) -> None:
    """One thing of each kind, for requests to name."""
    bodies: dict[str, Any] = {
        "/api/imap-pop-monitors": {"customerId": CUSTOMER, "name": "a", "hostname": "mail.example.com"},
        "/api/notification-channels": {"type": "email", "name": "a", "config": {"email": "a@example.com"}},
        "/api/maintenance-windows": {
            "name": "a",
            "customerId": CUSTOMER,
            "startTime": "2031-01-01T00:00:00Z",
            "endTime": "2031-01-02T00:00:00Z",
        },
        "/api/tags": {"name": "a"},
    }
    for path, body in bodies.items():
        headers = {"Authorization": f"Bearer {running.token}"}
        made = requests.post(running.address + path, json=body, headers=headers, timeout=30)
        assert made.status_code == 201, made.text


async def _asked(running: RunningGateway, examples: int, first: int) -> Findings:
    # The gateway has a thread and a loop of its own: this one may be kept busy.
    return ask_everything(running, examples=examples, first=first)


def _told(findings: Findings) -> str:
    return "\n\n".join(f"{name}: {kind}\n{said}" for (name, kind), said in findings.wrong.items())


@pytest.mark.timeout(300)
async def test_some_requests_of_each_operation(gateway: RunningGateway, capsys: pytest.CaptureFixture[str]) -> None:
    findings = await _asked(gateway, SEED_EXAMPLES_OF_EACH, 0)
    with capsys.disabled():
        print(f"\n{findings.in_words()}")
    assert not findings.wrong, _told(findings)
    assert findings.statuses[200] > 0 < findings.statuses[201], "nothing was ever asked as it should be"


@pytest.mark.fuzz
@pytest.mark.timeout(LONGEST_SECONDS)
async def test_a_thousand_requests_of_each_operation(
    gateway: RunningGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    first = int(os.environ.get("FUZZ_FROM", time.time_ns() // 1_000_000_000))
    with capsys.disabled():
        print(f"\n{EXAMPLES_OF_EACH:,} requests of each operation, from {first} on")
        findings = await _asked(gateway, EXAMPLES_OF_EACH, first)
        print(findings.in_words())
    assert not findings.wrong, _told(findings)


@pytest.mark.fuzz
@pytest.mark.timeout(LONGEST_SECONDS)
async def test_what_was_made_is_there_until_it_is_gone(
    gateway: RunningGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        print(f"\n{STORIES} stories of {STEPS} steps along the links of the document")
        findings = follow_links(gateway, stories=STORIES, steps=STEPS)
        print(findings.in_words())
    assert not findings.wrong, _told(findings)
    assert findings.statuses[201] > 0, "nothing was ever made"
