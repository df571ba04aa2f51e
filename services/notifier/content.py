"""What a message says: facts and words, fixed when it is told, so that every try says the same.

Provides the values that are stored with a delivery and that senders put into their receivers' form. Finding the words
is `wording`'s.
"""

from datetime import UTC, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from services.notifier.vocabulary import GOOD_NEWS, Event

# So many incidents are described one by one; of the others the number and the ids are told.
MOST_DESCRIBED = 200


class Fixed(BaseModel):
    model_config = ConfigDict(frozen=True)


class Incident(Fixed):
    """One mailbox's outage as it was when the message was told; times in ms."""

    id: int
    public_id: UUID
    customer_id: int
    customer_name: str | None = None
    monitor_id: int
    monitor_public_id: UUID
    monitor_name: str
    protocol: str
    host: str
    user_name: str | None = None
    kind: str
    phase: str
    message: str
    hint: str | None = None
    server_words: str | None = None
    started_at: int
    opened_at: int
    resolved_at: int | None = None
    recovered_at: int | None = None
    resolution: str | None = None


class Certificate(Fixed):
    """A certificate that ends soon."""

    host: str
    port: int
    fingerprint: str | None = None
    subject: str | None = None
    issuer: str | None = None
    not_after_ms: int | None = None
    days_left: int
    days: int | None = None


class Newcomer(Fixed):
    """A monitor that fails and has never passed. message: why, the last time."""

    name: str
    protocol: str
    hostname: str
    user_name: str | None = None
    message: str | None = None


class Part(Fixed):
    """One outage within a message: what alarm services keep an alarm of."""

    event: Event
    key: str  # the same for all that is told of one outage
    host: str
    layer: str | None
    title: str
    started_at: int | None


class Content(Fixed):
    """A message. `incident_ids`: all it tells of, described or not."""

    event: Event
    public_id: UUID
    at: int
    good_news: bool
    title: str
    paragraphs: tuple[str, ...]
    link: str | None = None
    parts: tuple[Part, ...] = ()
    incidents: tuple[Incident, ...] = ()
    incident_ids: tuple[UUID, ...] = ()
    certificate: Certificate | None = None

    @property
    def text(self) -> str:
        """Everything but the title, for people."""
        return "\n\n".join(self.paragraphs)


def is_good_news(event: Event) -> bool:
    return event in GOOD_NEWS


def moment(at_ms: int) -> str:
    """A time for people."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def iso(at_ms: int) -> str:
    """A time for programs."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def span(ms: int) -> str:
    """How long something took, in its two largest units."""
    seconds = max(0, ms) // 1000
    for unit, name, smaller, smaller_name in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if seconds >= unit:
            rest = seconds % unit // smaller
            return f"{seconds // unit}{name} {rest}{smaller_name}" if rest else f"{seconds // unit}{name}"
    return f"{seconds}s"
