"""The messages of `shared.checks` as they travel: JSON bodies, and properties an operator can read at the console.

Leaves to the adapters what every message has in common (content type, persistence, `app_id`, `timestamp`).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID, uuid4

from pydantic import ValidationError

from shared.broker.seam import OutgoingMessage
from shared.broker.topology import CHECKS, EVENTS, PRESENCE, REPLIES, RESULTS, checks_key
from shared.checks.messages import (
    JOBS_TYPE,
    NEWS_TYPE,
    PRESENCE_TYPE,
    RESULTS_TYPE,
    CheckJob,
    CheckResult,
    JobBatch,
    MissedSlots,
    News,
    Presence,
    ResultBatch,
    WrittenJob,
)
from shared.checks.target import Message

_Body = TypeVar("_Body", bound=Message)
_MISTAKES_NAMED = 5


class UnreadableMessage(Exception):
    """A message is not what its type says; the text names the fields and repeats none of their values."""


def job_message(batch: JobBatch, *, lane: str) -> OutgoingMessage:
    """Jobs of one protocol and location, to one of its lanes."""
    keys = {checks_key(job.target.protocol, job.location, lane) for job in batch.jobs}
    if len(keys) != 1:
        raise ValueError(f"a message carries jobs of exactly one queue, not of {len(keys)}")
    return _jobs_message(batch.model_dump_json(), batch.jobs, routing_key=keys.pop())


def written_jobs_message(
    jobs: Sequence[WrittenJob], *, published_at: int, protocol: str, location: str, lane: str
) -> OutgoingMessage:
    """The same of jobs written already, which are of this queue."""
    if not jobs:
        raise ValueError("a message carries at least one job")
    content = f'{{"published_at":{published_at},"jobs":[{",".join([job.text for job in jobs])}]}}'
    return _jobs_message(content, jobs, routing_key=checks_key(protocol, location, lane))


def result_message(batch: ResultBatch) -> OutgoingMessage:
    """Results for the recorder. The key is the location, so that a worker's user can be confined to its own."""
    if not batch.results:
        raise ValueError("a message carries at least one result")
    locations = {result.location for result in batch.results}
    missed = sum(result.type == "missed" for result in batch.results)
    return _message(
        batch,
        exchange=RESULTS,
        routing_key=locations.pop() if len(locations) == 1 else "several",
        type_=RESULTS_TYPE,
        about=batch.results[0].check_id if len(batch.results) == 1 else None,
        headers={"x-results": len(batch.results) - missed, "x-missed": missed},
    )


def reply_message(result: CheckResult | MissedSlots, *, reply_to: str) -> OutgoingMessage:
    """The answer to one asked check, straight to who asked; unroutable when they have gone."""
    return _message(
        ResultBatch(results=(result,)),
        exchange=REPLIES,
        routing_key=reply_to,
        type_=RESULTS_TYPE,
        about=result.check_id,
        headers={},
    )


def presence_message(presence: Presence) -> OutgoingMessage:
    """A worker's sign of life."""
    return _message(
        presence,
        exchange=PRESENCE,
        routing_key=f"{presence.protocol}.{presence.location}",
        type_=PRESENCE_TYPE,
        about=None,
        headers={"x-worker": presence.worker},
    )


def news_message(news: News) -> OutgoingMessage:
    """Something to look at, for every gateway."""
    return _message(news, exchange=EVENTS, routing_key="", type_=NEWS_TYPE, about=None, headers={})


def read_jobs(body: bytes, type: str) -> JobBatch:  # noqa: A002 - the property's name
    """Raises UnreadableMessage."""
    return _read(JobBatch, body, type, JOBS_TYPE)


def read_results(body: bytes, type: str) -> ResultBatch:  # noqa: A002 - the property's name
    """Results as the recorder gets them, and replies as the gateway does. Raises UnreadableMessage."""
    return _read(ResultBatch, body, type, RESULTS_TYPE)


def read_presence(body: bytes, type: str) -> Presence:  # noqa: A002 - the property's name
    """Raises UnreadableMessage."""
    return _read(Presence, body, type, PRESENCE_TYPE)


def read_news(body: bytes, type: str) -> News:  # noqa: A002 - the property's name
    """Raises UnreadableMessage."""
    return _read(News, body, type, NEWS_TYPE)


def _jobs_message(
    content: str, jobs: Sequence[CheckJob] | Sequence[WrittenJob], *, routing_key: str
) -> OutgoingMessage:
    last_start = max(job.not_after for job in jobs)
    return _message(
        content,
        exchange=CHECKS,
        routing_key=routing_key,
        type_=JOBS_TYPE,
        about=jobs[0].check_id if len(jobs) == 1 else None,
        headers={"x-jobs": len(jobs), "x-not-after": _readable_time(last_start)},
    )


def _message(
    content: Message | str,
    *,
    exchange: str,
    routing_key: str,
    type_: str,
    about: UUID | None,
    headers: Mapping[str, str | int],
) -> OutgoingMessage:
    message_id = uuid4()
    trace = (about or message_id).hex
    return OutgoingMessage(
        exchange=exchange,
        routing_key=routing_key,
        body=(content if isinstance(content, str) else content.model_dump_json()).encode(),
        type=type_,
        message_id=str(message_id),
        correlation_id=str(about) if about else None,
        # W3C trace context: a check is one trace, from the job to its result.
        headers={"traceparent": f"00-{trace}-{message_id.hex[16:]}-01", **headers},
    )


def _read(model: type[_Body], body: bytes, type_: str, expected: str) -> _Body:
    if type_ != expected:
        raise UnreadableMessage(f"the message is of type {type_!r}, not {expected!r}")
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        # Without the inputs: a result may quote a server, a job carries a sealed password.
        mistakes = error.errors(include_url=False, include_context=False, include_input=False)
        named = "; ".join(
            f"{'.'.join(str(part) for part in mistake['loc']) or 'body'}: {mistake['msg']}"
            for mistake in mistakes[:_MISTAKES_NAMED]
        )
        raise UnreadableMessage(f"the message does not read as {expected}: {named}") from None


def _readable_time(epoch_ms: int) -> str:
    moment = datetime.fromtimestamp(epoch_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
