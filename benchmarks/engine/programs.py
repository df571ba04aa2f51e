"""The programs measured side by side, each asked the same way: make these checks; how much CPU did that take."""

import base64
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from benchmarks.engine.certificates import SERVER_NAME, CertificateFiles
from benchmarks.engine.compiled import CannotCompile, compiled
from benchmarks.engine.stage import PASSWORD, USER, Cores, Round, ToldProcess, cpu_seconds

_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}  # of the plugins: they need nothing of ours
_PLUGINS = Path("/usr/lib/nagios/plugins")

# A process each, of milliseconds: some are enough for a median, and many would outlast everything else.
_MOST_PLUGIN_CHECKS = 8


class CannotBeHad(Exception):
    """This program is not here; the message says what would bring it."""


class Program(Protocol):
    """One of those compared."""

    def make(self, turn: Round) -> float:
        """Make these checks; the CPU of one, in µs. Raises where one did not pass."""
        ...

    def close(self) -> None: ...


class Told:
    """A program told line by line: ours and the limit."""

    def __init__(self, process: ToldProcess) -> None:
        self.process = process

    def make(self, turn: Round) -> float:
        began = cpu_seconds(self.process.pid)
        answer = self.process.told("run", turn.protocol, turn.mode, turn.port, turn.checks, turn.at_once)
        if answer != "ok":
            raise RuntimeError(answer)
        return (cpu_seconds(self.process.pid) - began) / turn.checks * 1e6

    def make_paced(self, turn: Round, every_us: float) -> float:
        """The same where checks are due so far apart and begin as a worker has them begin. Of our probes only."""
        began = cpu_seconds(self.process.pid)
        self.process.told("load", turn.protocol, turn.mode, turn.port, turn.checks, every_us)
        return (cpu_seconds(self.process.pid) - began) / turn.checks * 1e6

    def close(self) -> None:
        self.process.close()


def ours(certificates: CertificateFiles, cores: Cores) -> Told:
    """Our probes, on uvloop."""
    command = [sys.executable, "-m", "benchmarks.engine.our_probes", str(certificates.authority)]
    return Told(ToldProcess(command, cores=cores.clients))


def limit(certificates: CertificateFiles, cores: Cores, folder: Path, *, frugal: bool = False) -> Told:
    """The same dialogue in C; `frugal` with memory as Python tells OpenSSL to be. Raises CannotCompile."""
    program = compiled("engine_limit", folder)
    words = [str(program), str(certificates.authority), SERVER_NAME, USER, PASSWORD, *(["frugal"] if frugal else [])]
    return Told(ToldProcess(words, cores=cores.clients))


def bare(certificates: CertificateFiles, cores: Cores) -> Told:
    """The same dialogue by a protocol on uvloop that judges and records nothing: what Python costs before we begin."""
    command = [sys.executable, "-m", "benchmarks.engine.bare_protocol", str(certificates.authority)]
    return Told(ToldProcess(command, cores=cores.clients))


class Blackbox:
    """prometheus-blackbox-exporter, asked over its HTTP interface as Prometheus asks it."""

    def __init__(self, certificates: CertificateFiles, cores: Cores, folder: Path) -> None:
        program = shutil.which("prometheus-blackbox-exporter")
        if program is None:
            raise CannotBeHad("Debian's prometheus-blackbox-exporter is not installed")
        modules = folder / "blackbox.yml"
        modules.write_text(json.dumps(_modules(certificates)))  # JSON is YAML
        self._port = _free_port()
        command = [program, f"--config.file={modules}", f"--web.listen-address=127.0.0.1:{self._port}"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.sched_setaffinity(self._process.pid, cores.clients)
        self._wait_until_it_listens()

    def make(self, turn: Round) -> float:
        query = urllib.parse.urlencode({"target": f"127.0.0.1:{turn.port}", "module": turn.name})
        began = cpu_seconds(self._process.pid)
        _in_threads(turn, lambda: self._asker(f"/probe?{query}"))
        return (cpu_seconds(self._process.pid) - began) / turn.checks * 1e6

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)

    def _asker(self, path: str) -> Callable[[], None]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)

        def ask() -> None:
            connection.request("GET", path)
            answer = connection.getresponse().read()
            if b"\nprobe_success 1" not in answer:
                raise RuntimeError(f"blackbox_exporter's probe failed: {answer[-300:]!r}")

        return ask

    def _wait_until_it_listens(self) -> None:
        give_up_at = time.monotonic() + 10
        while time.monotonic() < give_up_at:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise CannotBeHad("prometheus-blackbox-exporter did not start to listen")


