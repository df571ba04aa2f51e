"""Messages between services: one small seam, RabbitMQ behind it, and its in-process twin.

`seam` says what a service may ask for, `topology` alone spells names of exchanges, queues and keys, `envelope` turns
the messages of `shared.checks` into what travels. The adapters are `rabbitmq` and `in_process`. What a message means
is left to its readers.
"""
