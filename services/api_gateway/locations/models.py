"""Locations as answers show them."""

from pydantic import Field, RootModel

from services.api_gateway.field_types import AnswerModel, Moment
from shared.checks.vocabulary import MailProtocol


class ProtocolAtLocation(AnswerModel):
    """Who is there to check one protocol."""

    protocol: MailProtocol
    live: bool
    workers: int = Field(description="Not silent for two minutes, of the time somebody was listening.")
    capacity: int = Field(description="How many checks these can make at once.")
    in_flight: int = Field(description="How many they were making when last heard of.")
    last_seen_at: Moment


class Location(AnswerModel):
    """A place checks are made from."""

    id: int
    code: str
    name: str
    country: str | None = Field(description="ISO 3166-1, two letters.")
    last_seen_at: Moment | None = Field(description="Null: never heard of.")
    live: bool = Field(description="Some protocol is checked from here now.")
    protocols: list[ProtocolAtLocation]


class Locations(RootModel[list[Location]]):
    """All locations, in the order they were first heard of."""
