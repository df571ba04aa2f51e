"""The `mailprobe` command: operators' verbs, and a client of our own HTTP API."""
