"""What servers in the wild say to a login, and what it is taken for."""

import pytest

from shared.checks.vocabulary import LoginOutcome, OutcomeKind
from shared.probing.replies import judge_refusal, login_outcome, referred_to


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (b"[AUTHENTICATIONFAILED] Invalid credentials (Failure)", OutcomeKind.AUTH_REJECTED),
        (b"[ALERT] Application-specific password required (Failure)", OutcomeKind.AUTH_REJECTED),
        (b"LOGIN failed.", OutcomeKind.AUTH_REJECTED),
        (b"Logon failure: unknown user name or bad password.", OutcomeKind.AUTH_REJECTED),
        (b"[AUTH] temporarily out of order", OutcomeKind.AUTH_REJECTED),
        (b"[NEWCODE] too many connections", OutcomeKind.AUTH_REJECTED),
        (b"[WEBALERT https://accounts.example] Web login required.", OutcomeKind.AUTH_EXPIRED),
        (b"[SYS/PERM] Your account is not enabled for POP access", OutcomeKind.AUTH_EXPIRED),
        (b"[UNAVAILABLE] Temporary authentication failure. [host:2026]", OutcomeKind.AUTH_TEMPORARY),
        (b"Server Unavailable. 15", OutcomeKind.AUTH_TEMPORARY),
        (b"Server Busy. Please retry later.", OutcomeKind.AUTH_TEMPORARY),
        (b"[ALERT] Too many simultaneous connections. (Failure)", OutcomeKind.RATE_LIMITED),
        (b"[OVERQUOTA] Account exceeded command or bandwidth limits.", OutcomeKind.RATE_LIMITED),
        (b"[LOGIN-DELAY] minimum time between mail checks violation", OutcomeKind.RATE_LIMITED),
        (b"[IN-USE] Unable to lock maildrop", OutcomeKind.MAILBOX_LOCKED),
        (b"Unable to lock maildrop: mailbox is locked by POP server", OutcomeKind.MAILBOX_LOCKED),
    ],
)
def test_a_refusal_is_what_its_code_says_else_what_its_words_soften_it_to(said: bytes, kind: OutcomeKind) -> None:
    assert judge_refusal(said, OutcomeKind.AUTH_REJECTED)[0] is kind


@pytest.mark.parametrize("said", [b"Too many failed logins, try again later", b"Server busy", b"mailbox locked", b""])
def test_words_alone_never_keep_a_login_from_counting_as_refused(said: bytes) -> None:
    kind, by_code = judge_refusal(said, OutcomeKind.AUTH_REJECTED)
    assert login_outcome(kind, by_code=by_code) is LoginOutcome.REFUSED


@pytest.mark.parametrize("said", [b"[UNAVAILABLE] x", b"[IN-USE] x", b"[LIMIT] x", b"[SYS/TEMP] x"])
def test_a_code_that_judges_nothing_leaves_the_ladder_alone(said: bytes) -> None:
    kind, by_code = judge_refusal(said, OutcomeKind.AUTH_REJECTED)
    assert login_outcome(kind, by_code=by_code) is LoginOutcome.UNDECIDED


@pytest.mark.parametrize(
    ("said", "server"),
    [
        (b"[REFERRAL IMAP://MIKE@SERVER2/] Specified user is invalid on this server. Try SERVER2.", "SERVER2"),
        (b"[REFERRAL imap://user;AUTH=PLAIN@host.example:1143/] Can't login.", "host.example:1143"),
        (b"[REFERRAL imap://[2001:db8::1]/INBOX] Remote", "[2001:db8::1]"),
        (b"* BYE [REFERRAL imap://imap.example/] bye", "imap.example"),
        (b"[REFERRAL imap://a b/] x", None),
        (b"[REFERRAL imap://" + b"[REFERRAL imap://" * 400, None),
        (b"Try imap://other/ instead", None),
    ],
)
def test_a_referral_names_a_server(said: bytes, server: str | None) -> None:
    assert referred_to(said) == server
