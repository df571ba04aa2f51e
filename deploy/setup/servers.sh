#!/bin/sh
# Sees to the real servers the tests run against; names each one that is missing and fails where it cannot.
set -eu
cd "$(dirname "$0")/../.."

needs="tests/support/servers/needs.py"
missing=$(.venv/bin/python -I "$needs" --packages)
if [ -n "$missing" ] && [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ]; then
    # shellcheck disable=SC2086  # a list of words
    sh deploy/setup/apt-install.sh $missing || echo "mailprobe: apt-get could not install $missing" >&2
fi
exec .venv/bin/python -I "$needs"
