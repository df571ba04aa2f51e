"""ARCHITECTURE.md names files and functions that are there."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def test_every_step_of_the_life_of_a_check_names_what_exists() -> None:
    life = (REPOSITORY / "ARCHITECTURE.md").read_text().partition("## The life of one check")[2].partition("\n## ")[0]
    named = re.findall(r"`([\w/]*\w+\.py)(?::\s+([\w.]+))?`", life)
    assert len(named) > 20
    missing = []
    for file, function in named:
        places = [path for room in ("services", "shared") for path in (REPOSITORY / room).rglob(Path(file).name)]
        places = [path for path in places if str(path).endswith(f"/{file}")]
        name = function.rpartition(".")[2]
        if not any(not name or re.search(rf"(def|class) {name}\b", path.read_text()) for path in places):
            missing.append(f"{file}: {function}")
    assert missing == []
