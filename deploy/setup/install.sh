#!/bin/sh
# Installs packages into .venv, as `pip install` does. By uv where it is there, which takes a tenth of the time; by pip
# where it is not, or fails: pip has settings of its own (an index, certificates), and says in words what is wrong.
set -eu
cd "$(dirname "$0")/../.."

if [ -x .venv/bin/uv ] && UV_PYTHON_DOWNLOADS=never UV_SYSTEM_CERTS=1 \
    .venv/bin/uv pip install --quiet --python .venv/bin/python "$@" 2>/dev/null; then
    exit 0
fi
exec .venv/bin/python -m pip --disable-pip-version-check --no-input --quiet install "$@"
