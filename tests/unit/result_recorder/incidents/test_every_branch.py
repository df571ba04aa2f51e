"""The examples go through every branch of the incident engine: measured, not hoped for."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]
MEASURED = [f"services/result_recorder/incidents/{name}.py" for name in ("engine", "places", "follow_ups", "rules")]

NO_EXAMPLES = (Path(__file__).name, "test_against_model.py")


def test_every_branch_is_taken(tmp_path: Path) -> None:
    data, report = tmp_path / "data", tmp_path / "report.json"
    coverage = [sys.executable, "-m", "coverage"]
    measured = f"--data-file={data}"
    examples = [str(path) for path in sorted(Path(__file__).parent.glob("test_*.py")) if path.name not in NO_EXAMPLES]
    measuring = [*coverage, "run", "--branch", measured, f"--include={','.join(MEASURED)}"]
    subprocess.run(
        [*measuring, "-m", "pytest", "-q", "-p", "no:cacheprovider", *examples],
        cwd=ROOT,
        check=True,
        timeout=100,
        capture_output=True,
    )
    subprocess.run([*coverage, "json", measured, "-q", "-o", str(report)], cwd=ROOT, check=True, timeout=30)
    files = json.loads(report.read_text())["files"]
    assert sorted(files) == sorted(MEASURED)
    missed = {name: (each["missing_lines"], each["missing_branches"]) for name, each in files.items()}
    assert missed == {name: ([], []) for name in MEASURED}
