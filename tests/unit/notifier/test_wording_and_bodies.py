"""What messages say, and the forms they take for programs."""

import json
from typing import Any, cast
from uuid import uuid4

import pytest

from services.notifier.content import Certificate, Content, Incident, span
from services.notifier.persistence import Sent
from services.notifier.senders.alertmanager import AlertmanagerSender, alerts
from services.notifier.senders.http import OutboundHttp
from services.notifier.senders.mail import MailServer, mail
from services.notifier.senders.seam import Attempt, redacted
from services.notifier.senders.webhook import webhook_body, webhook_headers
from services.notifier.vocabulary import Event
from services.notifier.wording import of_certificate, of_digest, of_outage
from shared.notifications.channel_models import AlertmanagerConfig, WebhookConfig

AT = 1_800_000_000_000
SERVER = MailServer.from_url("smtp+starttls://u%40x:p%3Aw@mail.example.com", sender="mailprobe@example.com")


def incident(number: int = 1, **more: Any) -> Incident:
    return Incident.model_validate(
        {
            "id": number,
            "public_id": uuid4(),
            "customer_id": 10,
            "customer_name": "Acme",
            "monitor_id": number,
            "monitor_public_id": uuid4(),
            "monitor_name": f"mailbox {number}",
            "protocol": "imap",
            "host": "mx3.example.com",
            "user_name": f"user{number}",
            "kind": "auth_rejected",
            "phase": "auth",
            "message": "The server refused the login.",
            "hint": "Put the right password in.",
            "server_words": "NO go away",
            "started_at": AT - 300_000,
            "opened_at": AT - 60_000,
            **more,
        }
    )


def outage(event: Event, *incidents: Incident, key: str = "the-group") -> Content:
    return of_outage(event, public_id=uuid4(), key=key, layer="login", incidents=incidents, now_ms=AT)


def test_forty_mailboxes_are_one_line() -> None:
    content = outage(Event.OPENED, *(incident(number) for number in range(40)))
    assert content.title == "DOWN: mx3.example.com: 40 mailboxes, login phase"
    assert "- mailbox 19 (user19)\n- and 20 more" in content.text
    assert len(content.incident_ids) == 40


@pytest.mark.parametrize(
    ("event", "title"),
    [
        (Event.OPENED, "DOWN: mailbox 1 (mx3.example.com, login)"),
        (Event.UPDATE, "DOWN, AND MORE OF IT: mailbox 1 (mx3.example.com, login)"),
        (Event.REMINDER, "STILL DOWN after 5m: mailbox 1 (mx3.example.com, login)"),
        (Event.FLAPPING, "FLAPPING: mailbox 1 (mx3.example.com, login)"),
    ],
)
def test_every_bad_message_says_what_why_since_when_and_what_to_do(event: Event, title: str) -> None:
    content = outage(event, incident())
    assert content.title == title
    for words in (
        "mailbox 1",
        "mx3.example.com",
        "login",
        "NO go away",
        "Since: 2027-01-15",
        "Put the right password in.",
    ):
        assert words in content.text
    assert "mailprobe incidents show" in content.text


def test_a_recovery_says_how_long_it_took_and_why_it_ended() -> None:
    over = incident(resolved_at=AT, recovered_at=AT - 30_000, resolution="deleted")
    content = outage(Event.RESOLVED, over)
    assert content.good_news
    assert "4m 30s (the monitor was deleted)" in content.text
    assert outage(Event.OPENED, over).title.startswith("WAS DOWN: ")


@pytest.mark.parametrize("resolution", ["disabled", "deleted"])
def test_nothing_is_called_up_that_nobody_saw_work(resolution: str) -> None:
    dropped = incident(resolved_at=AT, resolution=resolution)
    content = outage(Event.RESOLVED, dropped)
    assert content.title == "NO LONGER CHECKED: mailbox 1 (mx3.example.com, login)"
    assert "works again" not in content.text
    both = outage(Event.RESOLVED, dropped, incident(2, resolved_at=AT, recovered_at=AT, resolution="recovered"))
    assert both.title.startswith("UP AGAIN: ")
    assert "whether 1 of 2 mailboxes worked again was not seen" in both.text


def test_a_digest_of_one_says_what_it_is_about() -> None:
    one = outage(Event.OPENED, incident())
    assert of_digest([one], public_id=uuid4(), now_ms=AT).title == one.title
    assert of_digest([one, one], public_id=uuid4(), now_ms=AT).title == "2 alerts, 1 mailbox in all"


def test_what_settles_may_settle_down() -> None:
    down = outage(Event.SETTLED, incident())
    up = outage(Event.SETTLED, incident(resolved_at=AT, recovered_at=AT, resolution="recovered"))
    assert (down.good_news, up.good_news) == (False, True)
    assert down.title.startswith("SETTLED, AND DOWN: ")
    assert "Put the right password in." in down.text
    assert "it works again" in up.text


