"""Who plays what in the demo: one practice server and one monitor each, and what checks will say of it.

Each stands on a host name of its own below `localhost` (RFC 6761), since logins are paced and withheld by host:
one that refuses must not keep others from being tried.
"""

from dataclasses import dataclass
from enum import StrEnum, auto

from shared.checks.vocabulary import MailProtocol, Security
from shared.checks.vocabulary import OutcomeKind as Kind
from shared.checks.vocabulary import WarningCode as Warn

USER = "ada"
PASSWORD = "correct horse battery staple"
WRONG_PASSWORD = "last year's password"


class Manner(StrEnum):
    """How a practice server behaves."""

    SOUND = auto()
    SLOW = auto()  # lets a login wait
    DROPS = auto()  # hangs up once somebody wants to log in
    FULL = auto()  # has no room for another connection
    FLAPPING = auto()  # turns every other visitor away


class Papers(StrEnum):
    """What its certificate is like."""

    GOOD = auto()
    EXPIRED = auto()
    EXPIRING = auto()
    OTHER_NAME = auto()


@dataclass(frozen=True, slots=True)
class Part:
    """One practice server and its monitor. `kinds` and `warning` are what its checks end in."""

    label: str  # of its host name
    name: str
    protocol: MailProtocol
    security: Security
    manner: Manner = Manner.SOUND
    papers: Papers = Papers.GOOD
    verified: bool = True
    password: str = PASSWORD
    kinds: tuple[Kind, ...] = (Kind.OK,)
    warning: Warn | None = None
    domain: str = "localhost"

    @property
    def hostname(self) -> str:
        return f"{self.label}.{self.domain}"


_IMAP, _POP3 = MailProtocol.IMAP, MailProtocol.POP3
_TLS, _STARTTLS, _PLAIN = Security.TLS, Security.STARTTLS, Security.NONE
_NOT_ITS_NAME = Papers.OTHER_NAME

CAST = (
    Part("imap-tls", "Healthy, IMAP over TLS", _IMAP, _TLS),
    Part("imap-starttls", "Healthy, IMAP with STARTTLS", _IMAP, _STARTTLS),
    Part("imap-plain", "Healthy, IMAP in clear", _IMAP, _PLAIN, warning=Warn.PLAINTEXT_PASSWORD),
    Part("pop3-tls", "Healthy, POP3 over TLS", _POP3, _TLS),
    Part("pop3-starttls", "Healthy, POP3 with STARTTLS", _POP3, _STARTTLS),
    Part(
        "unverified",
        "Unverified, by choice",
        _IMAP,
        _TLS,
        papers=_NOT_ITS_NAME,
        verified=False,
        warning=Warn.UNVERIFIED,
    ),
    Part("slow", "Slow login", _IMAP, _STARTTLS, Manner.SLOW, warning=Warn.SLOW),
    Part(
        "expiring", "Certificate near its end", _POP3, _TLS, papers=Papers.EXPIRING, warning=Warn.CERTIFICATE_EXPIRING
    ),
    Part("full", "Too many connections", _POP3, _TLS, Manner.FULL, kinds=(Kind.RATE_LIMITED,)),
    Part("refused", "Refuses the password", _IMAP, _TLS, password=WRONG_PASSWORD, kinds=(Kind.AUTH_REJECTED,)),
    Part("expired", "Certificate expired", _IMAP, _TLS, papers=Papers.EXPIRED, kinds=(Kind.TLS_EXPIRED,)),
    Part("other-name", "Certificate of another", _POP3, _STARTTLS, papers=_NOT_ITS_NAME, kinds=(Kind.TLS_HOSTNAME,)),
    Part("drops", "Hangs up during login", _POP3, _TLS, Manner.DROPS, kinds=(Kind.CONNECTION_LOST,)),
    Part("flapping", "Flapping", _IMAP, _TLS, Manner.FLAPPING, kinds=(Kind.OK, Kind.GREETING_REJECTED)),
)
