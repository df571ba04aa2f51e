"""E-mail by the operator's SMTP server: text and simple HTML, never answered by robots, one thread per outage."""

import asyncio
import html
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

import aiosmtplib

from services.notifier.content import Content
from services.notifier.persistence import NotSent, SendOutcome, Sent
from services.notifier.senders.seam import TRY_SECONDS, Attempt, redacted
from shared.notifications.channel_models import MOST_RECIPIENTS, ChannelConfig, EmailConfig

_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}


@dataclass(frozen=True, slots=True, repr=False)
class MailServer:
    """Where mail is handed in, and whose name it carries. It has no repr: it holds a password."""

    host: str
    port: int
    security: str  # smtp, smtps, smtp+starttls
    user: str | None
    password: str | None
    sender: str

    @classmethod
    def from_url(cls, url: str, *, sender: str) -> "MailServer":
        """Of `smtp://`, `smtps://` or `smtp+starttls://[user:password@]host[:port]`."""
        parts = urlsplit(url)
        return cls(
            host=parts.hostname or "",
            port=parts.port or _PORTS[parts.scheme],
            security=parts.scheme,
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            sender=sender,
        )

    @property
    def domain(self) -> str:
        return self.sender.rpartition("@")[2]


class MailSender:
    """Sends to `email` channels and to monitors' own addresses; without a server it says so."""

    def __init__(self, server: MailServer | None, *, try_seconds: float = TRY_SECONDS) -> None:
        self._server = server
        self._try_seconds = try_seconds

    async def send(self, config: ChannelConfig, content: Content, attempt: Attempt) -> SendOutcome:
        assert isinstance(config, EmailConfig)  # noqa: S101 - the table of senders says so
        return await self.send_to(config.mailboxes, content, attempt)

    async def send_to(self, mailboxes: tuple[str, ...], content: Content, attempt: Attempt) -> SendOutcome:
        """To these mailboxes, as one mail."""
        server = self._server
        if server is None:
            return NotSent("no mail server is set: MAILPROBE_SMTP_URL and MAILPROBE_MAIL_FROM of the notifier")
        mailboxes = mailboxes[:MOST_RECIPIENTS]
        hidden = [each for each in (server.password,) if each]
        try:
            async with asyncio.timeout(self._try_seconds):
                refused, _ = await aiosmtplib.send(
                    mail(server, mailboxes, content, attempt),
                    sender=server.sender,
                    recipients=list(mailboxes),
                    hostname=server.host,
                    port=server.port,
                    username=server.user,
                    password=server.password,
                    local_hostname=server.domain,  # asking the system for ours may take a name look-up
                    timeout=self._try_seconds,
                    use_tls=server.security == "smtps",
                    start_tls=server.security == "smtp+starttls",
                )
        except TimeoutError:
            return NotSent(f"the mail server did not finish within {self._try_seconds:g} s")
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [each.code for each in error.recipients]
            said = "; ".join(f"{each.recipient}: {each.code} {each.message}" for each in error.recipients)
            return NotSent(
                redacted(f"the mail server refused every recipient: {said}", hidden),
                for_good=bool(codes) and all(500 <= code < 600 for code in codes),
            )
        except aiosmtplib.SMTPDataError as error:
            said = f"the mail server refused the mail: {error.code} {error.message}"
            return NotSent(redacted(said, hidden), for_good=500 <= error.code < 600)
        except (aiosmtplib.SMTPException, MessageError, OSError, ValueError) as error:
            return NotSent(redacted(f"the mail server could not be used: {error}", hidden))
        if refused:
            said = "; ".join(f"{who}: {answer.code} {answer.message}" for who, answer in refused.items())
            return Sent(redacted(f"some recipients were refused: {said}", hidden))
        return Sent()


def mail(server: MailServer, mailboxes: tuple[str, ...], content: Content, attempt: Attempt) -> EmailMessage:
    """The mail; the same at every try."""
    message = EmailMessage()
    message["From"] = Address("mailprobe", addr_spec=server.sender)
    message["To"] = tuple(Address(addr_spec=mailbox) for mailbox in mailboxes)
    message["Subject"] = f"[mailprobe] {content.title}"
    message["Date"] = format_datetime(datetime.fromtimestamp(content.at / 1000, UTC))
    message["Message-ID"] = f"<{attempt.public_id}@{server.domain}>"
    if len(content.parts) == 1:
        # All of one outage hangs together in a mail reader; nobody ever got the mail it refers to.
        thread = "".join(letter if letter.isalnum() or letter in ".-" else "-" for letter in content.parts[0].key)
        message["References"] = f"<outage-{thread[:100]}@{server.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's robot need answer
    message["X-Auto-Response-Suppress"] = "All"
    message["X-Mailprobe-Event"] = content.event.value
    message.set_content(f"{content.title}\n\n{content.text}\n")
    message.add_alternative(_html(content), subtype="html")
    return message


def _html(content: Content) -> str:
    colour = "#1a7f37" if content.good_news else "#b42318"
    paragraphs = "".join(
        f"<p>{html.escape(paragraph).replace(chr(10), '<br>')}</p>" for paragraph in content.paragraphs
    )
    if content.link:
        link = html.escape(content.link)
        anchor = f'<a href="{link}">{link}</a>'
        if content.link in content.text:
            paragraphs = paragraphs.replace(f"Details: {link}", f"Details: {anchor}")
        else:
            paragraphs += f"<p>{anchor}</p>"
    return (
        '<!doctype html><html><body style="font-family:sans-serif">'
        f'<h2 style="color:{colour};font-size:1.1em">{html.escape(content.title)}</h2>{paragraphs}</body></html>'
    )
