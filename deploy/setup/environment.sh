#!/bin/sh
# Makes the Python environment of this checkout in .venv: `environment.sh run` or `environment.sh dev`.
# Does nothing when it is there and fits; says in one sentence what is missing where it cannot.
set -eu

kind=$1
cd "$(dirname "$0")/../.."
case $kind in
    run) requirements=requirements.txt ;;
    dev) requirements=requirements-dev.txt ;;
    *) echo "environment.sh takes run or dev, not $kind" >&2; exit 2 ;;
esac

say() { echo "mailprobe: $*" >&2; }

# The environment for development has all of the other one, so it serves for both.
fingerprint() { cat "$1" pyproject.toml | cksum | tr ' ' '-'; }
fits() { [ "$(cat ".venv/.made-for-$1" 2>/dev/null)" = "$PWD $(fingerprint "$2")" ]; }
works() { .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

made() { works && { fits dev requirements-dev.txt || { [ "$kind" = run ] && fits run requirements.txt; }; }; }

if made; then
    exit 0
fi

# One at a time: what follows may remove the whole of .venv. The lock of one that was killed is taken over.
lock=.venv.lock
said=
until ln -s $$ "$lock" 2>/dev/null; do
    [ -w . ] || { say "cannot write in $PWD; give it to this user, or clone into a directory of your own"; exit 1; }
    owner=$(readlink "$lock" || echo gone)
    if [ "$owner" != gone ] && ! kill -0 "$owner" 2>/dev/null; then
        rm -f "$lock"
        continue
    fi
    [ -n "$said" ] || say "waiting for another make (process $owner) that makes .venv"
    said=yes
    sleep 1
done
trap 'rm -f "$lock"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

if made; then
    exit 0
fi

# Scripts in an environment name its place; one that was moved is made anew. So is one without a mark: its making was
# interrupted, and what is half there (pip itself, or a package pip takes for installed) would never be put right.
finished() { [ -n "$(cat .venv/.made-for-* 2>/dev/null)" ]; }
moved() { cat .venv/.made-for-* 2>/dev/null | grep -qv "^$PWD "; }

if ! works || ! finished || moved; then
    python=$(sh deploy/setup/find-python.sh)
    # What a link leads to is another checkout's, and would be emptied.
    [ ! -L .venv ] || rm .venv
    say "making .venv with $python"
    "$python" -m venv --clear .venv
fi

say "installing $requirements into .venv"
rm -f .venv/.made-for-*
if ! [ -x .venv/bin/uv ]; then
    sed -n '/^uv==/,/[^\\]$/p' requirements-dev.txt > .venv/uv.txt
    sh deploy/setup/install.sh --require-hashes -r .venv/uv.txt 2>/dev/null || true  # slower without it
fi
if ! sh deploy/setup/install.sh --require-hashes -r "$requirements"; then
    say "the packages could not be installed; see pip's words above (behind a proxy set HTTPS_PROXY) and run make again"
    exit 1
fi
sh deploy/setup/install.sh --no-deps --no-build-isolation --editable .
echo "$PWD $(fingerprint "$requirements")" > ".venv/.made-for-$kind"
