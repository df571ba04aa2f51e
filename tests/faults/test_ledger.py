"""The comparison of the books notices what does not fit: a judge that never says no proves nothing."""

import json

import pytest

from shared.checks.vocabulary import MailProtocol
from tests.support.faults.farm import Mailbox
from tests.support.faults.ledger import Incident, judge_incidents, judge_notices
from tests.support.receivers import Request


def a_box(name: str, *, outages: int) -> Mailbox:
    return Mailbox(name, MailProtocol.IMAP, host="127.0.0.1", outages=outages, monitor=f"monitor of {name}")


def an_incident(number: int, of: str = "frail", *, is_open: bool = False, quiet: bool = False) -> Incident:
    return Incident(number, f"incident {number}", f"monitor of {of}", "connection_reset", is_open, quiet)


def a_notice(key: str, event: str, incident: int = 1, *, status: str = "open", words: str = "") -> Request:
    body = {"event": event, "words": words, "incidents": [{"publicId": f"incident {incident}", "status": status}]}
    return Request("/hook", {"webhook-id": key}, json.dumps(body).encode())


OPENED = a_notice("a", "incident.created")
RESOLVED = a_notice("b", "incident.resolved", status="resolved")


def test_an_incident_for_each_outage_is_as_it_should_be() -> None:
    boxes = [a_box("frail", outages=2), a_box("sound", outages=0)]
    assert judge_incidents([an_incident(1), an_incident(2)], boxes) == []


@pytest.mark.parametrize(
    "incidents",
    [[an_incident(1, "sound")], [an_incident(1), an_incident(2)], [an_incident(1, "nobody")]],
    ids=["never down", "one outage confirmed twice", "of a monitor nobody knows"],
)
def test_a_false_incident_is_noticed(incidents: list[Incident]) -> None:
    assert len(judge_incidents(incidents, [a_box("frail", outages=1), a_box("sound", outages=0)])) == 1


def test_what_was_told_once_and_in_order_is_as_it_should_be() -> None:
    assert judge_notices([an_incident(1)], [OPENED, RESOLVED]) == ([], 0)
    assert judge_notices([an_incident(1, is_open=True)], [OPENED]) == ([], 0)
    assert judge_notices([an_incident(1, quiet=True)], []) == ([], 0)


def test_a_digest_may_tell_the_beginning_and_the_end_at_once() -> None:
    assert judge_notices([an_incident(1)], [a_notice("d", "digest", status="resolved")]) == ([], 0)


def test_what_is_told_again_under_its_key_is_counted_and_no_fault() -> None:
    assert judge_notices([an_incident(1)], [OPENED, OPENED, RESOLVED]) == ([], 1)
    assert judge_notices([an_incident(1)], [OPENED, RESOLVED], [OPENED, OPENED, OPENED, RESOLVED]) == ([], 2)


@pytest.mark.parametrize(
    ("requests", "said"),
    [
        ([OPENED], "told ['open'], not ['open', 'resolved']"),
        ([], "told [], not ['open', 'resolved']"),
        ([RESOLVED, OPENED], "told in the order ['resolved', 'open']"),
        ([OPENED, a_notice("a", "incident.created", words="others"), RESOLVED], "message a came with other words"),
        ([OPENED, a_notice("c", "incident.created"), RESOLVED], "told open under 2 keys"),
        ([OPENED, RESOLVED, a_notice("c", "incident.created", 7)], "incident incident 7 was told and is not in"),
    ],
    ids=["no end", "nothing", "the end first", "other words", "two keys", "of nothing"],
)
def test_what_was_told_otherwise_is_noticed(requests: list[Request], said: str) -> None:
    faults, _ = judge_notices([an_incident(1)], requests)
    assert any(said in fault for fault in faults), faults
