"""What names may be told to everybody."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from services.api_gateway.status_pages.discretion import Discretion, readable
from services.api_gateway.status_pages.view_store import SeenMonitor


def monitor(hostname: str = "mail.example.com", user: str | None = "anna@example.com") -> SeenMonitor:
    return SeenMonitor(1, uuid4(), "x", hostname, user, "active", "up", 1, datetime.now(UTC), ())


CLOSED = Discretion(hosts=False, users=False)
HOSTS = Discretion(hosts=True, users=False)
USERS = Discretion(hosts=False, users=True)


@pytest.mark.parametrize(
    "name",
    ["mail.example.com", "IMAP at MAIL.example.com:993", "imap.other.org", "192.0.2.7", "2001:db8::1", "mx.中国"],
)
def test_a_name_that_tells_a_host_is_kept_back(name: str) -> None:
    assert not CLOSED.allows(name, monitor())
    assert HOSTS.allows(name, monitor())


@pytest.mark.parametrize("name", ["anna@example.com", "Anna's inbox", "someone@", "box of ANNA"])
def test_a_name_that_tells_an_account_is_kept_back(name: str) -> None:
    assert not CLOSED.allows(name, monitor())
    assert not HOSTS.allows(name, monitor())


def test_an_account_is_told_where_that_is_asked_for() -> None:
    assert USERS.allows("Anna's inbox", monitor())
    assert not USERS.allows("anna@example.com", monitor()), "it tells a host as well"


def test_a_host_of_one_word_is_known_as_a_word_only() -> None:
    assert not CLOSED.allows("the mail server", monitor("mail", None))
    assert CLOSED.allows("Mailboxes of sales", monitor("mail", None))


@pytest.mark.parametrize("name", ["Mailbox Access", "Support, inbound", "Joanna", "Postfach 7", "وارد"])
def test_other_names_are_told(name: str) -> None:
    assert CLOSED.allows(name, monitor())


def test_control_characters_become_pictures_and_directions_are_left_out() -> None:
    assert readable("\x1b[31mred\x00\n\x9b") == "␛[31mred␀␊\ufffd"
    assert readable("a\u202eb\u2066c\u200fd\u2028e\ud800") == "abcd\ufffde\ufffd"
    assert readable("أهلا") == "أهلا"
    assert readable("x" * 1000) == "x" * 500 + "…"
