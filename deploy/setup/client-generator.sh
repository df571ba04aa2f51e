#!/bin/sh
# Brings what tests make a client of the API with into .venv/client-generator, once: other versions than our own of much.
set -eu
cd "$(dirname "$0")/../.."

folder=.venv/client-generator
mark="$folder/.made-for-$(cksum tests/client/requirements.txt | tr ' /' '--')"
[ ! -e "$mark" ] || exit 0

echo "mailprobe: installing tests/client/requirements.txt into $folder" >&2
rm -rf "$folder"
sh deploy/setup/install.sh --no-deps --require-hashes --target "$folder" -r tests/client/requirements.txt
: > "$mark"
