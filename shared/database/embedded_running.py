"""Where the embedded Postgres of a data directory answers while another process runs it."""

import json
from pathlib import Path
from urllib.parse import quote

from shared.database.embedded import OWNER
from shared.database.embedded_process import serves_cluster

_LINE_OF_PORT = 3


def running_dsn(data_dir: Path) -> str | None:
    """The owner's address, a secret; None where nobody runs it, or it is not ours to read."""
    cluster = data_dir / "cluster"
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        pid, port = int(lines[0]), int(lines[_LINE_OF_PORT])
        password = json.loads((data_dir / "passwords.json").read_text())[OWNER]
    except (OSError, ValueError, IndexError, KeyError):
        return None
    if not serves_cluster(pid, cluster):
        return None
    return f"postgresql://{OWNER}:{quote(str(password), safe='')}@127.0.0.1:{port}/{OWNER}"
