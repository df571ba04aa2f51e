"""What people and programs read of a run: tables, then each figure on a line of its own, name and number."""

import _ssl
from collections.abc import Mapping
from pathlib import Path

from benchmarks.engine.compiled import openssl_here, openssl_library
from benchmarks.engine.fidelity import BURST, LOAD, Fidelity
from benchmarks.engine.in_flight import Held
from benchmarks.engine.side_by_side import Figures
from benchmarks.engine.stage import HOLD_SECONDS, Cores

_CHECKS = ("imap.plain", "imap.tls", "pop3.plain", "pop3.tls")
_OTHERS = ("limit", "bare", "blackbox", "check")

# At most so many times the other's CPU, by protocol and mode.
TARGETS = {
    "imap.plain.vs_limit": 2.3,
    "imap.tls.vs_limit": 1.22,
    "pop3.plain.vs_limit": 1.4,
    "pop3.tls.vs_limit": 1.12,
    **{f"{protocol}.plain.vs_blackbox": 0.35 for protocol in ("imap", "pop3")},
    **{f"{protocol}.tls.vs_blackbox": 0.85 for protocol in ("imap", "pop3")},
    **{f"{protocol}.plain.vs_check": 1 / 10 for protocol in ("imap", "pop3")},
    **{f"{protocol}.tls.vs_check": 1 / 4.5 for protocol in ("imap", "pop3")},
    **{f"{protocol}.plain.in_flight_kib": 12.0 for protocol in ("imap", "pop3")},
    **{f"{protocol}.tls.in_flight_vs_limit": 1.3 for protocol in ("imap", "pop3")},
    **{f"{check}.p50_at_70_percent": 1.3 for check in _CHECKS},
    **{f"{check}.p50_in_burst": 2.0 for check in _CHECKS},
}


def heading(cores: Cores, limit_program: Path | None = None) -> None:
    print(f"OpenSSL of our probes: {openssl_here()}", end="")
    python = openssl_library(Path(getattr(_ssl, "__file__", "")))
    in_c = openssl_library(limit_program) if limit_program is not None else None
    if in_c is not None and python is not None:
        print(f", of the programs in C: {'the same' if in_c == python else in_c}", end="")
    print(f"; clients on core {_listed(cores.clients)}, servers on {_listed(cores.servers)}", end="")
    print(", awake between commands so that no client pays for waking them" if cores.apart else "")


def side_by_side(figures: Figures, passed_over: Mapping[str, str]) -> None:
    others = [name for name in _OTHERS if name not in passed_over]
    print(f"\nmedian CPU of one check, µs{'':8}" + "".join(f"{name:>12}" for name in ("ours", *others)))
    for check in _CHECKS:
        row = "".join(f"{figures.median(check, name):12.0f}" for name in ("ours", *others))
        print(f"  {check:33}{row}")
    for name, why in passed_over.items():
        print(f"passed over: {name}: {why}")
    if "bare" in others:
        print("(bare: a uvloop protocol that plays the same dialogue and judges and records nothing)")
    if "check" in others:
        print("(check: check_imap and check_pop, which read the greeting, say goodbye and verify nothing)")
    print()
    for check in _CHECKS:
        _figure(f"{check}.cpu_us", figures.median(check, "ours"))
        for name in others:
            _figure(f"{check}.vs_{name}", figures.ratio(check, "ours", name))
        if "bare" in others and "limit" in others:
            _figure(f"{check}.bare_vs_limit", figures.ratio(check, "bare", "limit"))


def in_flight(held: Held) -> None:
    print(f"\n{held.checks} checks in flight against a server that answers after {HOLD_SECONDS} s, KiB each")
    if held.checks < held.wanted:
        print(f"(fewer than {held.wanted}: ulimit -n allows no more)")
    for check, kib in held.kib.items():
        _figure(f"{check}.in_flight_kib", kib["ours"])
        for limit in ("limit", "frugal_limit"):
            _figure(f"{check}.{limit}_in_flight_kib", kib[limit])
            _figure(f"{check}.in_flight_vs_{limit}", kib["ours"] / kib[limit])


def fidelity(found: Mapping[str, Fidelity]) -> None:
    print(f"\nreported p50 alone, at {LOAD:.0%} load, and in a burst of {BURST} due at once; paced as in a worker,")
    print("with the limit per host raised so that it holds nothing back")
    for check in _CHECKS:
        seen = found[check]
        print(f"  {check}: {seen.alone_ms:.2f} ms alone; at most {seen.checks_a_second:.0f} checks a second here")
        _figure(f"{check}.p50_at_70_percent", seen.loaded)
        _figure(f"{check}.p50_in_burst", seen.burst)


def _figure(name: str, value: float) -> None:
    target = TARGETS.get(name)
    beside = "" if target is None else f"   (to reach: {target:.3g}{'' if value <= target else '; missed'})"
    print(f"engine.{name} {value:.3f}{beside}", flush=True)


def _listed(cores: frozenset[int]) -> str:
    return ", ".join(map(str, sorted(cores)))
