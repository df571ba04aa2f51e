#!/bin/sh
# Installs Debian packages without starting the services they bring: tests start their own, private ones.
set -eu

policy=/usr/sbin/policy-rc.d
kept=
if [ -e "$policy" ] || [ -L "$policy" ]; then
    kept=$(mktemp -u /usr/sbin/policy-rc.d.XXXXXX)
    mv "$policy" "$kept"
fi
restore() {
    rm -f "$policy"
    [ -z "$kept" ] || mv "$kept" "$policy"
}
trap restore EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

printf '#!/bin/sh\nexit 101\n' > "$policy"
chmod 755 "$policy"

echo "mailprobe: installing $*" >&2
export DEBIAN_FRONTEND=noninteractive
said=$(mktemp)
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"; } </dev/null >"$said" 2>&1; then
    tail -n 20 "$said" >&2
    rm -f "$said"
    exit 1
fi
rm -f "$said"
