"""How the image gets pg_dump: the very command of deploy/Dockerfile, done here with the programs at hand."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from shared.database.embedded_binaries import find_programs

ROOT = Path(__file__).parents[3]


def command_of_the_image() -> str:
    """What the stage `client` runs, in words for bash."""
    text = (ROOT / "deploy/Dockerfile").read_text().replace("\\\n", " ")
    stage = text.partition(" AS client\n")[2].partition("\nFROM ")[0]
    (command,) = re.findall(r"^RUN (.*)$", stage, re.MULTILINE)
    return command


@pytest.mark.parametrize("program", ["pg_dump", "pg_restore"])
def test_the_programs_run_apart_from_where_they_were_installed(program: str, tmp_path: Path) -> None:
    programs = find_programs(None)
    client = tmp_path / "postgres"
    # /client becomes /opt/postgres in the image; here both are one directory.
    command = command_of_the_image().replace("/client", str(client)).replace("/opt/postgres", str(client))
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=programs, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    apart = {path.name for path in (client / "lib").iterdir()}
    assert {"pg_dump", "pg_restore"} < apart
    assert any(name.startswith("libpq") for name in apart)
    assert not {name for name in apart if re.match(r"(libc|libm|libpthread)\.so", name)}, "the C library is the image's"
    # Elsewhere no path of the first place holds, as in another image.
    moved = shutil.copytree(client / "lib", tmp_path / "elsewhere")
    (client / program).write_text((client / program).read_text().replace(str(client / "lib"), str(moved)))
    said = subprocess.run(
        [client / program, "--version"], env={}, capture_output=True, text=True, check=True, timeout=30
    )
    assert said.stdout.startswith(f"{program} (PostgreSQL) ")
