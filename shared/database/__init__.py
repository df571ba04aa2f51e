"""Postgres: pools, migrations, error translation, and the launcher of the Postgres that standalone brings along.

SQL of an aggregate lives with its service, in a `*_store.py`.
"""
