"""Imported for what it imports: every verb of the command, so that a process forked from there has them all."""

from importlib import import_module

from cli.verbs import VERBS

for _verb in VERBS.values():
    import_module(_verb.module)
