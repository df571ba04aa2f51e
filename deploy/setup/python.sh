#!/bin/sh
# For test machines: sees to a Python that can make environments, installing Debian's where that is possible.
set -eu
cd "$(dirname "$0")/../.."

[ -x .venv/bin/python ] && .venv/bin/python -c '' 2>/dev/null && exit 0
sh deploy/setup/find-python.sh >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ]; then
    sh deploy/setup/apt-install.sh python3 python3-venv
fi
sh deploy/setup/find-python.sh >/dev/null
