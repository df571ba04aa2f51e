"""`mailprobe keys`: the key pairs that mailbox passwords and the secrets of notification channels are sealed with."""

import os
from pathlib import Path
from typing import Annotated

import typer

from cli.failing import fail
from cli.showing import print_lines
from shared.sealing import generate_key_rings

PUBLIC = "public.json"
PRIVATE = "private.json"
CHANNEL_PUBLIC = "channel-public.json"
CHANNEL_PRIVATE = "channel-private.json"

keys = typer.Typer(no_args_is_help=True, help="Keys that passwords are sealed with.")


@keys.callback()
def _group() -> None:
    """Keys that passwords are sealed with."""


@keys.command("generate")
def generate(out: Annotated[Path, typer.Option(help="The directory to write the files to.")] = Path()) -> None:
    """Make new pairs: the gateway gets the public ones, workers and notifier a private one each."""
    public_ring, private_ring = generate_key_rings()
    channel_public_ring, channel_private_ring = generate_key_rings()
    contents = {
        out / PRIVATE: private_ring.to_json(),
        out / PUBLIC: public_ring.to_json(),
        out / CHANNEL_PRIVATE: channel_private_ring.to_json(),
        out / CHANNEL_PUBLIC: channel_public_ring.to_json(),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        # Before anything is written: one new and one old half would open nothing.
        for path in contents:
            if path.exists() or path.is_symlink():
                fail(f"{path} is there already; passwords sealed with it can be opened with nothing else")
        for path, content in contents.items():
            _write_new(path, content + "\n")
    except OSError as error:
        fail(f"cannot write the keys to {out}: {error.strerror}")
    print_lines(
        f"{out / PUBLIC}: for the gateway, as MAILPROBE_PUBLIC_KEYS_FILE",
        f"{out / PRIVATE}: for the workers alone, as MAILPROBE_PRIVATE_KEYS_FILE; without it no password opens again",
        f"{out / CHANNEL_PUBLIC}: for the gateway, as MAILPROBE_CHANNEL_PUBLIC_KEYS_FILE",
        f"{out / CHANNEL_PRIVATE}: for the notifier alone, as MAILPROBE_CHANNEL_PRIVATE_KEYS_FILE",
    )


def _write_new(path: Path, content: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
