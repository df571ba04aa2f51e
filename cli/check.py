"""`mailprobe check imap|pop3 HOST`: one check from this machine, with no server of ours. The exit code is Nagios'.

Provides the two verbs: what they take, and the check itself. How its answer looks is `check_showing`'s, where the
password comes from `check_password`'s.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import idna
import typer
from typer.core import TyperGroup

from cli.check_password import mailbox_password
from cli.check_settings import CheckSettings
from cli.check_showing import Asked, Format, PhasesLive, Status, show, show_fault
from cli.failing import Failed
from services.imap_worker.probe import imap_probe
from services.pop3_worker.probe import pop3_probe
from shared.checks.outcome import Outcome
from shared.checks.target import CheckTarget, effective_port
from shared.checks.vocabulary import AuthMethod, IpFamily, MailProtocol, Security
from shared.probing.probe import Probe, ProbeEnvironment, ProbeRequest
from shared.runtime import logs
from shared.runtime.settings import SettingsError

# Whoever types the command may connect wherever this machine can; where no mail server lives stays closed.
OPEN_NETWORKS = (
    *("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
    *("100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10"),
)
_PROBES: dict[MailProtocol, Probe] = {MailProtocol.IMAP: imap_probe, MailProtocol.POP3: pop3_probe}
_EXIT_INTERRUPTED = 130


class _NagiosGroup(TyperGroup):
    """A usage error is exit code 2 elsewhere; to Nagios that would be a mail server that is down."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.Exit:
            raise
        except Exception as error:
            if hasattr(error, "exit_code"):
                error.exit_code = Status.UNKNOWN.exit_code
            raise


check = typer.Typer(
    help="Check one mailbox once, from this machine. Exit codes: 0 ok, 1 warning, 2 critical, 3 unknown.",
    no_args_is_help=True,
    cls=_NagiosGroup,
)


def _verb(protocol: MailProtocol) -> Callable[..., None]:
    def run(
        host: Annotated[str, typer.Argument(help="The mail server's name or address.", show_default=False)],
        port: Annotated[int | None, typer.Option(min=1, max=65535, help="Else the protocol's own.")] = None,
        user: Annotated[str | None, typer.Option(help="Without one, ends after the capabilities.")] = None,
        password_file: Annotated[Path | None, typer.Option(help="Whose text is the password.")] = None,
        password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read it from a pipe.")] = False,
        auth: Annotated[AuthMethod, typer.Option(help="How to log in.")] = AuthMethod.AUTO,
        mailbox: Annotated[str | None, typer.Option(help="Of IMAP only: what to open [INBOX].")] = None,
        tls: Annotated[bool, typer.Option("--tls", help="TLS from the first byte (the default).")] = False,
        starttls: Annotated[bool, typer.Option("--starttls", help="TLS after STARTTLS or STLS.")] = False,
        plain: Annotated[bool, typer.Option("--plain", help="No TLS at all.")] = False,
        verify: Annotated[bool, typer.Option("--verify/--no-verify", help="The certificate.")] = True,
        ca_file: Annotated[Path | None, typer.Option(help="Authorities to trust beside the system's.")] = None,
        servername: Annotated[str | None, typer.Option(help="The certificate's name, where not HOST.")] = None,
        timeout: Annotated[float, typer.Option(min=1, max=60, help="Seconds for all of it.")] = 30.0,
        ipv4: Annotated[bool, typer.Option("--ipv4", "-4", help="Over IPv4 only.")] = False,
        ipv6: Annotated[bool, typer.Option("--ipv6", "-6", help="Over IPv6 only.")] = False,
        warn_days: Annotated[int, typer.Option(min=0, help="Warn when the certificate has as few days.")] = 21,
        slow_ms: Annotated[int | None, typer.Option(min=1, help="Warn when it takes longer.")] = None,
        as_format: Annotated[Format, typer.Option("--format", help="Whom the answer is for.")] = Format.HUMAN,
        verbose: Annotated[bool, typer.Option("--verbose", "-v", help="The dialogue even of a success.")] = False,
    ) -> None:
        if mailbox is not None and protocol is MailProtocol.POP3:
            raise typer.BadParameter("POP3 has one mailbox only; --mailbox is for imap")
        security = _security(tls=tls, starttls=starttls, plain=plain)
        if ipv4 and ipv6:
            raise typer.BadParameter("choose one of --ipv4 and --ipv6, or neither")
        family = IpFamily.V4 if ipv4 else IpFamily.V6 if ipv6 else IpFamily.ANY
        target = CheckTarget(
            protocol=protocol,
            hostname=_host(host),
            port=effective_port(port, protocol, security),
            security=security,
            verify_certificate=verify,
            servername=_host(servername) if servername is not None else None,
            ip_family=family,
            user=_line(user, "--user"),
            auth=auth,
            mailbox=_line(mailbox, "--mailbox") or "INBOX",
            timeout_ms=round(timeout * 1000),
            certificate_warning_days=warn_days,
            warning_ms=slow_ms,
        )
        logs.configure("mailprobe", level="error")
        asked = Asked(target, as_format, verbose=verbose)
        try:
            settings = CheckSettings.load(**({"ca_file": ca_file} if ca_file is not None else {}))
            password = mailbox_password(target, settings, file=password_file, from_stdin=password_stdin)
            outcome = asyncio.run(_probed(asked, settings, password))
        except (Failed, SettingsError, OSError) as error:
            # OSError: a CA file that is no certificate, before any connection; a sick server is an outcome.
            show_fault(asked, str(error))
            raise typer.Exit(Status.UNKNOWN.exit_code) from None
        except KeyboardInterrupt:
            raise typer.Exit(_EXIT_INTERRUPTED) from None
        show(asked, outcome)
        raise typer.Exit(Status.of(outcome).exit_code)

    return run


