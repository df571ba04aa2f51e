"""Messages as they travel: readable by an operator, and by nobody who expects another type."""

import json
import re
from uuid import UUID, uuid4

import pytest

from shared.broker.envelope import (
    UnreadableMessage,
    job_message,
    news_message,
    presence_message,
    read_jobs,
    read_news,
    read_presence,
    read_results,
    reply_message,
    result_message,
)
from shared.checks.messages import CheckJob, CheckResult, JobBatch, MissedSlots, News, Presence, ResultBatch
from shared.checks.outcome import Outcome
from shared.checks.target import CheckTarget
from shared.checks.vocabulary import CheckKind, MailProtocol, MissedReason, OutcomeKind, Phase

TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01")
SEALED = "sealed-marker"


def a_job(location: str = "fra", not_after: int = 1_772_107_200_000) -> CheckJob:
    return CheckJob(
        check_id=uuid4(),
        kind=CheckKind.SCHEDULED,
        organization_id=1,
        monitor_id=7,
        monitor_public_id=uuid4(),
        revision=1,
        location=location,
        slot_at=not_after - 60_000,
        start_at=not_after - 60_000,
        not_after=not_after,
        interval_ms=60_000,
        target=CheckTarget(protocol=MailProtocol.IMAP, hostname="mail.example", port=993, sealed_password=SEALED),
    )


def a_result(location: str = "fra") -> CheckResult:
    return CheckResult(
        check_id=uuid4(),
        kind=CheckKind.TEST,
        organization_id=1,
        monitor_id=7,
        monitor_public_id=uuid4(),
        revision=1,
        location=location,
        slot_at=1,
        start_at=1,
        started_at=2,
        interval_ms=60_000,
        outcome=Outcome(kind=OutcomeKind.OK, phase=Phase.LOGOUT, message="ok"),
    )


def a_miss(location: str = "fra") -> MissedSlots:
    return MissedSlots(
        organization_id=1,
        monitor_id=7,
        monitor_public_id=uuid4(),
        revision=1,
        location=location,
        first_slot=1,
        last_slot=1,
        interval_ms=60_000,
        reason=MissedReason.STALE,
    )


def test_jobs_are_read_as_they_were_sent() -> None:
    batch = JobBatch(published_at=5, jobs=(a_job(), a_job()))
    message = job_message(batch, lane="now")
    assert (message.exchange, message.routing_key) == ("mailprobe.checks", "imap.fra.now")
    assert read_jobs(message.body, message.type) == batch


def test_the_headers_of_jobs_say_how_many_and_until_when() -> None:
    early, late = 1_772_107_200_000, 1_772_107_200_500
    message = job_message(JobBatch(published_at=5, jobs=(a_job(not_after=late), a_job(not_after=early))), lane="due")
    assert message.headers["x-jobs"] == 2
    assert message.headers["x-not-after"] == "2026-02-26T12:00:00.500Z"
    assert TRACEPARENT.fullmatch(str(message.headers["traceparent"]))
    assert message.correlation_id is None


def test_a_single_job_is_found_by_its_check() -> None:
    job = a_job()
    message = job_message(JobBatch(published_at=5, jobs=(job,)), lane="due")
    assert message.correlation_id == str(job.check_id)
    assert job.check_id.hex in str(message.headers["traceparent"])


def test_the_same_jobs_sent_again_are_another_message() -> None:
    batch = JobBatch(published_at=5, jobs=(a_job(),))
    assert UUID(job_message(batch, lane="due").message_id) != UUID(job_message(batch, lane="retry").message_id)


def test_jobs_of_two_queues_do_not_share_a_message() -> None:
    with pytest.raises(ValueError, match="exactly one queue"):
        job_message(JobBatch(published_at=5, jobs=(a_job("fra"), a_job("ams"))), lane="due")
    with pytest.raises(ValueError, match="exactly one queue"):
        job_message(JobBatch(published_at=5, jobs=()), lane="due")


def test_results_are_read_as_they_were_sent() -> None:
    batch = ResultBatch(results=(a_result(), a_miss()))
    message = result_message(batch)
    assert (message.exchange, message.routing_key) == ("mailprobe.results", "fra")
    assert (message.headers["x-results"], message.headers["x-missed"]) == (1, 1)
    assert read_results(message.body, message.type) == batch


def test_results_of_several_locations_say_so() -> None:
    assert result_message(ResultBatch(results=(a_miss("fra"), a_miss("ams")))).routing_key == "several"
    with pytest.raises(ValueError, match="at least one"):
        result_message(ResultBatch(results=()))


def test_a_reply_goes_to_who_asked() -> None:
    result = a_result()
    message = reply_message(result, reply_to="mailprobe.replies.api_gateway@here:1")
    assert (message.exchange, message.routing_key) == ("mailprobe.replies", "mailprobe.replies.api_gateway@here:1")
    assert message.correlation_id == str(result.check_id)
    assert read_results(message.body, message.type).results == (result,)


def test_presence_is_read_as_it_was_sent() -> None:
    presence = Presence(
        location="fra", location_name="Frankfurt", protocol=MailProtocol.POP3, worker="w@h:1", capacity=10
    )
    message = presence_message(presence)
    assert (message.exchange, message.routing_key) == ("mailprobe.presence", "pop3.fra")
    assert read_presence(message.body, message.type) == presence


def test_fields_of_a_newer_sender_are_ignored() -> None:
    message = job_message(JobBatch(published_at=5, jobs=(a_job(),)), lane="due")
    newer = json.dumps({**json.loads(message.body), "novelty": 1}).encode()
    assert read_jobs(newer, message.type) == read_jobs(message.body, message.type)


def test_another_type_is_not_read() -> None:
    message = job_message(JobBatch(published_at=5, jobs=(a_job(),)), lane="due")
    with pytest.raises(UnreadableMessage, match=r"check-jobs\.v2.*check-jobs\.v1"):
        read_jobs(message.body, "check-jobs.v2")
    with pytest.raises(UnreadableMessage):
        read_results(message.body, message.type)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[]", b"{", b'{"published_at": 1}', b"null"])
def test_what_is_no_message_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableMessage):
        read_jobs(body, "check-jobs.v1")


def test_why_a_message_is_unreadable_names_fields_and_quotes_no_values() -> None:
    document = json.loads(job_message(JobBatch(published_at=5, jobs=(a_job(),)), lane="due").body)
    document["jobs"][0]["target"]["port"] = SEALED
    document["jobs"][0]["target"]["protocol"] = SEALED
    with pytest.raises(UnreadableMessage) as raised:
        read_jobs(json.dumps(document).encode(), "check-jobs.v1")
    assert "jobs.0.target.port" in str(raised.value)
    assert SEALED not in str(raised.value)


def test_news_say_where_to_look_and_nothing_of_what_is_there() -> None:
    news = News(organizations=(1, 2), checks=((7, uuid4(), 1_772_107_200_000),))
    message = news_message(news)
    assert (message.exchange, message.routing_key, message.type) == ("mailprobe.events", "", "news.v1")
    assert read_news(message.body, message.type) == news
    assert set(json.loads(message.body)) == {"organizations", "checks"}
    with pytest.raises(UnreadableMessage):
        read_news(b'{"organizations": ["x"]}', message.type)
