"""The question for a mailbox's servers, and the answer."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from services.api_gateway.discovery.addresses import MailAddress, NotAnAddress, mail_address
from services.api_gateway.field_types import AnswerModel, RequestModel, wrong
from shared.checks.vocabulary import MailProtocol, Security


class Source(StrEnum):
    """Who says so, the most trustworthy first."""

    SRV = "srv"
    AUTOCONFIG = "autoconfig"
    PROVIDER = "provider"
    GUESS = "guess"


def _address(value: str) -> str:
    try:
        mail_address(value)
    except NotAnAddress as error:
        raise wrong(f"{{field}} {error}") from None
    return value


class DiscoveryWanted(RequestModel):
    """A mailbox's address. Its password is neither needed nor taken."""

    address: Annotated[
        str,
        Field(min_length=3, max_length=254, examples=["anna@example.com"], json_schema_extra={"format": "email"}),
        AfterValidator(_address),
    ]

    @property
    def parts(self) -> MailAddress:
        return mail_address(self.address)


class Provider(AnswerModel):
    """Who runs the mailbox, where that is known."""

    name: str
    advice: str | None = Field(description="What has to be done before a check can log in; null: nothing is known of.")
    help_url: str | None


class Candidate(AnswerModel):
    """One way in."""

    protocol: MailProtocol
    hostname: str
    port: int
    security: Security
    user: str = Field(description="Whom to log in as.")
    source: Source
    warning: str | None = Field(default=None, description="Why not to follow it blindly; null: nothing is against it.")


class Discovered(AnswerModel):
    """What was found, the best first."""

    address: str
    provider: Provider | None
    candidates: list[Candidate]