def test_what_strangers_wrote_stays_on_its_line() -> None:
    wicked = incident(monitor_name="a\r\nBcc: x@y", server_words="\x1b[2J\x00NO", message="<script>alert(1)</script>")
    content = outage(Event.OPENED, wicked)
    assert "\r" not in content.title + content.text
    assert "\x1b" not in content.text
    message = mail(SERVER, ("ops@example.com",), content, Attempt(content.public_id, 1, AT))
    assert message["Bcc"] is None
    html = message.get_body(("html",))
    assert html is not None
    assert "<script>" not in html.get_content()


def test_a_mail_is_the_same_at_every_try_and_hangs_together_with_its_outage() -> None:
    content = outage(Event.OPENED, incident(), key=str(uuid4()))
    first, second = (
        mail(SERVER, ("ops@example.com", "b@example.org"), content, Attempt(content.public_id, number, AT + number))
        for number in (1, 2)
    )
    assert first["Message-ID"] == second["Message-ID"] == f"<{content.public_id}@example.com>"
    assert first["Date"] == second["Date"]
    assert first["References"] == f"<outage-{content.parts[0].key}@example.com>"


def test_a_mail_s_html_leads_to_the_details_once() -> None:
    content = of_outage(
        Event.OPENED,
        public_id=uuid4(),
        key="the-group",
        layer="login",
        incidents=(incident(),),
        now_ms=AT,
        public_url="https://status.example.net",
    )
    assert content.link is not None
    attempt = Attempt(content.public_id, 1, AT)
    for each in (content, content.model_copy(update={"paragraphs": ("A test.",)})):
        body = mail(SERVER, ("ops@example.com",), each, attempt).get_body(("html",))
        assert body is not None
        text = body.get_content()
        assert f'<a href="{content.link}">{content.link}</a>' in text
        assert text.count(content.link) == 2


def test_a_mail_server_s_address_is_read() -> None:
    assert (SERVER.host, SERVER.port, SERVER.user, SERVER.password) == ("mail.example.com", 587, "u@x", "p:w")
    assert "p:w" not in repr(SERVER)


def test_an_alert_of_alertmanager_ends_by_the_labels_it_began_with() -> None:
    config = AlertmanagerConfig(url="http://am:9093", labels={"team": "mail"})
    (began,) = alerts(config, outage(Event.OPENED, incident()))
    (ended,) = alerts(config, outage(Event.RESOLVED, incident(resolved_at=AT, resolution="recovered")))
    assert began["labels"] == ended["labels"]
    assert began["labels"]["team"] == "mail"
    assert (began["startsAt"], ended["endsAt"]) == ("2027-01-15T07:55:00.000Z", "2027-01-15T08:00:00.000Z")
    assert began["endsAt"] > "2027-12", "it stands though nobody is reminded any more"


async def test_a_password_is_no_part_of_a_reason_in_the_form_it_was_sent_in_either() -> None:
    hidden: list[str] = []

    class Http:
        async def request(self, *_: object, headers: dict[str, str], secrets: list[str], **__: object) -> Sent:
            hidden.extend(redacted(headers["Authorization"], secrets).split())
            return Sent()

    config = AlertmanagerConfig(url="http://am:9093", username="me", password="hunter2hunter2")
    content = outage(Event.OPENED, incident())
    await AlertmanagerSender(cast("OutboundHttp", Http())).send(config, content, Attempt(content.public_id, 1, AT))
    assert hidden == ["Basic", "********"]


def test_a_digest_counts_lists_and_forgets_nobody() -> None:
    told = [outage(Event.OPENED, incident(number), key=str(number)) for number in range(700)]
    told += [outage(Event.RESOLVED, incident(900, resolved_at=AT, resolution="recovered"), key="900")]
    digest = of_digest(told, public_id=uuid4(), now_ms=AT)
    assert digest.title == "700 alerts and 1 recovery, 701 mailboxes in all"
    assert "- and 680 more" in digest.text
    body = webhook_body(digest)
    assert len(json.loads(body)["incidentIds"]) == 701
    assert len(body) < 1_000_000
    assert len(alerts(AlertmanagerConfig(url="http://am"), digest)) == 701


def test_only_a_secret_makes_a_signature_and_a_test_is_no_recovery() -> None:
    content = of_certificate(Certificate(host="mx", port=993, days_left=1), public_id=uuid4(), now_ms=AT)
    assert content.title == "CERTIFICATE: mx:993 expires in 1 day"
    headers = webhook_headers(WebhookConfig(url="https://x/"), content, Attempt(uuid4(), 3, AT), b"{}")
    assert not any("signature" in name.lower() for name in headers)
    assert (headers["X-Webhook-Attempt"], headers["X-Webhook-Event"]) == ("3", "alert")
    assert headers["X-Webhook-Timestamp"] == "2027-01-15T08:00:00.000Z"


def test_reasons_lose_their_secrets_and_control_characters() -> None:
    assert redacted("no \x1b[31m token=abcdef\nabc", ["abcdef", "abc", ""]) == "no [31m token=******** abc"


@pytest.mark.parametrize(
    ("ms", "words"), [(59_000, "59s"), (60_000, "1m"), (3_660_000, "1h 1m"), (90_000_000, "1d 1h")]
)
def test_spans_are_told_in_two_units(ms: int, words: str) -> None:
    assert span(ms) == words
