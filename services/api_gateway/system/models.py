"""How mailprobe itself is doing, as an answer shows it. Of the whole installation, whichever organization asks."""

from datetime import date

from pydantic import Field

from services.api_gateway.field_types import AnswerModel, Moment
from shared.broker.queue_depths import Standing
from shared.checks.vocabulary import MailProtocol


class ScheduleStanding(AnswerModel):
    """Whether checks are asked for when they are due; of hundreds of thousands, as it was `at` some seconds ago."""

    scheduled: int = Field(description="Monitors, each at every location that checks it.")
    late: int = Field(description="Of these, whose next check is due and was not asked for.")
    lag_seconds: float = Field(description="For how long the oldest of them has been due; 0 where there is none.")
    scheduler: str | None = Field(description="Who asks; others stand by. Null: nobody ever did.")
    since: Moment | None = Field(description="Since when.")


class ResultStanding(AnswerModel):
    """Whether checks begin when they should, and what they find is stored at once. 95 of 100 took no longer."""

    sampled: int = Field(description="Newest checks of monitors, of the last hour, that this is said of.")
    wait_seconds: float | None = Field(description="From when a check was to begin until a worker began with it.")
    store_seconds: float | None = Field(description="From the end of a check until its result was stored.")
    listening_at: Moment | None = Field(description="When a recorder last listened to signs of life of workers.")


class CanaryStanding(AnswerModel):
    """The newest check of our own at one location: from the scheduler through a worker into the database."""

    location: str
    protocol: MailProtocol
    passed: bool
    message: str
    stored_at: Moment
    took_seconds: float = Field(description="From when it was due until it was stored.")


class QueueStanding(AnswerModel):
    """One queue."""

    name: str
    ready: int = Field(description="Messages that wait for a consumer.")
    unacknowledged: int | None = Field(
        description="Messages that are with one. Null: the gateway was not told, which takes MAILPROBE_MANAGEMENT_URL."
    )
    consumers: int
    standing: Standing
    meaning: str
    console_url: str | None = Field(description="This queue at RabbitMQ's console.")


class QueuesStanding(AnswerModel):
    """What waits in the broker."""

    problem: str | None = Field(description="Why nothing is known of the queues. Null: it is.")
    dead: int = Field(description="Messages nobody could handle, laid aside.")
    console_url: str | None = Field(description="RabbitMQ's console, where MAILPROBE_RABBITMQ_CONSOLE_URL says it.")
    items: list[QueueStanding]


class NotifierStanding(AnswerModel):
    """What people have not been told yet."""

    pending: int = Field(description="Happenings for which nobody's message was planned yet.")
    oldest_at: Moment | None
    unsent: int = Field(description="Messages that are due and were not sent.")
    unsent_since: Moment | None = Field(description="Since when the oldest of them has been due.")
    failed: int = Field(description="Messages given up within the last day.")


class RetentionStanding(AnswerModel):
    """For how long what was found is kept."""

    results_from: date | None = Field(description="The oldest day results are kept of.")
    results_until: date | None = Field(description="The last day there is room made for results.")
    days: int
    bytes: int = Field(description="How much room results take, with their indexes.")
    astray: bool = Field(description="Some results are of days no room was made for.")
    results_days: int = Field(description="For so many days results are kept, one by one.")
    hours_days: int = Field(description="For so many, hours added up.")
    history_days: int = Field(description="For so many, days added up, incidents and messages.")
    audit_days: int = Field(description="For so many, entries of the audit log.")


class SystemState(AnswerModel):
    """Everything an operator asks first."""

    at: Moment
    schedule: ScheduleStanding
    results: ResultStanding
    canaries: list[CanaryStanding]
    queues: QueuesStanding
    notifier: NotifierStanding
    retention: RetentionStanding