_HELP = (
    "Check a mailbox over {}. The password is asked for at a terminal, or comes from --password-stdin, "
    "--password-file or MAILPROBE_PASSWORD; never from an argument, which others could see."
)
for _protocol in MailProtocol:
    check.command(_protocol.value, help=_HELP.format(_protocol.value.upper()))(_verb(_protocol))


async def _probed(asked: Asked, settings: CheckSettings, password: bytes | None) -> Outcome:
    environment = ProbeEnvironment.create(
        allowed_private_networks=[*OPEN_NETWORKS, *(str(network) for network in settings.allowed_private_networks)],
        ca_file=str(settings.ca_file) if settings.ca_file is not None else None,
        dns_servers=settings.dns_servers,
    )
    request = ProbeRequest(asked.target, password, transcript=asked.wants_transcript)
    try:
        with PhasesLive(asked) as live:
            return await _PROBES[asked.target.protocol](request, environment, on_phase=live.on_phase)
    finally:
        await environment.close()


def _security(*, tls: bool, starttls: bool, plain: bool) -> Security:
    if tls + starttls + plain > 1:
        raise typer.BadParameter("choose one of --tls, --starttls and --plain")
    return Security.STARTTLS if starttls else Security.NONE if plain else Security.TLS


def _host(text: str) -> str:
    """A name in A-labels, or an address. What a resolver makes of it is the resolver's to say."""
    name = text.removeprefix("[").removesuffix("]")
    if "/" in name or "@" in name or (name.count(":") == 1 and name.partition(":")[2].isdecimal()):
        raise typer.BadParameter(f"{text} is no bare host name; a port goes into --port")
    try:
        name = name if name.isascii() else idna.encode(name, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise typer.BadParameter(f"{text} is no host name") from None
    if not name or not name.isprintable() or " " in name:
        raise typer.BadParameter("the host name is empty, or has a character no host name has")
    return name


def _line(text: str | None, option: str) -> str | None:
    """The text, unless it would be more than one line to a mail server."""
    if text is not None and not {"\r", "\n", "\0"}.isdisjoint(text):
        raise typer.BadParameter(f"{option} has a line end or a NUL in it")
    try:
        _ = (text or "").encode()
    except UnicodeEncodeError:
        raise typer.BadParameter(f"{option} is not UTF-8 text") from None
    return text
