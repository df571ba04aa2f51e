"""`mailprobe monitors import`: hundreds of mailboxes from a CSV file, each tested by its first check."""

from cli.mailbox_import.command import import_mailboxes as import_mailboxes
