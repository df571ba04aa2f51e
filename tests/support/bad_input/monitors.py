"""Bad descriptions of monitors: every field in every way we could think of."""

from collections.abc import Iterator

from tests.support.bad_input.case import HALF, INFINITY, NAN, TOO_MANY_DIGITS, Bad, fields

PATH = "/api/imap-pop-monitors"
CONFIG = {"protocol": "imap", "user": "u", "password": "p", "tls": True}
GOOD = {"customerId": 10, "name": "n", "hostname": "mail.example.com", "imapPopConfig": CONFIG}
MASK = "********"

NO_TEXT = (5, 1.5, True, [], {}, ["x"])
NO_NUMBER = ("1", True, [], {}, NAN, TOO_MANY_DIGITS)
LINE_ENDS = ("a\r\nb", "a\nb", "a\rb", "\n", "a\x00b", HALF)
CONTROL = ("a\nb", "a\x7fb", "a\x85b", "a\u2028b", "\x1b[2J", "a\x00b", HALF)

HOSTNAMES = (
    *("ⓛocalhost", "①②⑦.0.0.1", "127。0。0。1", "ｍail.example.com", "mail.example.com\u3002", "ma\u00adil.example"),
    *(
        "0x7f.1",
        "0x7f000001",
        "0X7F.0.0.1",
        "2130706433",
        "127.1",
        "0177.0.0.1",
        "127.0.0.1.",
        "1.2.3.4.5",
        "256.1.1.1",
    ),
    *("https://mail.example.com", "//mail.example.com", "mail.example.com/imap", "mail.example.com:993", "a@b.example"),
    *("[::1]", "fe80::1%eth0", "::1%lo", "::ffff:0x7f.1", "1::2::3", ":::", "::127.1"),
    *("a b", " mail.example.com", "mail.example.com\n", "mail.example.com\t", "mail..example.com", ".example.com", ""),
    *(".", "-a.example", "a-.example", "under_score.example", "*.example.com", "xn--.example", "xn--a.example"),
    *("a" * 64 + ".example", ".".join(["a" * 60] * 5), "ü" * 60 + ".example", "\u202elocalhost", "local\u200bhost"),
    *("mail.example.com\x00", "127.0.0.1\x00.example.com", HALF, "mail.example.com?x", "mail.example.com#x", "a\\b"),
    *(
        "$(reboot).example",
        "mail.example.com;id",
        "example.0x",
        "example.123",
        "x" * 1001,
        "a,b.example",
        "%6c.example",
    ),
)


def bad_monitors() -> Iterator[Bad]:
    """New ones, and the same of changes."""
    top = {
        "customerId": (True, 0, -1, 1.5, "10", "x", "", None, [], {}, 2**53, "urn:uuid:1", "١١١", TOO_MANY_DIGITS),
        "name": ("", " ", None, "x" * 256, *NO_TEXT, *CONTROL),
        "hostname": (None, *NO_TEXT, *HOSTNAMES),
        "port": (0, -1, 65_536, 1.5, 2**31, 10**30, *NO_NUMBER),
        "status": ("off", "ACTIVE", "", "active ", None, *NO_TEXT),
        "checkInterval": (0, 0.25, -1, 0.7, 1441, None, INFINITY, -INFINITY, *NO_NUMBER),
        "timeoutSeconds": (0, -1, 61, 1.5, None, *NO_NUMBER),
        "allowedCheckCountryCodes": ("DE", 5, True, {}, ["DE"] * 251),
        "notificationEmail": ("", "x", "@", "a@", "@b", "a b@c", "a" * 250 + "@b.cd", *NO_TEXT),
        "notificationPhoneNumber": ("", " ", "x" * 51, *NO_TEXT, *CONTROL),
        "imapPopConfig": (5, "x", [], True, [CONFIG], {"note": "x" * 16_384}, NAN),
        "colour": ("red", None, {}),
        "imapPopconfig": (CONFIG,),
        "__proto__": ({},),
    }
    of_config = {
        "protocol": ("smtp", "IMAP", "", "imap4", *NO_TEXT),
        "user": ("", "x" * 1025, *NO_TEXT, *LINE_ENDS),
        "password": ("", "x" * 4097, "ü" * 2049, MASK, *NO_TEXT, *LINE_ENDS),
        "tls": ("yes", "true", 1, 0, [], {}),
        "security": ("ssl", "TLS", "", "none", *NO_TEXT),
        "mailbox": ("", "x" * 1025, *NO_TEXT, *LINE_ENDS),
        "auth": ("digest-md5", "PLAIN", "", *NO_TEXT),
        "ipFamily": ("5", 4, "ipv6", "", [], True),
        "certificateWarningDays": (-1, 3651, 1.5, *NO_NUMBER),
        "warningMs": (0, -1, 60_001, 1.5, *NO_NUMBER),
        "authorizationId": ("", "x" * 1025, *NO_TEXT, *LINE_ENDS),
        "tlsOptions": (5, "x", [], True),
        "tlsOptions.rejectUnauthorized": ("no", 0, 1, []),
        "tlsOptions.servername": ("https://x", "a b", "0x7f.1", "ⓛocalhost", "", 5, "a\x00b"),
    }
    config = {f"imapPopConfig.{name}": values for name, values in of_config.items()}
    yield from fields("POST", PATH, GOOD, {**top, **config})
    yield from fields("POST", f"{PATH}/test", GOOD, {"hostname": HOSTNAMES[:10], "imapPopConfig.password": LINE_ENDS})
    countries = {"allowedCheckCountryCodes": (["DEU"], [5], [None], [""], ["D1"], ["ÄÖ"], [["DE"]])}
    yield from fields("POST", PATH, GOOD, countries, {"allowedCheckCountryCodes": "/allowedCheckCountryCodes/0"})
    twice = {"config": ({"protocol": "pop3"}, 5, None)}
    yield from fields("POST", PATH, GOOD, twice)
    nameless = {name: value for name, value in GOOD.items() if name != "imapPopConfig"}
    yield from fields("POST", PATH, nameless, {"config.protocol": ("smtp",), "config.user": LINE_ENDS})


def bad_changes(path: str) -> Iterator[Bad]:
    """Of a monitor that is there, with a password."""
    wrong = {
        "name": ("", None, 5, "a\x00b"),
        "hostname": ("0x7f.1", "ⓛocalhost", None, "https://x"),
        "port": (0, "993", 10**30, TOO_MANY_DIGITS),
        "status": ("off", None),
        "checkInterval": (0.7, "30", NAN),
        "timeoutSeconds": (61, "30"),
        "customerId": (0, "x", None),
        "colour": (1,),
    }
    yield from fields("PATCH", path, {}, wrong)
    moved = {"hostname": ("elsewhere.example.com",), "port": (1,)}
    yield from fields("PATCH", path, {}, moved, dict.fromkeys(moved, "/imapPopConfig/password"))
    kept = {"imapPopConfig.user": ("another",), "imapPopConfig.protocol": ("pop3",), "imapPopConfig.tls": (False,)}
    stored = {"imapPopConfig": {**CONFIG, "password": MASK}}
    yield from fields("PATCH", path, stored, kept, dict.fromkeys(kept, "/imapPopConfig/password"))
