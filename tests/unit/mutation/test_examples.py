"""The examples that look at mutants can be called as the mutants' own runner calls them, without pytest."""

import inspect

import pytest

from tests.mutation.__main__ import CORES, Core, cases, examples_of, loaded


@pytest.mark.parametrize("core", CORES, ids=lambda core: core.anew[0])
def test_every_example_gets_all_its_arguments(core: Core) -> None:
    called = 0
    for path in examples_of(core):
        for name, test in inspect.getmembers(loaded(path), inspect.isfunction):
            if name.startswith("test_"):
                assert not inspect.iscoroutinefunction(test), f"{path}: {name}"
                for arguments in cases(test):
                    inspect.signature(test).bind(**arguments)
                    called += 1
    assert called > 30
