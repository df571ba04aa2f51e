"""Ten minutes of two schedulers, one of them always dying (`make soak`; MAILPROBE_SOAK_MINUTES for another time)."""

import os

import pytest

from tests.soak.two_schedulers import soak


@pytest.mark.soak
async def test_two_schedulers_lose_nothing_and_repeat_nothing_for_minutes(capsys: pytest.CaptureFixture[str]) -> None:
    figures = await soak(float(os.environ.get("MAILPROBE_SOAK_MINUTES", "10")), seed=1)
    with capsys.disabled():
        print("", *figures.lines(), sep="\n")
    assert figures.kills
    assert figures.freezes
    assert figures.epochs > figures.kills + figures.freezes
    assert figures.kept is not None
    assert figures.kept.results > 0
