"""What this machine lacks of the real servers, in words and as Debian packages.

`python needs.py` names each missing server with the command that installs it and exits 1; `--packages` prints the
packages alone. Only the standard library, so that it runs before anything is installed.
"""

import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Need:
    """One program of a server, where it may be, and how to get it."""

    what: str
    places: tuple[str, ...]
    package: str
    brew: str

    def found(self) -> Path | None:
        """The first place that has it."""
        return next((path for path in map(Path, self.places) if path.exists()), None)


RABBITMQ = Need(
    what="RabbitMQ",
    places=(
        "/usr/lib/rabbitmq/bin/rabbitmq-server",  # the wrapper in /usr/sbin insists on the system's node
        "/opt/homebrew/opt/rabbitmq/sbin/rabbitmq-server",
        "/usr/local/opt/rabbitmq/sbin/rabbitmq-server",
    ),
    package="rabbitmq-server",
    brew="rabbitmq",
)
DOVECOT = Need(
    what="Dovecot",
    places=("/usr/sbin/dovecot", "/opt/homebrew/sbin/dovecot", "/usr/local/sbin/dovecot"),
    package="dovecot-core",
    brew="dovecot",
)
DOVECOT_IMAP = Need(
    what="Dovecot's IMAP server",
    places=("/usr/lib/dovecot/imap", "/usr/libexec/dovecot/imap", "/opt/homebrew/libexec/dovecot/imap"),
    package="dovecot-imapd",
    brew="dovecot",
)
DOVECOT_POP3 = Need(
    what="Dovecot's POP3 server",
    places=("/usr/lib/dovecot/pop3", "/usr/libexec/dovecot/pop3", "/opt/homebrew/libexec/dovecot/pop3"),
    package="dovecot-pop3d",
    brew="dovecot",
)
PROMETHEUS = Need(
    what="Prometheus",
    places=("/usr/bin/prometheus", "/opt/homebrew/bin/prometheus", "/usr/local/bin/prometheus"),
    package="prometheus",
    brew="prometheus",
)
PROMTOOL = Need(
    what="Prometheus' promtool",
    places=("/usr/bin/promtool", "/opt/homebrew/bin/promtool", "/usr/local/bin/promtool"),
    package="prometheus",
    brew="prometheus",
)
CHROMIUM = Need(
    what="Chromium",
    places=(
        "/usr/bin/chromium",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ),
    package="chromium",
    brew="--cask chromium",
)
ALL = (RABBITMQ, DOVECOT, DOVECOT_IMAP, DOVECOT_POP3, PROMETHEUS, PROMTOOL, CHROMIUM)


def missing(needs: tuple[Need, ...] = ALL) -> list[Need]:
    """Those of the needs that this machine does not meet."""
    return [need for need in needs if need.found() is None]


def in_words(lacking: list[Need], *, platform: str = sys.platform) -> str:
    """A line for each missing thing, with the command that installs it."""
    lines = []
    for need in lacking:
        brew, apt = f"brew install {need.brew}", f"sudo apt-get install -y --no-install-recommends {need.package}"
        lines.append(f"{need.what} is missing; install it with: {brew if platform == 'darwin' else apt}")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """The command described above."""
    lacking = missing()
    if "--packages" in arguments:
        print(" ".join(dict.fromkeys(need.package for need in lacking)))
        return 0
    if lacking:
        print(f"The tests need real servers:\n{in_words(lacking)}", file=sys.stderr)
        print("Without them: make test-unit", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
