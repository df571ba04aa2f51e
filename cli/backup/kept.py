"""A directory of backups named by the time they were made, of which the newest are kept."""

import re
from datetime import datetime
from pathlib import Path

_NAME = re.compile(r"mailprobe-\d{8}T\d{6}Z\.tar")


def dated_name(now: datetime) -> str:
    """What a backup begun at this time (UTC) is called; names sort as times do."""
    return f"mailprobe-{now:%Y%m%dT%H%M%SZ}.tar"


def superseded(folder: Path, *, keep: int) -> list[Path]:
    """Those named so beyond the newest; whatever else is there is none of ours."""
    ours = sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name) and path.is_file())
    return ours[:-keep]
