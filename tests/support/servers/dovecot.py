"""A private, real Dovecot: IMAP and POP3, each plain, with STARTTLS/STLS, and over TLS.

Provides `DovecotServer` (accounts whose passwords change while it runs, a mailbox with a few messages, its log, and
variations of its configuration). What a check makes of it is left to the tests. Runs as root or not.
"""

import asyncio
import contextlib
import grp
import os
import pwd
import re
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.servers.certificates import HOST_NAME, Authority, CertificateFiles
from tests.support.servers.needs import DOVECOT
from tests.support.servers.process import LeashedProcess, free_ports, listens

PROGRAM = DOVECOT.found() or Path(DOVECOT.places[0])
_MESSAGE = b"From: practice@localhost\r\nTo: %s\r\nSubject: message %d\r\nDate: %s\r\n\r\nPractice mail.\r\n"
_DATE = b"Thu, 26 Feb 2026 12:00:00 +0000"


@dataclass(frozen=True, slots=True)
class DovecotOptions:
    """What may differ from a friendly server."""

    auth_mechanisms: tuple[str, ...] = ("plain", "login")
    disable_plaintext_auth: bool = False
    ssl: str = "yes"  # yes | no | required
    ssl_min_protocol: str = "TLSv1.2"
    certificate: CertificateFiles | None = None  # None: a good one of the server's own authority
    mail_max_userip_connections: int | None = None  # None: no limit to meet by accident
    auth_failure_delay: str = "0"
    auth_penalty: bool = False  # Dovecot's growing delay after refusals, per address
    extra: str = ""  # appended to dovecot.conf as it stands
    accounts: dict[str, str] = field(default_factory=lambda: {"anna": "right password"})
    messages: int = 3


