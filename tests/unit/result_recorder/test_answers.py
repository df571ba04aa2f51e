"""Answers that make no sense are told apart before they meet the database."""

import pytest

from services.result_recorder.answers import Answer, what_is_wrong
from shared.checks.vocabulary import CheckKind
from tests.support.answers import answer, missed, slot


@pytest.mark.parametrize(
    ("nonsense", "words"),
    [
        (missed(slot(0), 3).model_copy(update={"interval_ms": 0}), "no interval"),
        (missed(slot(0), 3).model_copy(update={"count": 2}), "do not add up"),
        (missed(slot(0), kind=CheckKind.TRIGGER), "without its check_id"),
        (missed(-5), "beyond any date"),
        (answer(slot(0)).model_copy(update={"started_at": 10**17}), "beyond any date"),
    ],
)
def test_nonsense_is_named(nonsense: Answer, words: str) -> None:
    assert words in (what_is_wrong(nonsense) or "")


@pytest.mark.parametrize("sensible", [answer(slot(0)), missed(slot(0), 3), missed(slot(0), kind=CheckKind.TEST)])
def test_sense_is_let_through(sensible: Answer) -> None:
    assert what_is_wrong(sensible) is None
