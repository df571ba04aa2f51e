"""One sentence and one next step for every way a check can end, in one table.

Sentences may use {server} (host and port), {host}, {port}, {protocol}, {mailbox}, {days}, {seconds}, {mechanism} (of
the login), {elsewhere} (a server named by this one). A variant, where a dialogue or the connection named one, replaces
the sentence, the hint, or both.
"""

from typing import Final, NamedTuple

from shared.checks.vocabulary import OutcomeKind


class Explanation(NamedTuple):
    sentence: str
    hint: str | None = None


_TLS_PORT = "This port expects TLS from the first byte: set the security to tls."

_BY_KIND: Final[dict[OutcomeKind, Explanation]] = {
    OutcomeKind.DNS_NXDOMAIN: Explanation(
        "The host name {host} does not exist.", "Check its spelling, and that its DNS zone still has it."
    ),
    OutcomeKind.DNS_FAILURE: Explanation(
        "The host name {host} could not be resolved: its name servers failed.",
        "Ask the zone's name servers yourself: dig {host}",
    ),
    OutcomeKind.BLOCKED_TARGET: Explanation("Checks may not connect to the address of {host}."),
    OutcomeKind.CONNECT_REFUSED: Explanation(
        "{server} refused the connection.", "Is the mail server running, and listening on port {port}?"
    ),
    OutcomeKind.CONNECT_TIMEOUT: Explanation(
        "{server} did not answer the connection attempt.", "A firewall may be dropping packets to port {port}."
    ),
    OutcomeKind.UNREACHABLE: Explanation(
        "{server} can't be reached over the network.", "Check routing to the host, from this location."
    ),
    OutcomeKind.TLS_PROTOCOL: Explanation(
        "{server} and mailprobe found no common way to speak TLS.",
        "Check the TLS versions and ciphers the server allows; TLS 1.2 or later is needed.",
    ),
    OutcomeKind.TLS_EXPIRED: Explanation(
        "The certificate of {server} has expired.",
        "Renew it, and make the mail server load the new one.",
    ),
    OutcomeKind.TLS_NOT_YET_VALID: Explanation(
        "The certificate of {server} is not valid yet.", "Check the date it was issued for, and the clocks."
    ),
    OutcomeKind.TLS_HOSTNAME: Explanation(
        "The certificate of {server} is for another name.",
        "Check the host name, or name the certificate's in tlsOptions.servername.",
    ),
    OutcomeKind.TLS_UNTRUSTED: Explanation(
        "The certificate of {server} was issued by an authority that is not trusted here.",
        "Make the server send its intermediate certificates, or trust the authority with MAILPROBE_CA_FILE.",
    ),
    OutcomeKind.TLS_TIMEOUT: Explanation(
        "{server} stalled during the TLS handshake.", "Does port {port} expect TLS from the first byte?"
    ),
    OutcomeKind.STARTTLS_MISSING: Explanation(
        "{server} does not offer STARTTLS, so no password was sent.",
        "Enable TLS on the server, or set the security to tls with its TLS port.",
    ),
    OutcomeKind.STARTTLS_INJECTION: Explanation(
        "{server} sent plain text after agreeing to STARTTLS, so no password was sent.",
        "Somebody may be tampering with the connection, or the server has the flaw of CVE-2011-0411.",
    ),
    OutcomeKind.PREAUTH_UNEXPECTED: Explanation(
        "{server} called the connection logged in before anything was said, so nothing was sent.",
        "A server that requires STARTTLS or a login must not greet with PREAUTH.",
    ),
    OutcomeKind.GREETING_TIMEOUT: Explanation(
        "{server} accepted the connection and then said nothing.",
        "If this port expects TLS from the first byte, set the security to tls.",
    ),
    OutcomeKind.GREETING_REJECTED: Explanation(
        "{server} turned the connection away in its greeting.", "Its own words say why; it may be overloaded."
    ),
    OutcomeKind.NOT_A_MAIL_SERVER: Explanation(
        "What answers at {server} does not speak {protocol}.", "Check the port and the protocol."
    ),
    OutcomeKind.AUTH_REJECTED: Explanation(
        "{server} rejected the user name or the password.",
        "Check both; until one changes, logins are tried less and less often, so as not to lock the account.",
    ),
    OutcomeKind.AUTH_EXPIRED: Explanation(
        "{server} wants somebody to see to this account before it may log in.",
        "The password may have expired or the account been disabled; ask its administrator.",
    ),
    OutcomeKind.AUTH_TEMPORARY: Explanation(
        "{server} could not check the password just now.",
        "Its own words may say more; often its user database is down, or some limit was reached.",
    ),
    OutcomeKind.AUTH_UNSUPPORTED: Explanation(
        "{server} offers no way to log in that this check may use, so no password was sent.",
        "Set auth to a mechanism the server offers, or turn on TLS if it wants that first.",
    ),
    OutcomeKind.RATE_LIMITED: Explanation(
        "{server} limits how many connections or logins it takes, and turned this one away.",
        "Check less often, or raise its limits for mailprobe's address.",
    ),
    OutcomeKind.MAILBOX_LOCKED: Explanation(
        "The mailbox is in use by another session.", "If it stays locked, a session may hang on the server."
    ),
    OutcomeKind.MAILBOX_MISSING: Explanation(
        "The login worked, but the mailbox {mailbox} can't be opened.", "Check its name, and its folder on the server."
    ),
    OutcomeKind.PROTOCOL_ERROR: Explanation(
        "{server} answered with something {protocol} does not allow.", "The transcript shows what it said."
    ),
    OutcomeKind.RESPONSE_TOO_LARGE: Explanation(
        "{server} sent more than a healthy server has reason to.", "The transcript shows how it began."
    ),
    OutcomeKind.COMMAND_TIMEOUT: Explanation(
        "{server} left a command unanswered.", "It may be overloaded, or its storage may hang."
    ),
    OutcomeKind.TOTAL_TIMEOUT: Explanation(
        "The check did not end within its {seconds:g} s.", "The times of the phases show where they went."
    ),
    OutcomeKind.CONNECTION_LOST: Explanation(
        "{server} closed the connection in the middle of the check.", "Its log should say why."
    ),
    OutcomeKind.INTERNAL: Explanation("mailprobe itself failed to make this check; the mail server is not to blame."),
}

