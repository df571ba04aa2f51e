"""Numbered SQL files, each applied once and in order, inside its own transaction."""

from shared.database.migrations.runner import MigrationError, applied_and_wanted, migrate

__all__ = ["MigrationError", "applied_and_wanted", "migrate"]
