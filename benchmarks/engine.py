"""CPU of this process per check, against a trivial mail server in a process of its own. `make bench BENCH=engine`.

    .venv/bin/python -m benchmarks.engine [--checks 2000] [--at-once 16] [--profile imap.plain]

Prints a line per protocol and mode: name, median µs of CPU per check over interleaved rounds. The comparison with C
and other programs builds on these figures.
"""

import argparse
import asyncio
import cProfile
import multiprocessing
import pstats
import resource
import statistics
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path

import uvloop

from services.imap_worker.probe import imap_probe
from services.pop3_worker.probe import pop3_probe
from shared.checks.target import CheckTarget
from shared.checks.vocabulary import MailProtocol, Security
from shared.probing.address_policy import LOOPBACK_NETWORKS
from shared.probing.probe import Probe, ProbeEnvironment, ProbeRequest
from tests.support.mail_servers import CertificateHouse

USER, PASSWORD = "ada@example.org", b"correct horse"
ROUNDS = 7

# By the first word of what is not the tag; enough for exactly the dialogue of a check that passes.
_IMAP = {
    b"CAPABILITY": b"* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\r\n%b OK done\r\n",
    b"AUTHENTICATE": b"%b OK in\r\n",
    b"LOGIN": b"%b OK in\r\n",
    b"EXAMINE": b"* FLAGS (\\Seen)\r\n* 3 EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 1] ok\r\n"
    b"%b OK [READ-ONLY] done\r\n",
    b"LOGOUT": b"* BYE bye\r\n%b OK done\r\n",
}
_POP3 = {
    b"CAPA": b"+OK\r\nSASL PLAIN\r\nUSER\r\n.\r\n",
    b"AUTH": b"+OK in\r\n",
    b"STAT": b"+OK 3 1024\r\n",
    b"QUIT": b"+OK bye\r\n",
}


class _Server(asyncio.Protocol):
    def __init__(self, protocol: str) -> None:
        self._imap = protocol == "imap"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        greeting = b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n" if self._imap else b"+OK ready\r\n"
        self._transport.write(greeting)

    def data_received(self, data: bytes) -> None:
        words = data.split()
        if self._imap:
            self._transport.write(_IMAP[words[1]].replace(b"%b", words[0]))
        else:
            self._transport.write(_POP3[words[0]])


def _serve(folder: str, told: Connection) -> None:
    async def run() -> None:
        house = CertificateHouse(Path(folder))
        loop = asyncio.get_running_loop()
        ports = {}
        for protocol in ("imap", "pop3"):
            for mode, context in (("plain", None), ("tls", house.context("good"))):
                server = await loop.create_server(
                    lambda protocol=protocol: _Server(protocol), "127.0.0.1", 0, ssl=context, backlog=1024
                )
                ports[f"{protocol}.{mode}"] = server.sockets[0].getsockname()[1]
        told.send((ports, str(house.ca_file)))
        await asyncio.Event().wait()

    uvloop.run(run())


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def _round(name: str, port: int, environment: ProbeEnvironment, *, checks: int, at_once: int) -> float:
    protocol, _, mode = name.partition(".")
    probe: Probe = imap_probe if protocol == "imap" else pop3_probe
    target = CheckTarget(
        protocol=MailProtocol(protocol),
        hostname="127.0.0.1",
        port=port,
        security=Security.TLS if mode == "tls" else Security.NONE,
        user=USER,
    )
    request = ProbeRequest(target, PASSWORD)

    async def one_after_another(count: int) -> None:
        for _ in range(count):
            outcome = await probe(request, environment)
            if not outcome.passed:
                raise SystemExit(f"{name}: {outcome.kind} {outcome.message} {outcome.transcript}")

    before = _cpu_seconds()
    await asyncio.gather(*(one_after_another(checks // at_once) for _ in range(at_once)))
    return (_cpu_seconds() - before) / (checks // at_once * at_once) * 1e6


async def _measure(ports: dict[str, int], ca_file: str, options: argparse.Namespace) -> None:
    environment = ProbeEnvironment.create(
        allowed_private_networks=LOOPBACK_NETWORKS,
        ca_file=ca_file,
        max_handshakes=1024,
        handshake_spacing_seconds=0.0,
    )
    sizes = {"checks": options.checks, "at_once": options.at_once}
    if options.profile:
        port = ports[options.profile]
        await _round(options.profile, port, environment, **sizes)
        profile = cProfile.Profile()
        profile.enable()
        await _round(options.profile, port, environment, **sizes)
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)
        return
    figures: dict[str, list[float]] = {name: [] for name in ports}
    for _ in range(ROUNDS):
        for name, port in ports.items():
            figures[name].append(await _round(name, port, environment, **sizes))
    for name, values in figures.items():
        print(f"engine.{name}.cpu_us {statistics.median(values):.0f}")
    await environment.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checks", type=int, default=960)
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--profile", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = multiprocessing.Pipe()
        server = multiprocessing.get_context("spawn").Process(target=_serve, args=(folder, theirs), daemon=True)
        server.start()
        try:
            ports, ca_file = ours.recv()
            uvloop.run(_measure(ports, ca_file, options))
        finally:
            server.terminate()
            server.join()


if __name__ == "__main__":
    main()