_BY_VARIANT: Final[dict[tuple[OutcomeKind, str], Explanation]] = {
    (OutcomeKind.DNS_NXDOMAIN, "malformed"): Explanation("{host} is no valid host name."),
    (OutcomeKind.DNS_FAILURE, "timeout"): Explanation("The name servers of {host} did not answer in time."),
    (OutcomeKind.DNS_FAILURE, "no_address"): Explanation(
        "The host name {host} exists, but has no address.", "Add an A or AAAA record."
    ),
    (OutcomeKind.DNS_FAILURE, "no_ipv4"): Explanation(
        "{host} has no IPv4 address.", "Add an A record, or allow any IP family."
    ),
    (OutcomeKind.DNS_FAILURE, "no_ipv6"): Explanation(
        "{host} has no IPv6 address.", "Add an AAAA record, or allow any IP family."
    ),
    (OutcomeKind.TLS_PROTOCOL, "plain_text"): Explanation(
        "{server} speaks plain text where TLS was expected.",
        "Set the security to starttls (or none), or use the server's TLS port.",
    ),
    (OutcomeKind.TLS_PROTOCOL, "other_service"): Explanation(
        "{server} speaks plain text where TLS was expected, and not {protocol}.",
        "Check the port: it seems to be another service's.",
    ),
    (OutcomeKind.TLS_PROTOCOL, "after_starttls"): Explanation(
        "{server} agreed to STARTTLS and then went on in plain text.",
        "Its TLS may have failed to start, for want of its certificate or key, say; its log should tell.",
    ),
    (OutcomeKind.TLS_TIMEOUT, "after_starttls"): Explanation(
        "{server} agreed to STARTTLS and then stalled during the TLS handshake.",
        "It may be overloaded, or something between it and mailprobe may swallow what is not plain text.",
    ),
    (OutcomeKind.TLS_PROTOCOL, "their_trouble"): Explanation(
        "The TLS of {server} ended the handshake with an error of its own.",
        "Often a certificate or key that it can't load; its log should say.",
    ),
    (OutcomeKind.TLS_PROTOCOL, "broken_off"): Explanation(
        "{server} broke off the TLS session after its handshake.",
        "If it wants a client certificate, let mailprobe's address in without one; else its log should say why.",
    ),
    (OutcomeKind.TLS_PROTOCOL, "alpn"): Explanation(
        "{server} turns away whoever does not name a protocol during the TLS handshake (ALPN), as mail programs don't.",
        "Check that port {port} leads to the mail server, and to no web server or router of TLS.",
    ),
    (OutcomeKind.TLS_PROTOCOL, "renegotiation"): Explanation(
        "{server} lacks secure renegotiation (RFC 5746), without which its TLS is not safe.",
        "Update the server's TLS library.",
    ),
    (OutcomeKind.TLS_PROTOCOL, "client_certificate"): Explanation(
        "{server} demands a client certificate, which mailprobe does not have.",
        "Let mailprobe's address in without one.",
    ),
    (OutcomeKind.TLS_PROTOCOL, "hung_up"): Explanation(
        "{server} hung up on the TLS handshake without saying why.",
        "Often a TLS version or cipher too old, or a client certificate it wants; its log should say.",
    ),
    (OutcomeKind.TLS_PROTOCOL, "old_version"): Explanation(
        "{server} speaks only TLS versions too old to be safe.", "Enable TLS 1.2 or 1.3 on the server."
    ),
    (OutcomeKind.TLS_PROTOCOL, "weak"): Explanation(
        "{server} offers only keys too weak to be safe.", "Give the server a key of today's length."
    ),
    (OutcomeKind.TLS_PROTOCOL, "name"): Explanation(
        "{server} has no certificate for this name.", "Check the host name, or tlsOptions.servername."
    ),
    (OutcomeKind.TLS_UNTRUSTED, "self_signed"): Explanation(
        "The certificate of {server} is signed by itself, not by a trusted authority.",
        "Get one from an authority, trust this one with MAILPROBE_CA_FILE, or turn verification off.",
    ),
    (OutcomeKind.TLS_UNTRUSTED, "private_authority"): Explanation(
        "The certificate of {server} was issued by an authority of somebody's own, which is not trusted here.",
        "Trust that authority with MAILPROBE_CA_FILE, or get a certificate from a public one.",
    ),
    (OutcomeKind.TLS_UNTRUSTED, "purpose"): Explanation(
        "The certificate of {server}, or one it rests on, was not issued for use by a server.",
        "Get one whose extended key usage names serverAuth.",
    ),
    (OutcomeKind.TLS_UNTRUSTED, "rules"): Explanation(
        "The certificate of {server} rests on a chain that breaks the rules of its authorities.",
        "The verify error of the certificate names the rule; get one from an authority that may issue it.",
    ),
    (OutcomeKind.TLS_EXPIRED, "chain"): Explanation(
        "The certificate of {server} is in date, but one it rests on has expired.",
        "Make the server send its authority's current intermediate certificates.",
    ),
    (OutcomeKind.TLS_NOT_YET_VALID, "chain"): Explanation(
        "The certificate of {server} is in date, but one it rests on is not valid yet.",
    ),
    (OutcomeKind.TLS_UNTRUSTED, "weak"): Explanation(
        "The certificate of {server}, or one it rests on, has a key or a signature too weak to be trusted.",
        "Get one with a key of 2048 bits or more, signed with SHA-256.",
    ),
    (OutcomeKind.MAILBOX_MISSING, "not_connected"): Explanation(
        "{server} took the login, but there is no mailbox it would connect it to.",
        "Exchange says so where IMAP is off for the mailbox, where the user may not open it (a shared one, say), and "
        "sometimes where the password is wrong after all.",
    ),
    (OutcomeKind.AUTH_REJECTED, "elsewhere"): Explanation(
        "{server} says that this account is at home on another server.", "Check that one instead: {elsewhere}"
    ),
    (OutcomeKind.MAILBOX_MISSING, "elsewhere"): Explanation(
        "The login worked, but {server} says that the mailbox {mailbox} is on another server.",
        "Check that one instead: {elsewhere}",
    ),
    (OutcomeKind.GREETING_REJECTED, "elsewhere"): Explanation(
        "{server} turned the connection away, and named another server.", "Check that one instead: {elsewhere}"
    ),
    (OutcomeKind.CONNECTION_LOST, "no_greeting"): Explanation(
        "{server} took the connection, and closed it without a greeting.",
        "Often a proxy or a container with no mail server behind it, a ban, or too many connections from this address.",
    ),
    (OutcomeKind.AUTH_TEMPORARY, "mailbox"): Explanation(
        "{server} took the login, but could not open the mailbox just now.", "Its storage may be down."
    ),
    (OutcomeKind.STARTTLS_MISSING, "refused"): Explanation(
        "{server} offers STARTTLS but refused it, so no password was sent."
    ),
    (OutcomeKind.GREETING_TIMEOUT, "tls_port"): Explanation(
        "{server} accepted the connection and then said nothing.", _TLS_PORT
    ),
    (OutcomeKind.NOT_A_MAIL_SERVER, "tls_port"): Explanation("{server} speaks TLS, not plain text.", _TLS_PORT),
    (OutcomeKind.NOT_A_MAIL_SERVER, "pop3"): Explanation(
        "What answers at {server} speaks POP3, not IMAP.", "Set the protocol to pop3, or use the IMAP port."
    ),
    (OutcomeKind.NOT_A_MAIL_SERVER, "imap"): Explanation(
        "What answers at {server} speaks IMAP, not POP3.", "Set the protocol to imap, or use the POP3 port."
    ),
    (OutcomeKind.NOT_A_MAIL_SERVER, "smtp"): Explanation(
        "What answers at {server} is no {protocol} server; it seems to be SMTP or FTP.",
    ),
    (OutcomeKind.NOT_A_MAIL_SERVER, "ssh"): Explanation("What answers at {server} is an SSH server."),
    (OutcomeKind.NOT_A_MAIL_SERVER, "http"): Explanation("What answers at {server} is a web server."),
    (OutcomeKind.AUTH_UNSUPPORTED, "tls_first"): Explanation(
        "{server} takes no password over an unprotected connection, so none was sent.",
        "Set the security to starttls or tls.",
    ),
    (OutcomeKind.AUTH_UNSUPPORTED, "oauth"): Explanation(
        "{server} takes only OAuth 2.0 logins, which mailprobe does not make, so no password was sent.",
        "Set auth to none to check it without a login, or allow passwords (an app password, say) on the server.",
    ),
    (OutcomeKind.AUTH_UNSUPPORTED, "iterations"): Explanation(
        "{server} asked for an unreasonable amount of computing to log in, which was not done."
    ),
    (OutcomeKind.PROTOCOL_ERROR, "control"): Explanation(
        "{server} sent a line with a control character that does not belong there."
    ),
    (OutcomeKind.PROTOCOL_ERROR, "missing_data"): Explanation(
        "{server} said OK without the data that must come with it."
    ),
    (OutcomeKind.PROTOCOL_ERROR, "wrong_tag"): Explanation("{server} answered a command that was never given."),
    (OutcomeKind.PROTOCOL_ERROR, "challenge"): Explanation(
        "{server} asked for something during the login that its way of logging in does not know.",
        "Its log should say what it wanted; another mechanism in auth may do.",
    ),
    (OutcomeKind.AUTH_REJECTED, "digest"): Explanation(
        "{server} rejected the user name or the password.",
        "Check both. Or the server offers {mechanism} without keeping what that needs of this user: set auth to plain "
        "or login. Until something changes, logins are tried less and less often, so as not to lock the account.",
    ),
    (OutcomeKind.PROTOCOL_ERROR, "signature"): Explanation(
        "{server} accepted the login without proving that it knows the password itself."
    ),
    (OutcomeKind.PROTOCOL_ERROR, "unasked"): Explanation(
        "{server} called the login a success before it was told the password.",
        "It may let in whoever comes; look at its authentication settings.",
    ),
    (OutcomeKind.INTERNAL, "resolver"): Explanation(
        "The name servers this mailprobe uses do not answer at all; nothing is known about {host}.",
        "Check /etc/resolv.conf on the worker, or MAILPROBE_DNS_SERVERS.",
    ),
    (OutcomeKind.INTERNAL, "resolver_helpless"): Explanation(
        "The name servers this mailprobe uses can't look anything up; nothing is known about {host}.",
        "Check what /etc/resolv.conf on the worker, or MAILPROBE_DNS_SERVERS, leads to.",
    ),
    (OutcomeKind.INTERNAL, "canaries"): Explanation(
        "Nothing is known about {host}: this worker can't reach any of its canary targets either.",
        "Check the worker's own network; the targets are named in MAILPROBE_CANARY_TARGETS.",
    ),
    (OutcomeKind.INTERNAL, "no_route"): Explanation(
        "This worker has no route to the network of {host}.", "Check the worker's own network."
    ),
    (OutcomeKind.INTERNAL, "no_route_v6"): Explanation(
        "This worker has no IPv6, and {host} was to be reached over it.",
        "Set ipFamily to 4, or give the worker IPv6.",
    ),
    (OutcomeKind.INTERNAL, "resources"): Explanation(
        "This worker's own system had no socket to give.", "Check its limits: ulimit -n, and its firewall."
    ),
}


def explain(kind: OutcomeKind, variant: str | None, **words: object) -> Explanation:
    """The sentence and hint for this ending, filled in."""
    general = _BY_KIND[kind]
    special = _BY_VARIANT.get((kind, variant)) if variant is not None else None
    sentence = special.sentence if special is not None else general.sentence
    hint = (special.hint if special is not None else None) or general.hint
    return Explanation(sentence.format(**words), hint.format(**words) if hint is not None else None)
