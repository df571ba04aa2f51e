"""Mutants of the incident engine that survive and are no mistakes, each with the reason."""

JUDGED: dict[str, str] = {}
