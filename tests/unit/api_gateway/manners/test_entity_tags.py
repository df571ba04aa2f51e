"""What a tag is made of, and which condition holds."""

from types import SimpleNamespace
from typing import Any

import pytest
from multidict import CIMultiDict

from services.api_gateway.manners.entity_tags import Tagged, entity_tag, is_known, may_change, read_condition
from services.api_gateway.problems import Problem

TAGGED = Tagged(state=frozenset({"health"}), unsaid=frozenset({"lastCheckedAt"}))
SHOWN = {"name": "n", "health": "up", "lastCheckedAt": 1, "config": {"a": 1, "b": 2}}
CURRENT = entity_tag(SHOWN, TAGGED)


def asked(*values: str) -> Any:
    return SimpleNamespace(headers=CIMultiDict([("If-Match", value) for value in values]))


def test_a_check_moves_no_tag_an_outage_one_part_and_a_change_the_other() -> None:
    def parts(**changes: Any) -> list[str]:
        return entity_tag({**SHOWN, **changes}, TAGGED).strip('"').split(".")

    description, state = parts()
    assert parts(lastCheckedAt=2) == [description, state]
    assert parts(health="down") == [description, parts(health="down")[1]] != [description, state]
    assert parts(name="m") == [parts(name="m")[0], state] != [description, state]
    assert parts(config={"b": 2, "a": 1}) == [description, state], "the order of members means nothing"


def test_a_resource_without_a_state_has_a_tag_of_one_part() -> None:
    assert "." not in entity_tag(SHOWN, Tagged())


@pytest.mark.parametrize(
    ("values", "passes"),
    [
        (["*"], True),
        ([CURRENT], True),
        (['"x"', CURRENT], True),
        ([f'"x" , {CURRENT}'], True),
        ([CURRENT.replace(".", ".another")], True),
        ([f"W/{CURRENT}"], False),
        (['"x"'], False),
        (['""'], False),
        ([CURRENT.lower()], False),
    ],
)
def test_a_change_is_let_through_by_the_description_alone(values: list[str], passes: bool) -> None:
    condition = read_condition(asked(*values), "If-Match")
    assert condition is not None
    assert may_change(condition, CURRENT) is passes


def test_known_is_what_is_the_same_in_both_parts_however_weak() -> None:
    assert is_known([f"W/{CURRENT}"], CURRENT)
    assert is_known(["*"], CURRENT)
    assert not is_known([entity_tag({**SHOWN, "health": "down"}, TAGGED)], CURRENT)


@pytest.mark.parametrize("wrong", ["", "x", '"a', "'a'", '"a" "b"', 'w/"a"', ",", '*, "a"', '"a", *', '"a b"'])
def test_what_is_no_list_of_tags_is_refused(wrong: str) -> None:
    with pytest.raises(Problem):
        read_condition(asked(wrong), "If-Match")


def test_no_condition_is_none() -> None:
    assert read_condition(asked(), "If-Match") is None
