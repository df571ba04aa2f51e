"""The language of a check: target, job, outcome, result, and the pure rules about them.

Imports nothing of ours and does no I/O. Times are integers in milliseconds since the Unix epoch on the
database's clock unless the name says otherwise; durations carry their unit in the name.
"""
