"""Checks made of rows: what they are called, when they begin and end, and what is said of slots nobody made."""

from uuid import UUID

import structlog.testing

from services.scheduler.candidates import missed_slots, passed_over, request_check, slot_check
from services.scheduler.known_targets import KnownTargets
from shared.checks.slots import check_id
from shared.checks.vocabulary import CheckKind, MissedReason
from tests.support.scheduled_checks import CREDENTIAL, HERE, INTERVAL, MONITOR, SLOT, asked, check, claimed


def test_a_slot_is_a_check_of_its_own_name_and_time() -> None:
    made = check()
    assert made.check_id == check_id(MONITOR, "here", SLOT)
    assert (made.kind, made.location, made.location_id) == (CheckKind.SCHEDULED, "here", 3)
    assert (made.slot_at, made.start_at, made.give_up_at, made.interval_ms) == (SLOT, SLOT, SLOT + INTERVAL, INTERVAL)
    assert (made.organization_id, made.monitor_id, made.monitor_public_id, made.revision) == (2, 5, MONITOR, 4)
    assert (made.target.hostname, made.credential_id) == ("Mail.Example", CREDENTIAL)
    assert made.proven
    assert made.ever_accepted
    assert not made.waited


def test_of_a_login_nothing_is_known_of_nothing_is_assumed() -> None:
    made = check(proven=None, ever_accepted=None)
    assert not made.proven
    assert not made.ever_accepted


def test_a_monitor_of_the_other_protocol_or_one_that_cannot_be_read_is_no_check() -> None:
    other = {"protocol": "pop3", "user": "anna", "tls": True}
    assert slot_check(claimed(config=other), HERE, KnownTargets()) is None
    assert slot_check(claimed(config=None), HERE, KnownTargets()) is None
    assert slot_check(claimed(hostname=None), HERE, KnownTargets()) is None


def test_the_next_slot_passes_over_none() -> None:
    assert passed_over(claimed(was=SLOT - INTERVAL), "here") is None


def test_one_slot_passed_over_has_a_name_and_many_have_none() -> None:
    one = passed_over(claimed(was=SLOT - 2 * INTERVAL), "here")
    assert one is not None
    assert (one.first_slot, one.last_slot, one.count) == (SLOT - INTERVAL, SLOT - INTERVAL, 1)
    assert one.check_id == check_id(MONITOR, "here", SLOT - INTERVAL)
    assert one.reason is MissedReason.OUTAGE
    some = passed_over(claimed(was=SLOT - 4 * INTERVAL), "here")
    assert some is not None
    assert (some.first_slot, some.last_slot, some.count) == (SLOT - 3 * INTERVAL, SLOT - INTERVAL, 3)
    assert some.check_id is None


def test_missed_slots_say_whose_they_are() -> None:
    said = missed_slots(claimed(), "here", SLOT, 2, MissedReason.UNANSWERED)
    assert (said.organization_id, said.monitor_id, said.monitor_public_id, said.revision) == (2, 5, MONITOR, 4)
    assert (said.location, said.interval_ms, said.last_slot) == ("here", INTERVAL, SLOT + INTERVAL)
    assert said.reason is MissedReason.UNANSWERED


def test_what_was_asked_for_keeps_its_own_name_and_times() -> None:
    made, impossible = request_check(asked(reply_to="amq.gen", waits_for="busy"))
    assert impossible is None
    assert (made.check_id, made.kind) == (UUID(int=11), CheckKind.TRIGGER)
    assert (made.slot_at, made.start_at, made.give_up_at) == (SLOT, SLOT + 1, SLOT + 2)
    assert (made.revision, made.location, made.credential_id) == (4, "here", CREDENTIAL)
    assert (made.waited, made.waits_for, made.reply_to) == (True, MissedReason.BUSY, "amq.gen")
    assert request_check(asked())[0].waits_for is None
    assert request_check(asked(interval_ms=30_000))[0].interval_ms == 30_000


def test_of_what_is_known_of_a_login_a_request_knows_the_same() -> None:
    assert request_check(asked())[0].proven
    assert request_check(asked())[0].ever_accepted
    assert not request_check(asked(proven=None))[0].proven
    assert not request_check(asked(ever_accepted=None))[0].ever_accepted


def test_whose_monitor_is_gone_is_missed_as_such_under_the_revision_it_was_published_with() -> None:
    made, impossible = request_check(asked(stands=False, revision=None, interval_ms=None))
    assert impossible is MissedReason.DELETED
    assert (made.revision, made.target.hostname) == (3, "")
    assert request_check(asked(stands=False, revision=None, published_revision=None))[0].revision == 0


def test_whose_monitor_cannot_be_read_is_missed_as_unanswered() -> None:
    assert request_check(asked(config=None))[1] is MissedReason.UNANSWERED


def test_a_test_brings_its_target_and_its_credential() -> None:
    target = check().target.model_dump(mode="json")
    made, impossible = request_check(asked(kind="test", target=target, stands=False))
    assert impossible is None
    assert (made.target, made.credential_id) == (check().target, UUID(int=10))
    unreadable, why = request_check(asked(kind="test", target={"nonsense": True}))
    assert why is MissedReason.UNANSWERED
    assert unreadable.target.hostname == ""


def test_what_cannot_be_read_is_said_without_its_secrets() -> None:
    for unreadable in (claimed(hostname=None), claimed(port="sealed")):
        with structlog.testing.capture_logs() as said:
            assert slot_check(unreadable, HERE, KnownTargets()) is None
        assert [each["event"] for each in said] == ["target_unreadable"]
        assert said[0]["monitor_id"] == 5
        assert "sealed" not in repr(said)
    with structlog.testing.capture_logs() as said:
        request_check(asked(kind="test", target={"sealed_password": "sealed"}))
    assert len(said) == 1
    assert "'sealed'" not in repr(said)
