"""The notifier's loops while the database is away."""

import asyncio

import pytest
from structlog.testing import capture_logs

from services.notifier import planning as planning_module
from services.notifier import sending as sending_module
from services.notifier.planning import Planning
from services.notifier.senders.mail import MailSender
from services.notifier.sending import Sending
from shared.database.errors import DatabaseUnavailable
from shared.sealing import generate_key_rings


class Away:
    """A pool nobody can take a connection from; the loop is stopped after some tries."""

    def __init__(self, stop: asyncio.Event) -> None:
        self.tries = 0
        self._stop = stop

    def acquire(self, **_: object) -> None:
        self.tries += 1
        if self.tries == 12:
            self._stop.set()
        raise DatabaseUnavailable("Connection refused")


@pytest.mark.parametrize("loop", ["planning", "sending"])
async def test_an_outage_of_the_database_is_said_once(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning_module, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(sending_module, "LOOK_SECONDS", 0.001)
    stop = asyncio.Event()
    pool = Away(stop)
    sending = Sending(pool, senders={}, mail=MailSender(None), keys=generate_key_rings()[1])
    runs = sending if loop == "sending" else Planning(pool, mail=False, public_url=None, sending=sending)
    with capture_logs() as said:
        async with asyncio.timeout(60):
            await runs.run(stop)
    assert pool.tries == 12
    assert [each["log_level"] for each in said] == ["warning"]