class Plugins:
    """check_imap and check_pop of monitoring-plugins, a process for each check as Nagios runs them.

    They read the greeting and say goodbye, and verify nothing; so they do less than the others.
    """

    def __init__(self, cores: Cores) -> None:
        self._cores = cores.clients
        for name in ("check_imap", "check_pop"):
            if not os.access(_PLUGINS / name, os.X_OK):
                raise CannotBeHad(f"{name} of Debian's monitoring-plugins-basic is not installed")

    def make(self, turn: Round) -> float:
        checks = min(turn.checks, _MOST_PLUGIN_CHECKS)
        program = str(_PLUGINS / ("check_imap" if turn.protocol == "imap" else "check_pop"))
        command = [program, "-H", "127.0.0.1", "-p", str(turn.port), *(["-S"] if turn.mode == "tls" else [])]
        return sum(self._once(command) for _ in range(checks)) / checks * 1e6

    def close(self) -> None:
        """Nothing runs between checks."""

    def _once(self, command: list[str]) -> float:
        ours = os.sched_getaffinity(0)
        os.sched_setaffinity(0, self._cores)  # inherited
        try:
            quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
            pid = os.posix_spawn(command[0], command, _ENVIRONMENT, file_actions=quiet)
        finally:
            os.sched_setaffinity(0, ours)
        _, status, used = os.wait4(pid, 0)
        if status != 0:
            raise RuntimeError(f"{command} ended with {os.waitstatus_to_exitcode(status)}")
        return used.ru_utime + used.ru_stime


def assembled(certificates: CertificateFiles, cores: Cores, folder: Path) -> tuple[dict[str, Program], dict[str, str]]:
    """The programs that can be had here, ours first, and why each of the others can't."""
    programs: dict[str, Program] = {"ours": ours(certificates, cores)}
    passed_over: dict[str, str] = {}
    makers: dict[str, Callable[[], Program]] = {
        "limit": lambda: limit(certificates, cores, folder),
        "bare": lambda: bare(certificates, cores),
        "blackbox": lambda: Blackbox(certificates, cores, folder),
        "check": lambda: Plugins(cores),
    }
    for name, make in makers.items():
        try:
            programs[name] = make()
        except (CannotBeHad, CannotCompile) as why:
            passed_over[name] = str(why)
    return programs, passed_over


def _modules(certificates: CertificateFiles) -> dict[str, Any]:
    """The dialogue of our probes, in its words."""
    login = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
    imap = [
        {"expect": r"^\* OK"},
        {"send": "A1 CAPABILITY"},
        {"expect": "^A1 OK"},
        {"send": f"A2 AUTHENTICATE PLAIN {login}"},
        {"expect": "^A2 OK"},
        {"send": "A3 EXAMINE INBOX"},
        {"expect": "^A3 OK"},
        {"send": "A4 LOGOUT"},
        {"expect": "^A4 OK"},
    ]
    pop3 = [
        {"expect": r"^\+OK"},
        {"send": "CAPA"},
        {"expect": r"^\.$"},
        {"send": f"AUTH PLAIN {login}"},
        {"expect": r"^\+OK"},
        {"send": "STAT"},
        {"expect": r"^\+OK"},
        {"send": "QUIT"},
        {"expect": r"^\+OK"},
    ]
    tls = {"ca_file": str(certificates.authority), "server_name": SERVER_NAME, "min_version": "TLS13"}
    modules: dict[str, Any] = {}
    for protocol, dialogue in (("imap", imap), ("pop3", pop3)):
        modules[f"{protocol}.plain"] = {"prober": "tcp", "tcp": {"query_response": dialogue}}
        modules[f"{protocol}.tls"] = {
            "prober": "tcp",
            "tcp": {"query_response": dialogue, "tls": True, "tls_config": tls},
        }
    return {"modules": modules}


def _in_threads(turn: Round, make_asker: Callable[[], Callable[[], None]]) -> None:
    failures: list[Exception] = []

    def work(count: int) -> None:
        try:
            ask = make_asker()
            for _ in range(count):
                ask()
        except Exception as error:
            failures.append(error)

    shares = [turn.checks // turn.at_once + (place < turn.checks % turn.at_once) for place in range(turn.at_once)]
    threads = [threading.Thread(target=work, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _free_port() -> int:
    with socket.socket() as asking:
        asking.bind(("127.0.0.1", 0))
        port: int = asking.getsockname()[1]
        return port
