"""The `mailprobe` command; see `cli.main`."""
