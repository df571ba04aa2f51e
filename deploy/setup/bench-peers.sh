#!/bin/sh
# Brings what the benchmarks compare us with, where it can be had; the benchmarks name and pass over what can't.
set -eu
cd "$(dirname "$0")/../.."

missing=
[ -x /usr/bin/prometheus-blackbox-exporter ] || missing="$missing prometheus-blackbox-exporter"
[ -x /usr/lib/nagios/plugins/check_imap ] || missing="$missing monitoring-plugins-basic"
command -v cc >/dev/null || missing="$missing gcc libc6-dev"
[ -e /usr/include/openssl/ssl.h ] || missing="$missing libssl-dev"
if [ -z "$missing" ]; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ]; then
    # shellcheck disable=SC2086  # a list of words
    sh deploy/setup/apt-install.sh $missing || echo "mailprobe: apt-get could not install$missing" >&2
else
    echo "mailprobe: not here, and only root on Debian can bring it:$missing" >&2
fi
