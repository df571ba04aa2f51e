"""What `make run` prints once everything is up: the address, the first token, and commands that work when pasted."""

import shlex
import sys
from pathlib import Path

_EXAMPLE_BODY = """{
    "customerId": "11111111-1111-4111-8111-111111111111",
    "name": "Mailbox Access",
    "hostname": "mail.example.com",
    "port": 993,
    "status": "active",
    "checkInterval": 30,
    "timeoutSeconds": 30,
    "imapPopConfig": { "protocol": "imap", "user": "monitor@example.com", "password": "password", "tls": true }
  }"""


def announcement(address: str, token: str, token_file: Path) -> str:
    """The text; it holds the token, so it goes to the terminal of whoever started us and to no log."""
    quoted_file = shlex.quote(str(token_file))
    # As an absolute path: the command is in an environment of ours, which is on nobody's PATH.
    command = shlex.quote(str(Path(sys.argv[0]).absolute())) if Path(sys.argv[0]).name == "mailprobe" else "mailprobe"
    return f"""
mailprobe is running at {address}
First token: {token}
(kept in {token_file})

A first monitor, to paste into another terminal (put in a mailbox of yours):

TOKEN=$(cat {quoted_file})
curl -X POST "{address}/api/imap-pop-monitors" \\
  -H "Authorization: Bearer $TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{_EXAMPLE_BODY}'

What became of it:

{command} status --url {address} --token-file {quoted_file}

Ctrl-C stops it; the data stays.
"""
