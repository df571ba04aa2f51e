"""What the doctor makes of the surroundings: name servers, the way out to mail servers, RabbitMQ, the SMTP server."""

import asyncio
import contextlib
import ssl
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

import aiosmtplib

from cli.doctor.finding import Finding, ill, unseen, well
from shared.broker import policies
from shared.broker.management import ManagementFailed
from shared.broker.queue_depths import queue_depths
from shared.broker.rabbitmq import RabbitBroker
from shared.broker.seam import BrokerError
from shared.broker.topology import checks_queue
from shared.checks.vocabulary import IpFamily, Lane
from shared.probing.resolver import Resolver
from shared.probing.steps import CheckFailed

_TRY_SECONDS = 5.0
_BROKER_SECONDS = 10.0
_SMTP_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
_ASK_FOR = "name one with --mail-server imap.example.org:993"


async def examine_names(hosts: Sequence[str], servers: Sequence[str]) -> Finding:
    """Whether names are looked up; that one does not exist is an answer too."""
    names = list(dict.fromkeys(hosts))
    if not names:
        return unseen("resolver", "no mail server is known to look up", _ASK_FOR)
    resolver = Resolver(servers=tuple(servers), deadline_seconds=_TRY_SECONDS)
    unknown = []
    try:
        for name in names:
            try:
                await resolver.resolve(name, IpFamily.ANY)
            except CheckFailed as failed:
                if failed.kind == "internal":
                    return ill(
                        "resolver",
                        f"no name server answers for {name}",
                        "set MAILPROBE_DNS_SERVERS of the workers to servers that do",
                    )
                unknown.append(name)
    finally:
        await resolver.close()
    found = len(names) - len(unknown)
    return well("resolver", f"{found} of {len(names)} names found" + (f"; not {', '.join(unknown)}" if unknown else ""))


async def examine_egress(targets: Sequence[tuple[str, int]]) -> list[Finding]:
    """For each port, whether any of the servers there takes a connection from this machine."""
    if not targets:
        return [unseen("egress", "no mail server is known to connect to", _ASK_FOR)]
    reached = await asyncio.gather(*(_connects(host, port) for host, port in targets))
    findings = []
    for port in sorted({port for _, port in targets}):
        there = [(host, fault) for (host, each), fault in zip(targets, reached, strict=True) if each == port]
        good = [host for host, fault in there if fault is None]
        if good:
            findings.append(well(f"egress to port {port}", f"{good[0]} takes connections"))
        else:
            host, fault = there[0]
            findings.append(
                ill(
                    f"egress to port {port}",
                    f"none of {len(there)} servers takes a connection; {host}: {fault}",
                    f"allow this machine outgoing TCP to port {port}",
                )
            )
    return findings


async def examine_broker(
    amqp_url: str | None, management_url: str | None, queues: Sequence[tuple[str, str]] | None
) -> list[Finding]:
    """RabbitMQ by its wire, and by its management where that is set. `queues`: protocol and location of what is due."""
    found = [await _broker_answers(amqp_url)]
    if management_url is None:
        return [
            *found,
            unseen("topology", "RabbitMQ's management is not set here", "set MAILPROBE_MANAGEMENT_URL"),
            unseen("policies", "RabbitMQ's management is not set here", "set MAILPROBE_MANAGEMENT_URL"),
        ]
    vhost = policies.vhost_of(amqp_url) if amqp_url else "mailprobe"
    try:
        depths = await queue_depths(management_url, vhost=vhost)
        faults = await policies.verify(management_url, vhost=vhost)
    except ManagementFailed as error:
        return [*found, ill("management", str(error), "correct MAILPROBE_MANAGEMENT_URL, its user or password")]
    missing = [each.name for each in depths if each.meaning.startswith("it is missing")]
    there = {each.name for each in depths}
    missing += [
        name for protocol, code in queues or () if (name := checks_queue(protocol, code, Lane.DUE)) not in there
    ]
    if missing:
        found.append(
            ill(
                "topology",
                f"{', '.join(missing)} missing",
                "start the result recorder and the scheduler, who make them",
            )
        )
    else:
        found.append(well("topology", f"{len(depths)} queues are there"))
    if faults:
        found.append(ill("policies", faults[0], "run `mailprobe broker apply`"))
    else:
        found.append(well("policies", "all our policies are set"))
    return found


async def examine_smtp(url: str | None, sender: str | None, *, wanted: tuple[int, int] | None = None) -> Finding:
    """Whether the server would take mail of ours: as far as MAIL FROM, and no message.

    Args:
        wanted: channels of mail, and monitors with an address of their own, that go by it; None: nobody knows, or it
            is not here that it has to be set.
    """
    if url is None and wanted is not None and any(wanted):
        channels, monitors = wanted
        return ill(
            "smtp",
            f"no mail server is set, and {channels} e-mail channels and {monitors} monitors' own addresses wait for it",
            "set MAILPROBE_SMTP_URL and MAILPROBE_MAIL_FROM of the notifier",
        )
    if url is None:
        return unseen("smtp", "no mail server is set, so that nobody is told by e-mail", "set MAILPROBE_SMTP_URL")
    parts = urlsplit(url)
    port = parts.port or _SMTP_PORTS[parts.scheme]
    where = f"{parts.hostname}:{port}"
    client = aiosmtplib.SMTP(
        hostname=parts.hostname,
        port=port,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        local_hostname=(sender or "").rpartition("@")[2] or "localhost",
        timeout=_TRY_SECONDS,
        use_tls=parts.scheme == "smtps",
        start_tls=parts.scheme == "smtp+starttls",
    )
    try:
        async with asyncio.timeout(3 * _TRY_SECONDS), client:
            await client.mail(sender or "")
            await client.rset()
    except aiosmtplib.SMTPAuthenticationError:
        return ill("smtp", f"{where} refuses the user or password", "correct them in MAILPROBE_SMTP_URL")
    except aiosmtplib.SMTPResponseException as error:
        return ill(
            "smtp", f"{where} refuses {sender}: {error.code} {error.message}", "set a MAILPROBE_MAIL_FROM it takes"
        )
    except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        return ill("smtp", f"{where}: {said}", "correct MAILPROBE_SMTP_URL, or let this machine reach that port")
    return well("smtp", f"{where} takes mail from {sender}")


async def _broker_answers(amqp_url: str | None) -> Finding:
    if amqp_url is None:
        return unseen("broker", "RabbitMQ is not set here", "set MAILPROBE_AMQP_URL")
    broker = RabbitBroker(amqp_url, service="doctor", instance="doctor")
    try:
        await broker.open(timeout_seconds=_BROKER_SECONDS)
        if not await broker.healthy():
            return ill("broker", "RabbitMQ takes no messages: an alarm", "free memory or disk on the broker's machine")
    except BrokerError as error:
        return ill("broker", str(error), "start RabbitMQ, or correct MAILPROBE_AMQP_URL")
    finally:
        await broker.close()
    return well("broker", "RabbitMQ answers and takes messages")


async def _connects(host: str, port: int) -> str | None:
    try:
        async with asyncio.timeout(_TRY_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return "no answer in time"
    except (OSError, ssl.SSLError) as error:
        return error.strerror or str(error)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return None
