"""The C programs of this benchmark, compiled where it runs, against the OpenSSL that Python uses."""

import shutil
import ssl
import subprocess
from pathlib import Path

HERE = Path(__file__).parent


class CannotCompile(Exception):
    """There is no C compiler here, no headers of OpenSSL, or not those of the OpenSSL that Python uses."""


def compiled(name: str, folder: Path) -> Path:
    """The program built from `name`.c, in `folder`. Raises CannotCompile, naming what is missing."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise CannotCompile("no C compiler (cc) here")
    program = folder / name
    built = subprocess.run(
        [compiler, "-O2", "-o", program, HERE / f"{name}.c", "-lssl", "-lcrypto"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    if built.returncode != 0:
        raise CannotCompile(f"cc could not build {name}.c (are OpenSSL's headers here?): {built.stderr.strip()[:300]}")
    return program


def openssl_here() -> str:
    """The version our probes run on."""
    return ssl.OPENSSL_VERSION


def openssl_library(program: Path) -> str | None:
    """The libssl a program or Python's own module would load, as `ldd` tells; None where it is built in."""
    told = subprocess.run(["ldd", program], capture_output=True, text=True, timeout=20).stdout
    for line in told.splitlines():
        if "libssl" in line and "=>" in line:
            return line.split("=>")[1].split()[0]
    return None
