"""Our own tree keeps the rules of the house."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.rules import RULES, Rule
from tests.support.source_tree import forget, modules

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def nothing_read_is_kept() -> Iterator[None]:
    yield
    forget()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_our_tree_keeps(rule: Rule) -> None:
    violations = rule(ROOT)
    assert not violations, "\n".join(violations)


def test_the_rules_look_at_our_files() -> None:
    seen = {module.where for module in modules(ROOT)}
    assert {"shared/checks/outcome.py", "tests/architecture/test_rules.py"} <= seen
