"""The table itself: names, domains, mail exchanges, servers, and advice in a sentence or two."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.checks.vocabulary import MailProtocol, Security


@dataclass(frozen=True, slots=True)
class Server:
    """One way in. local_user: the log-in name of the provider's own domains is the part before the @."""

    protocol: MailProtocol
    hostname: str
    port: int
    security: Security = Security.TLS
    local_user: bool = False
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class KnownProvider:
    """A provider.

    Args:
        domains: its own. exchanges: suffixes of the MX of domains it serves.
        servers: for its own domains; regional: where some of these have others.
        for_own_domains: for its customers' domains, where those are elsewhere.
    """

    name: str
    domains: frozenset[str]
    exchanges: tuple[str, ...]
    servers: tuple[Server, ...]
    advice: str | None = None
    help_url: str | None = None
    regional: Mapping[str, tuple[Server, ...]] = field(default_factory=dict)
    for_own_domains: tuple[Server, ...] = ()

    def servers_of(self, domain: str) -> tuple[Server, ...]:
        return self.regional.get(domain, self.servers)


def _imap(hostname: str, *, local_user: bool = False) -> Server:
    return Server(MailProtocol.IMAP, hostname, 993, local_user=local_user)


def _both(imap: str, pop3: str) -> tuple[Server, ...]:
    return _imap(imap), Server(MailProtocol.POP3, pop3, 995)


def _domains(names: str) -> frozenset[str]:
    return frozenset(names.split())


_MICROSOFT = _both("outlook.office365.com", "outlook.office365.com")
_NO_MICROSOFT_PASSWORDS = (
    "Microsoft lets nobody in by IMAP or POP3 with a password any more, only by OAuth 2.0, which mailprobe does not "
    "do. Leave out user and password to watch that the server answers."
)
_ZOHO_ADVICE = "Turn on IMAP access in Zoho Mail's settings first; with two-factor sign-in, make an app password."

