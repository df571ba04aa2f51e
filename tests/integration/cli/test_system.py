"""`mailprobe system status` beside a gateway whose broker nobody listens at."""

import json

from tests.support.command_session import Session


async def test_the_system_is_told_in_words_and_for_programs(session: Session) -> None:
    shown = await session("system", "status")
    assert shown.exit_code == 1, shown.output
    for words in ("late to be asked for", "0 of 0", "room made until", "no result recorder listens"):
        assert words in shown.output, shown.output
    told = await session("system", "status", "-o", "json")
    assert (told.exit_code, told.stderr) == (1, "")
    state = json.loads(told.stdout)
    assert {"schedule", "results", "canaries", "queues", "notifier", "retention"} < set(state)
    assert {each["name"] for each in state["queues"]["items"]} >= {"mailprobe.results", "mailprobe.dead-letters"}
