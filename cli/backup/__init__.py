"""`mailprobe backup` and `mailprobe restore`: database and key rings together: one is dead without the other."""

from cli.backup.command import backup as backup
from cli.backup.command import restore as restore

__all__ = ["backup", "restore"]
