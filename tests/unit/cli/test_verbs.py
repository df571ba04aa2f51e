"""Every verb can be said, is listed, and costs only its own imports."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.verbs import VERBS

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_says_how_it_is_used(verb: str) -> None:
    said = CliRunner().invoke(app, [verb, "--help"], prog_name="mailprobe")
    assert (said.exit_code, f"mailprobe {verb} " in said.output) == (0, True), said.output


def test_all_verbs_are_listed_in_their_panels_order() -> None:
    said = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output
    places = [said.find(f"│ {verb} ") for verb in VERBS]
    assert -1 not in places, said
    assert places == sorted(places)


def test_a_verb_that_is_misspelt_is_guessed() -> None:
    said = CliRunner().invoke(app, ["moniters"])
    assert (said.exit_code, "Did you mean 'monitors'" in said.output) == (2, True), said.output


def test_to_begin_and_to_serve_load_no_other_verb() -> None:
    program = (
        "import sys; from typer.testing import CliRunner; from cli.main import app\n"
        "for said in (['--version'], ['serve', '--help']): assert CliRunner().invoke(app, said).exit_code == 0\n"
        "print(*sorted(name for name in sys.modules if name.partition('.')[0] in ('cli', 'aiohttp', 'asyncpg')))"
    )
    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == ["cli", "cli.main", "cli.serve", "cli.showing", "cli.verbs"]
