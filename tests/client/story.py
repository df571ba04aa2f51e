"""What somebody does with the generated client: makes a monitor, finds it in the list, and removes it.

Runs in a process of its own, which knows the client and nothing of us: `story.py ADDRESS TOKEN CUSTOMER`.
"""

import sys
from uuid import UUID

from mailprobe_client import AuthenticatedClient
from mailprobe_client.api.default import create_monitor, delete_monitor, get_monitor, list_monitors
from mailprobe_client.models import ImapPopConfig, MonitorCreate, ProblemBody


def main(address: str, token: str, customer: str) -> None:
    """Tells each step on a line of its own."""
    client = AuthenticatedClient(base_url=address, token=token)
    wanted = MonitorCreate(
        customer_id=UUID(customer),
        name="Made by a generated client",
        hostname="mail.example.com",
        imap_pop_config=ImapPopConfig.from_dict({"user": "someone", "password": "secret", "tls": True}),
    )
    made = create_monitor.sync(client=client, body=wanted)
    print("created", made.name, made.hostname, made.status.value)
    listed = list_monitors.sync(client=client, search="generated client")
    print("listed", listed.total, listed.items[0].public_id == made.public_id)
    print("deleted", delete_monitor.sync(public_id=made.public_id, client=client).success)
    gone = get_monitor.sync(public_id=made.public_id, client=client)
    print("gone", isinstance(gone, ProblemBody), gone.status)


if __name__ == "__main__":
    main(*sys.argv[1:])
