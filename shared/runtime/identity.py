"""What a process calls itself: in logs, connection names, presence and results."""

import os
import socket


def instance_name(service: str) -> str:
    """`service@host:pid`, such as `imap_worker@fra1:4711`."""
    return f"{service}@{socket.gethostname()}:{os.getpid()}"
