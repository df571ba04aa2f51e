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


_NOBODY = """
Nobody would be told of an outage: there is no notification channel yet. To make one:

{command} channels add --help
"""


_FIRST_PERSON = """
To sign in in a browser, open this link; it works once, within seven days, and makes you the first admin:

{link}
"""


def announcement(
    address: str, token: str, token_file: Path, *, somebody_told: bool = True, set_up_link: str | None = None
) -> str:
    """The text; it holds the token, so it goes to the terminal of whoever started us and to no log.

    Args:
        somebody_told: whether there is a channel at all that hears of outages.
        set_up_link: how the first person signs up, while there is none.
    """
    quoted_file = shlex.quote(str(token_file))
    # As an absolute path: the command is in an environment of ours, which is on nobody's PATH.
    command = shlex.quote(str(Path(sys.argv[0]).absolute())) if Path(sys.argv[0]).name == "mailprobe" else "mailprobe"
    return f"""
mailprobe is running at {address}
First token: {token}
(kept in {token_file})
{"" if set_up_link is None else _FIRST_PERSON.format(link=set_up_link)}
A first monitor, to paste into another terminal (put in a mailbox of yours):

TOKEN=$(cat {quoted_file})
curl -X POST "{address}/api/imap-pop-monitors" \\
  -H "Authorization: Bearer $TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{_EXAMPLE_BODY}'

What became of it:

{command} status --url {address} --token-file {quoted_file}
{"" if somebody_told else _NOBODY.format(command=command)}
Ctrl-C stops it; the data stays.
"""