class DovecotServer:
    """One Dovecot below `state` (a short path), on ports of its own."""

    def __init__(self, state: Path, *, options: DovecotOptions | None = None, program: Path = PROGRAM) -> None:
        self._state = state
        self._program = program
        self._process: LeashedProcess | None = None
        self.options = options or DovecotOptions()
        self._accounts = dict(self.options.accounts)
        self._changes = int(time.time())
        # One listener serves plain text and STARTTLS alike, as port 143 does.
        self.imap_port, self.imaps_port, self.pop3_port, self.pop3s_port = free_ports(4)
        # A peer at the server's own address counts as secured, and disable_plaintext_auth would do nothing; a
        # connection to 127.0.0.2 comes from 127.0.0.1.
        self._address = "127.0.0.2" if self.options.disable_plaintext_auth else "127.0.0.1"
        self.host = self._address if self.options.disable_plaintext_auth else HOST_NAME
        state.mkdir(parents=True, exist_ok=True)
        self.authority = Authority(state / "certificates")
        self._certificate = self.options.certificate or self.authority.issue(HOST_NAME, "127.0.0.1", "127.0.0.2", "::1")

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def ca_file(self) -> Path:
        """What a client has to trust for this server's certificate to be good."""
        return self._certificate.authority

    async def start(self) -> None:
        """Write what it needs and start it; returns when it takes connections."""
        for folder in ("run", "state", "mail", "empty"):
            (self._state / folder).mkdir(exist_ok=True)
        self._write_accounts()
        for user in self._accounts:
            self._fill_mailbox(user)
        config = self._state / "dovecot.conf"
        config.write_text(self._configuration())
        self._process = LeashedProcess(
            [self._program, "-F", "-c", config],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
            cwd=self._state,
            log_path=self._state / "console.log",
            grace_seconds=5,
        )
        try:
            await self._process.until_ready("Dovecot", self._answers, timeout_seconds=30)
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        """Stop it in order."""
        process, self._process = self._process, None
        if process is not None:
            await process.stop()

    async def kill(self) -> None:
        """SIGKILL to all of it: connections are cut without a goodbye."""
        process, self._process = self._process, None
        if process is not None:
            await process.kill()

    async def set_password(self, user: str, password: str) -> None:
        """Change, or make, an account; returns when the next login meets it."""
        self._accounts[user] = password
        self._fill_mailbox(user)
        await self._change_accounts()

    async def remove_account(self, user: str) -> None:
        """Take an account away; its mail stays."""
        del self._accounts[user]
        await self._change_accounts()

    def mailbox_files(self, user: str) -> dict[str, bytes]:
        """Every mail file of an account by its path below the mailbox, Dovecot's own indexes excepted."""
        mailbox = self._mailbox(user)
        return {
            str(path.relative_to(mailbox)): path.read_bytes()
            for path in sorted(mailbox.rglob("*"))
            if path.is_file() and not path.name.startswith("dovecot")
        }

    def log(self) -> str:
        """All it has logged."""
        path = self._state / "dovecot.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def accepted_logins(self, user: str | None = None) -> int:
        """Logins it let in so far, of one account or of all."""
        return len(re.findall(rf"-login: (?:Info: )?Login: user=<{_pattern(user)}>", self.log()))

    def rejected_logins(self, user: str | None = None) -> int:
        """Passwords it refused so far: every attempt counts, however many one connection made."""
        return len(re.findall(rf"passwd-file\({_pattern(user)},.*(?:mismatch|unknown user)", self.log()))

    async def _answers(self) -> bool:
        ports = [self.imap_port, self.pop3_port]
        if self.options.ssl != "no":
            ports += [self.imaps_port, self.pop3s_port]
        return all([await listens(port, self._address) for port in ports])

    def _mailbox(self, user: str) -> Path:
        return self._state / "mail" / user

    async def _change_accounts(self) -> None:
        self._write_accounts()
        if self._process is not None:
            # Dovecot looks at the file at most once in each second of the clock.
            await asyncio.sleep(1.05 - time.time() % 1)

    def _write_accounts(self) -> None:
        """Replace the passwd-file in one step."""
        mail_user = _mail_account()
        path = self._state / "accounts"
        fresh = self._state / "accounts.new"
        lines = []
        for user, password in self._accounts.items():
            if set(password) & set(":\r\n\0"):
                raise ValueError("a passwd-file cannot hold this password")
            uid, gid = mail_user.pw_uid, mail_user.pw_gid
            lines.append(f"{user}:{{PLAIN}}{password}:{uid}:{gid}::{self._mailbox(user)}\n")
        fresh.write_text("".join(lines))
        fresh.chmod(0o640)
        if os.geteuid() == 0:
            os.chown(fresh, 0, grp.getgrnam("dovecot").gr_gid)
        # Dovecot reads it again when the size or the *second* of the change differs; two changes within one second
        # must not look alike.
        self._changes += 1
        os.utime(fresh, (self._changes, self._changes))
        fresh.rename(path)

    def _fill_mailbox(self, user: str) -> None:
        maildir = self._mailbox(user) / "Maildir"
        if maildir.exists():
            return
        for folder in ("cur", "new", "tmp"):
            (maildir / folder).mkdir(parents=True)
        for number in range(1, self.options.messages + 1):
            name = f"1772107200.M{number}P1.localhost"
            (maildir / "new" / name).write_bytes(_MESSAGE % (user.encode(), number, _DATE))
        if os.geteuid() == 0:
            mail_user = _mail_account()
            for path in (self._mailbox(user), *self._mailbox(user).rglob("*")):
                shutil.chown(path, mail_user.pw_uid, mail_user.pw_gid)

    def _configuration(self) -> str:
        options = self.options
        state = self._state
        limit = options.mail_max_userip_connections or 100_000
        lines = [
            "protocols = imap pop3",
            f"listen = {self._address}",
            f"base_dir = {state}/run",
            f"state_dir = {state}/state",
            f"log_path = {state}/dovecot.log",
            "auth_verbose = yes",
            "auth_cache_size = 0",
            f"auth_failure_delay = {options.auth_failure_delay}",
            f"auth_mechanisms = {' '.join(options.auth_mechanisms)}",
            f"disable_plaintext_auth = {'yes' if options.disable_plaintext_auth else 'no'}",
            f"ssl = {options.ssl}",
            f"ssl_min_protocol = {options.ssl_min_protocol}",
            f"ssl_cert = <{self._certificate.chain}",
            f"ssl_key = <{self._certificate.key}",
            f"mail_location = maildir:{state}/mail/%u/Maildir",
            f"mail_max_userip_connections = {limit}",
            "first_valid_uid = 1",
            "first_valid_gid = 0",
            "default_vsz_limit = 512M",
            "shutdown_clients = yes",
            "namespace inbox {\n  inbox = yes\n}",
            f"passdb {{\n  driver = passwd-file\n  args = username_format=%u {state}/accounts\n}}",
            f"userdb {{\n  driver = passwd-file\n  args = username_format=%u {state}/accounts\n}}",
            _listeners("imap", self.imap_port, self.imaps_port, secure=options.ssl != "no"),
            _listeners("pop3", self.pop3_port, self.pop3s_port, secure=options.ssl != "no"),
        ]
        if not options.auth_penalty:
            # Without its socket the login processes cannot ask how long this address is to wait.
            lines.append("service anvil {\n  unix_listener anvil-auth-penalty {\n    mode = 00\n  }\n}")
        if os.geteuid() != 0:
            lines += _rootless()
        return "\n".join([*lines, options.extra, ""])


def _listeners(protocol: str, port: int, tls_port: int, *, secure: bool) -> str:
    tls_line = f"    port = {tls_port}\n    ssl = yes\n" if secure else "    port = 0\n"
    return (
        f"service {protocol}-login {{\n"
        "  process_min_avail = 1\n  service_count = 0\n  client_limit = 2000\n"
        f"  inet_listener {protocol} {{\n    port = {port}\n  }}\n"
        f"  inet_listener {protocol}s {{\n{tls_line}  }}\n"
        "}\n"
        f"service {protocol} {{\n  process_limit = 2000\n}}"
    )


def _rootless() -> list[str]:
    """All of it as the user who runs the tests, without chroot."""
    me = pwd.getpwuid(os.geteuid()).pw_name
    group = grp.getgrgid(os.getegid()).gr_name
    unchrooted = [f"service {name} {{\n  chroot =\n}}" for name in ("anvil", "imap-login", "pop3-login", "stats")]
    return [
        f"default_internal_user = {me}",
        f"default_internal_group = {group}",
        f"default_login_user = {me}",
        *unchrooted,
    ]


def _mail_account() -> pwd.struct_passwd:
    """Who owns the mail: a user without rights where we are root, else we ourselves."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    for name in ("mail", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    return pwd.getpwuid(os.geteuid())


def _pattern(user: str | None) -> str:
    return re.escape(user) if user is not None else "[^>,]*"
