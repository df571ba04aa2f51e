#!/bin/sh
# Prints a Python of 3.11 or later that can make environments, or says in one sentence how to get one.
# Each candidate on PATH is run before it is chosen: a shim of pyenv may stand for a version that is not installed. One
# that was built for speed comes before the others: what a version manager compiles by itself usually was not, and a
# check then costs a fifth to a third more. PYTHON=... is taken before all.
set -eu

fit='import sys; sys.exit(sys.version_info < (3, 11))'
# Distributions build theirs with profile-guided optimization, whatever its configuration says of it.
fast='import sys, sysconfig
sys.exit(not (sys.base_prefix == "/usr" or "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")))'
too_old=
lacks_venv=
slow=

IFS=:
for name in "${PYTHON:-python3}" python3 python3.13 python3.12 python3.11 python3.14 python; do
    for folder in "" ${PATH:-}; do
        case $name in
            */*) candidate=$name ;;
            *) candidate=${folder:-/nowhere}/$name ;;
        esac
        [ -x "$candidate" ] || continue
        "$candidate" -c '' >/dev/null 2>&1 || continue
        if ! "$candidate" -c "$fit" 2>/dev/null; then
            too_old=$candidate
        elif ! "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
            lacks_venv=${lacks_venv:-$candidate}
        elif [ "$name" != "${PYTHON:-}" ] && ! "$candidate" -c "$fast" 2>/dev/null; then
            slow=${slow:-$candidate}
        else
            echo "$candidate"
            exit 0
        fi
    done
done

if [ -n "$slow" ]; then
    echo "$slow"
    exit 0
fi

if [ -n "$lacks_venv" ]; then
    version=$("$lacks_venv" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "mailprobe: $lacks_venv lacks the venv module; install it with: sudo apt-get install -y python$version-venv" >&2
elif [ -n "$too_old" ]; then
    echo "mailprobe: needs Python 3.11 or later and $too_old is $("$too_old" -c 'import platform; print(platform.python_version())');" \
        "on Debian 12 or Ubuntu 24.04 and later: sudo apt-get install -y python3 python3-venv; on macOS: brew install python@3.12" >&2
else
    echo "mailprobe: needs Python 3.11 or later and found none; on Debian 12 or Ubuntu 24.04 and later:" \
        "sudo apt-get install -y python3 python3-venv; on macOS: brew install python@3.12" >&2
fi
exit 1
