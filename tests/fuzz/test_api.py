"""The API is what its OpenAPI document says, whatever it is asked: schemathesis, all checks, on a real Postgres."""

import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
import requests
import structlog

from tests.fuzz.api.gateway import RunningGateway, running_gateway

if TYPE_CHECKING:
    from tests.fuzz.api.asking import Findings

EXAMPLES_OF_EACH = 1_000
PARTS = 8
"""What a thousand of each are split into, for several processes: making up requests costs far more than answering."""
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


def _told(findings: "Findings") -> str:
    return "\n\n".join(f"{name}: {kind}\n{said}" for (name, kind), said in findings.wrong.items())


@pytest.mark.timeout(300)
async def test_some_requests_of_each_operation(gateway: RunningGateway, figures: Callable[[str], None]) -> None:
    # Imported here, as below: every process that collects tests would take two seconds for it.
    from tests.fuzz.api.asking import ask_everything

    # The gateway has a thread and a loop of its own: this one may be kept busy.
    findings = ask_everything(gateway, examples=SEED_EXAMPLES_OF_EACH)
    figures(findings.in_words())
    assert not findings.wrong, _told(findings)
    assert findings.statuses[200] > 0 < findings.statuses[201], "nothing was ever asked as it should be"


@pytest.mark.fuzz
@pytest.mark.timeout(LONGEST_SECONDS)
@pytest.mark.parametrize("part", range(PARTS))
async def test_a_thousand_requests_of_each_operation(
    gateway: RunningGateway, figures: Callable[[str], None], part: int
) -> None:
    from tests.fuzz.api.asking import ask_everything

    first = int(os.environ.get("FUZZ_FROM", time.time_ns() // 1_000_000_000))
    findings = ask_everything(gateway, examples=EXAMPLES_OF_EACH, first=first, part=part, parts=PARTS)
    figures(f"{findings.in_words()}; part {part + 1} of {PARTS}, from {first} on")
    assert not findings.wrong, _told(findings)


@pytest.mark.fuzz
@pytest.mark.timeout(LONGEST_SECONDS)
async def test_what_was_made_is_there_until_it_is_gone(gateway: RunningGateway, figures: Callable[[str], None]) -> None:
    from tests.fuzz.api.following import follow_links

    findings = follow_links(gateway, stories=STORIES, steps=STEPS)
    figures(f"{STORIES} stories of {STEPS} steps along the links of the document: {findings.in_words()}")
    assert not findings.wrong, _told(findings)
    assert findings.statuses[201] > 0, "nothing was ever made"
