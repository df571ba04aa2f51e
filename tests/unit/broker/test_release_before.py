"""Two releases side by side understand each other: what the one before wrote is read, what we write it can read."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from shared.broker.envelope import (
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
from shared.broker.seam import OutgoingMessage
from shared.checks import vocabulary
from shared.checks.target import Message
from tests.support.release_before import MESSAGES, assert_readable, message, words


def written_again(name: str) -> OutgoingMessage:
    """What that message is read as, written by this release."""
    before = message(name)
    body, kind = json.dumps(before["body"]).encode(), before["type"]
    match name.partition("-")[0]:
        case "jobs":
            return job_message(read_jobs(body, kind), lane=before["routing_key"].rpartition(".")[2])
        case "results":
            return result_message(read_results(body, kind))
        case "reply":
            (result,) = read_results(body, kind).results
            return reply_message(result, reply_to=before["routing_key"])
        case "presence":
            return presence_message(read_presence(body, kind))
        case "news":
            return news_message(read_news(body, kind))
    raise AssertionError(name)


def without_news(written: Any, before: Any) -> Any:
    """Only what the release before wrote as well."""
    match written, before:
        case dict(), dict():
            return {name: without_news(written[name], before[name]) for name in before}
        case list(), list():
            return [without_news(one, other) for one, other in zip(written, before, strict=True)]
    return written


def test_every_kind_of_message_is_kept() -> None:
    assert {name.partition("-")[0] for name in MESSAGES} == {"jobs", "results", "reply", "presence", "news"}


@pytest.mark.parametrize("name", MESSAGES)
def test_what_the_release_before_wrote_is_read_whole_and_what_we_write_it_can_read(name: str) -> None:
    before, now = message(name), written_again(name)
    body = json.loads(now.body)
    assert_readable(body, before["body"])
    assert without_news(body, before["body"]) == before["body"], "something is lost or means something else"
    assert (now.exchange, now.routing_key, now.type) == (before["exchange"], before["routing_key"], before["type"])
    assert set(before["headers"]) <= set(now.headers)


@pytest.mark.parametrize("name", MESSAGES)
def test_what_a_later_release_adds_is_passed_over(name: str) -> None:
    def richer(value: Any) -> Any:
        match value:
            case dict() if set(value) & {"check_id", "kind", "worker", "hostname", "results", "jobs", "organizations"}:
                return {**{name: richer(each) for name, each in value.items()}, "of_a_later_release": {"x": [1]}}
            case list():
                return [richer(each) for each in value]
        return value

    before = message(name)
    body = richer(before["body"])
    assert "of_a_later_release" in json.dumps(body)
    readers: dict[str, Callable[[bytes, str], Message]] = {
        "jobs": read_jobs,
        "presence": read_presence,
        "news": read_news,
    }
    read = readers.get(name.partition("-")[0], read_results)
    plain = read(json.dumps(before["body"]).encode(), before["type"])
    assert read(json.dumps(body).encode(), before["type"]) == plain


@pytest.mark.parametrize("kind", sorted(words()))
def test_no_word_is_new_to_the_release_before(kind: str) -> None:
    """A reader of that release lays a message with an unknown word aside.

    A new word has to travel as canaries do, in messages of its own and only to who said that it knows them, or wait
    for a release that reads it without writing it.
    """
    assert [str(word) for word in getattr(vocabulary, kind)] == words()[kind]


@pytest.mark.parametrize("missing", ["target", "check_id", "location"])
def test_a_reader_of_the_release_before_misses_what_is_gone(missing: str) -> None:
    before = message("jobs-scheduled")["body"]
    now = json.loads(json.dumps(before))
    del now["jobs"][0][missing]
    with pytest.raises(AssertionError, match=missing):
        assert_readable(now, before)
    with pytest.raises(AssertionError, match="check_id"):
        assert_readable({**before, "jobs": [{**before["jobs"][0], "check_id": 7}]}, before)
    assert UUID(before["jobs"][0]["check_id"])
