"""Whatever happens in whatever order, the engine says what the model says; `make fuzz` tells many more stories."""

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.incidents.machine import IncidentMachine
from tests.support.incidents.story import run

SEED_STORIES = 400


def test_a_seed_of_the_stories() -> None:
    assert run(0, SEED_STORIES) == []


def test_stories_that_hypothesis_tells() -> None:
    run_state_machine_as_test(
        IncidentMachine, settings=settings(max_examples=100, stateful_step_count=30, deadline=None)
    )
