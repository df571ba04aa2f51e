"""What the sending loop knows of a sender, and what a sender knows of a channel."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from services.notifier.content import Content
from services.notifier.persistence import SendOutcome
from shared.notifications.channel_models import ChannelConfig

# Everything about one try, from the name look-up to the receiver's answer. A lease is longer.
TRY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try. `public_id` is the idempotency key, the same at each; `number` counts from 1; `at_ms` is now."""

    public_id: UUID
    number: int
    at_ms: int


class Sender(Protocol):
    """Sends to channels of one type."""

    async def send(self, config: ChannelConfig, content: Content, attempt: Attempt) -> SendOutcome: ...


def redacted(text: str, secrets: list[str]) -> str:
    """What a receiver said, without what we told it in confidence, on one line."""
    for secret in sorted((each for each in secrets if len(each) >= 4), key=len, reverse=True):
        text = text.replace(secret, "********")
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:300]
