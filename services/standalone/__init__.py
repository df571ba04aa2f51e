"""All services in one process, on an embedded Postgres and the in-process broker: `make run`.

Nothing else differs from running them apart: the same SQL, the same messages, the same code. What is particular to
one process is here: the data directory, the order in which the services stop, and the first words to whoever starts it.
"""