PROVIDERS: tuple[KnownProvider, ...] = (
    KnownProvider(
        "Gmail",
        _domains("gmail.com googlemail.com"),
        ("google.com", "googlemail.com"),
        _both("imap.gmail.com", "pop.gmail.com"),
        advice="Google takes no account password here: turn on 2-Step Verification, make an app password and use that. "
        "In Google Workspace the administrator has to allow it.",
        help_url="https://support.google.com/accounts/answer/185833",
    ),
    KnownProvider(
        "Outlook.com",
        _domains(
            "outlook.com outlook.de outlook.at outlook.fr outlook.it outlook.es hotmail.com hotmail.de hotmail.co.uk "
            "hotmail.fr hotmail.it hotmail.es live.com live.de live.at live.nl live.fr live.it live.co.uk msn.com"
        ),
        (),
        _MICROSOFT,
        advice=_NO_MICROSOFT_PASSWORDS,
        help_url="https://support.microsoft.com/office/d088b986-291d-42b8-9564-9c414e2aa040",
    ),
    KnownProvider(
        "Microsoft 365",
        _domains(""),
        ("mail.protection.outlook.com", "mx.microsoft", "mail.protection.partner.outlook.cn"),
        _MICROSOFT,
        advice=_NO_MICROSOFT_PASSWORDS,
        help_url="https://learn.microsoft.com/exchange/clients-and-mobile-in-exchange-online/"
        "deprecation-of-basic-authentication-exchange-online",
    ),
    KnownProvider(
        "Yahoo",
        _domains(
            "yahoo.com yahoo.de yahoo.co.uk yahoo.fr yahoo.it yahoo.es yahoo.ca yahoo.co.in yahoo.com.br yahoo.com.au "
            "ymail.com rocketmail.com myyahoo.com"
        ),
        ("yahoodns.net",),
        _both("imap.mail.yahoo.com", "pop.mail.yahoo.com"),
        advice="Yahoo takes no account password here: make an app password in the account's security settings.",
        help_url="https://help.yahoo.com/kb/SLN15241.html",
    ),
    KnownProvider(
        "AOL",
        _domains("aol.com aol.de aol.co.uk aol.fr aim.com"),
        (),
        _both("imap.aol.com", "pop.aol.com"),
        advice="AOL takes no account password here: make an app password in the account's security settings.",
        help_url="https://help.aol.com/articles/Create-and-manage-app-password",
    ),
    KnownProvider(
        "iCloud",
        _domains("icloud.com me.com mac.com"),
        ("mail.icloud.com",),
        (_imap("imap.mail.me.com", local_user=True),),
        advice="Apple takes no account password here: make an app-specific password at account.apple.com. "
        "iCloud has no POP3.",
        help_url="https://support.apple.com/102654",
    ),
    KnownProvider(
        "GMX",
        _domains("gmx.de gmx.net gmx.at gmx.ch gmx.eu gmx.com gmx.us gmx.co.uk gmx.fr gmx.es gmx.org"),
        ("gmx.net",),
        _both("imap.gmx.net", "pop.gmx.net"),
        regional=dict.fromkeys(
            ("gmx.com", "gmx.us", "gmx.co.uk", "gmx.fr", "gmx.es"), _both("imap.gmx.com", "pop.gmx.com")
        ),
        advice="POP3 and IMAP have to be turned on in GMX's settings first; with two-factor sign-in, make an "
        "application password.",
        help_url="https://hilfe.gmx.net/pop-imap/einschalten.html",
    ),
    KnownProvider(
        "WEB.DE",
        _domains("web.de email.de"),
        ("web.de",),
        _both("imap.web.de", "pop3.web.de"),
        advice="POP3 and IMAP have to be turned on in WEB.DE's settings first; with two-factor sign-in, make an "
        "application password.",
        help_url="https://hilfe.web.de/pop-imap/einschalten.html",
    ),
    KnownProvider(
        "Fastmail",
        _domains("fastmail.com fastmail.fm fastmail.net fastmail.org messagingengine.com sent.com"),
        ("messagingengine.com",),
        _both("imap.fastmail.com", "pop.fastmail.com"),
        advice="Fastmail takes no account password here: make an app password that may use IMAP or POP.",
        help_url="https://www.fastmail.help/hc/en-us/articles/360058752854",
    ),
    KnownProvider(
        "mailbox.org",
        _domains("mailbox.org secure.mailbox.org"),
        ("mailbox.org",),
        _both("imap.mailbox.org", "pop3.mailbox.org"),
        advice="With two-factor sign-in, make an application password in the settings.",
        help_url="https://kb.mailbox.org",
    ),
    KnownProvider(
        "Posteo",
        _domains("posteo.de posteo.net posteo.org posteo.eu posteo.at posteo.ch posteo.me posteo.us"),
        (),
        _both("posteo.de", "posteo.de"),
        help_url="https://posteo.de/en/help",
    ),
    KnownProvider(
        "t-online",
        _domains("t-online.de magenta.de"),
        (),
        _both("secureimap.t-online.de", "securepop.t-online.de"),
        advice="A password for e-mail programs has to be set in Telekom's e-mail settings; the one for signing in at "
        "the web page is not taken.",
        help_url="https://www.telekom.de/hilfe/apps-dienste/e-mail",
    ),
    KnownProvider(
        "freenet",
        _domains("freenet.de"),
        (),
        _both("mx.freenet.de", "mx.freenet.de"),
        help_url="https://kundenservice.freenet.de",
    ),
    KnownProvider(
        "IONOS",
        _domains("online.de onlinehome.de"),
        ("kundenserver.de", "ionos.de", "1und1.de"),
        _both("imap.ionos.de", "pop.ionos.de"),
        help_url="https://www.ionos.de/hilfe/e-mail/",
    ),
    KnownProvider(
        "IONOS",
        _domains(""),
        ("ionos.com", "perfora.net", "1and1.com", "ionos.co.uk"),
        _both("imap.ionos.com", "pop.ionos.com"),
        help_url="https://www.ionos.com/help/email/",
    ),
    KnownProvider(
        "STRATO",
        _domains(""),
        ("rzone.de", "strato.de"),
        _both("imap.strato.de", "pop3.strato.de"),
        help_url="https://www.strato.de/faq/mail/",
    ),
    KnownProvider(
        "OVHcloud",
        _domains(""),
        ("mx0.mail.ovh.net", "mx1.mail.ovh.net", "mx2.mail.ovh.net", "mx3.mail.ovh.net", "mx4.mail.ovh.net"),
        _both("ssl0.ovh.net", "ssl0.ovh.net"),
        help_url="https://help.ovhcloud.com",
    ),
    KnownProvider(
        "Zoho Mail",
        _domains("zoho.com zohomail.com"),
        ("zoho.com",),
        _both("imap.zoho.com", "pop.zoho.com"),
        for_own_domains=_both("imappro.zoho.com", "poppro.zoho.com"),
        advice=_ZOHO_ADVICE,
        help_url="https://www.zoho.com/mail/help/imap-access.html",
    ),
    KnownProvider(
        "Zoho Mail",
        _domains("zoho.eu zohomail.eu"),
        ("zoho.eu",),
        _both("imap.zoho.eu", "pop.zoho.eu"),
        for_own_domains=_both("imappro.zoho.eu", "poppro.zoho.eu"),
        advice=_ZOHO_ADVICE,
        help_url="https://www.zoho.com/mail/help/imap-access.html",
    ),
    KnownProvider(
        "Proton Mail",
        _domains("proton.me protonmail.com protonmail.ch pm.me"),
        ("protonmail.ch",),
        (
            Server(
                MailProtocol.IMAP,
                "127.0.0.1",
                1143,
                Security.STARTTLS,
                warning="This is Bridge on the very machine that checks; put the address of yours here, and its "
                "certificate is of its own making.",
            ),
        ),
        advice="Proton speaks IMAP only through Proton Mail Bridge on a machine of yours: check that, with the "
        "password that Bridge shows.",
        help_url="https://proton.me/mail/bridge",
    ),
    KnownProvider(
        "Tuta",
        _domains("tuta.com tuta.io tutanota.com tutanota.de tutamail.com keemail.me"),
        ("tutanota.de",),
        (),
        advice="Tuta has neither IMAP nor POP3, so there is nothing that could be checked.",
        help_url="https://tuta.com/support",
    ),
    KnownProvider(
        "Infomaniak",
        _domains("ik.me etik.com ikmail.com"),
        ("infomaniak.ch", "infomaniak.com"),
        _both("mail.infomaniak.com", "mail.infomaniak.com"),
        help_url="https://www.infomaniak.com/en/support",
    ),
    KnownProvider(
        "Gandi",
        _domains(""),
        ("mail.gandi.net",),
        _both("mail.gandi.net", "mail.gandi.net"),
        help_url="https://docs.gandi.net",
    ),
    KnownProvider(
        "Hetzner",
        _domains(""),
        ("your-server.de",),
        _both("mail.your-server.de", "mail.your-server.de"),
        help_url="https://docs.hetzner.com/konsoleh/",
    ),
    KnownProvider(
        "Migadu",
        _domains(""),
        ("migadu.com",),
        _both("imap.migadu.com", "pop.migadu.com"),
        help_url="https://migadu.com/guides/",
    ),
    KnownProvider(
        "Yandex",
        _domains("yandex.com yandex.ru ya.ru yandex.by yandex.kz"),
        ("yandex.net", "yandex.ru"),
        _both("imap.yandex.com", "pop.yandex.com"),
        advice="IMAP has to be turned on in Yandex Mail's settings first, and an app password made.",
        help_url="https://yandex.com/support/mail/mail-clients/others.html",
    ),
)
