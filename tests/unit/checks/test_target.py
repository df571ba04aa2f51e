"""What a stored monitor describes, and what its password is bound to."""

from uuid import UUID

import pytest

from shared.checks.target import PasswordBinding, effective_port, password_binding, target_from_monitor
from shared.checks.vocabulary import MailProtocol, Security


@pytest.mark.parametrize(
    ("protocol", "security", "port"),
    [
        ("imap", "tls", 993),
        ("imap", "starttls", 143),
        ("imap", "none", 143),
        ("pop3", "tls", 995),
        ("pop3", "starttls", 110),
        ("pop3", "none", 110),
    ],
)
def test_the_port_follows_from_protocol_and_security(protocol: str, security: str, port: int) -> None:
    assert effective_port(None, MailProtocol(protocol), Security(security)) == port
    assert effective_port(1143, MailProtocol(protocol), Security(security)) == 1143


def test_an_empty_config_is_plain_imap_without_login() -> None:
    target = target_from_monitor(hostname="h", port=None, timeout_seconds=30, config={}, sealed_password=None)
    assert (target.protocol, target.security, target.port, target.logs_in) == ("imap", "none", 143, False)
    assert target.verify_certificate is True


def test_the_documented_config_logs_in_over_tls() -> None:
    config = {"protocol": "imap", "user": "u", "tls": True, "tlsOptions": {"rejectUnauthorized": False}}
    target = target_from_monitor(hostname="h", port=None, timeout_seconds=5, config=config, sealed_password="mp1.k.x")
    assert (target.security, target.port, target.logs_in) == ("tls", 993, True)
    assert target.verify_certificate is False
    assert target.timeout_ms == 5000


def test_each_field_of_the_binding_changes_the_context() -> None:
    target = target_from_monitor(
        hostname="h", port=1, timeout_seconds=30, config={"user": "u"}, sealed_password="mp1.k.x"
    )
    binding = password_binding(1, UUID(int=1), target)
    changed = PasswordBinding(2, UUID(int=2), MailProtocol.POP3, "i", 2, Security.TLS, False, "sni", None)
    contexts = {binding.context()}
    for field in PasswordBinding._fields:
        contexts.add(binding._replace(**{field: getattr(changed, field)}).context())
    assert len(contexts) == 1 + len(PasswordBinding._fields)


def test_text_cannot_slip_from_one_field_into_the_next() -> None:
    one = PasswordBinding(1, UUID(int=1), MailProtocol.IMAP, "ab", 1, Security.TLS, True, "c", "d")
    two = one._replace(servername="cd", user="")
    assert one.context() != two.context()
    assert one._replace(user=None).context() != one._replace(user="").context()
