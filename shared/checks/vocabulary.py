"""The closed sets of words that tables, messages, API and logs share."""

from enum import StrEnum


class MailProtocol(StrEnum):
    """What is spoken with the mail server."""

    IMAP = "imap"
    POP3 = "pop3"


class Security(StrEnum):
    """How the connection is protected: from the first byte, after a command, or not at all."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


class AuthMethod(StrEnum):
    """How to log in; `auto` picks the strongest offered that the connection's security allows."""

    AUTO = "auto"
    PLAIN = "plain"
    LOGIN = "login"
    CRAM_MD5 = "cram-md5"
    SCRAM_SHA_256 = "scram-sha-256"
    NONE = "none"


class IpFamily(StrEnum):
    """Which addresses of a name may be tried."""

    ANY = "any"
    V4 = "4"
    V6 = "6"


class Phase(StrEnum):
    """The parts of one probe, in the order they happen."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    GREETING = "greeting"
    CAPABILITY = "capability"
    AUTH = "auth"
    MAILBOX = "mailbox"
    LOGOUT = "logout"


class OutcomeKind(StrEnum):
    """How a probe ended: `ok`, or exactly one kind of failure."""

    OK = "ok"
    DNS_NXDOMAIN = "dns_nxdomain"
    DNS_FAILURE = "dns_failure"
    BLOCKED_TARGET = "blocked_target"
    CONNECT_REFUSED = "connect_refused"
    CONNECT_TIMEOUT = "connect_timeout"
    UNREACHABLE = "unreachable"
    TLS_PROTOCOL = "tls_protocol"
    TLS_EXPIRED = "tls_expired"
    TLS_NOT_YET_VALID = "tls_not_yet_valid"
    TLS_HOSTNAME = "tls_hostname"
    TLS_UNTRUSTED = "tls_untrusted"
    TLS_TIMEOUT = "tls_timeout"
    STARTTLS_MISSING = "starttls_missing"
    STARTTLS_INJECTION = "starttls_injection"
    PREAUTH_UNEXPECTED = "preauth_unexpected"
    GREETING_TIMEOUT = "greeting_timeout"
    GREETING_REJECTED = "greeting_rejected"
    NOT_A_MAIL_SERVER = "not_a_mail_server"
    AUTH_REJECTED = "auth_rejected"
    AUTH_EXPIRED = "auth_expired"
    AUTH_TEMPORARY = "auth_temporary"
    AUTH_UNSUPPORTED = "auth_unsupported"
    RATE_LIMITED = "rate_limited"
    MAILBOX_LOCKED = "mailbox_locked"
    MAILBOX_MISSING = "mailbox_missing"
    PROTOCOL_ERROR = "protocol_error"
    RESPONSE_TOO_LARGE = "response_too_large"
    COMMAND_TIMEOUT = "command_timeout"
    TOTAL_TIMEOUT = "total_timeout"
    CONNECTION_LOST = "connection_lost"
    INTERNAL = "internal"


# Failures that say nothing about the mail server: they change no health and open no incident.
OURS = frozenset({OutcomeKind.INTERNAL, OutcomeKind.BLOCKED_TARGET})

# Failures a server recovers from by itself: `degraded` at first, `down` when they last.
SOFT_FAILURES = frozenset({OutcomeKind.MAILBOX_LOCKED, OutcomeKind.RATE_LIMITED, OutcomeKind.AUTH_TEMPORARY})

# The server has judged this credential and said no: the ladder of login tries begins.
REFUSALS = frozenset({OutcomeKind.AUTH_REJECTED, OutcomeKind.AUTH_EXPIRED})


class WarningCode(StrEnum):
    """What a passed check still has to say."""

    CERTIFICATE_EXPIRING = "certificate_expiring"
    SLOW = "slow"
    UNVERIFIED = "unverified"
    PLAINTEXT_PASSWORD = "plaintext_password"


# `unverified` and `plaintext_password` are choices of the owner, said but not held against the server.
DEGRADING_WARNINGS = frozenset({WarningCode.CERTIFICATE_EXPIRING, WarningCode.SLOW})


class LoginOutcome(StrEnum):
    """What became of the login within one check.

    `unknown`: sent, and never answered. `undecided`: answered by machine code without judging the credential (a
    temporary failure, a limit of the server's), so it neither proves nor counts against it.
    """

    NOT_SENT = "not_sent"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    UNDECIDED = "undecided"


class LoginPermission(StrEnum):
    """Whether a job may log in; a withheld check does everything but the login, and never passes."""

    ALLOWED = "allowed"
    WITHHELD = "withheld"


class CheckKind(StrEnum):
    """Why a check happens: its slot was due, or somebody or something asked out of turn."""

    SCHEDULED = "scheduled"
    TRIGGER = "trigger"
    FIRST = "first"
    FOLLOW_UP = "follow_up"
    LADDER = "ladder"
    TEST = "test"
    CANARY = "canary"  # of no monitor: the pipeline checks itself, against a server of the worker's own


class MissedReason(StrEnum):
    """Why a slot or request ended without a result."""

    NO_WORKER = "no_worker"
    QUEUE_FULL = "queue_full"
    BUSY = "busy"
    PACED = "paced"
    STALE = "stale"
    WITHHELD = "withheld"
    REDELIVERED = "redelivered"
    OUTAGE = "outage"
    DELETED = "deleted"
    RESTART = "restart"
    UNANSWERED = "unanswered"


class Lane(StrEnum):
    """The last word of a job's routing key: on time, at once, or once more and alone."""

    DUE = "due"
    NOW = "now"
    RETRY = "retry"


class Health(StrEnum):
    """What we believe now."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


class MonitorStatus(StrEnum):
    """`active` is checked and alerts; `maintenance` is checked and never alerts; `disabled` is not checked."""

    ACTIVE = "active"
    MAINTENANCE = "maintenance"
    DISABLED = "disabled"
