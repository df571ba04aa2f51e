"""Tokens as requests describe them and answers show them."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, RootModel

from services.api_gateway.field_types import (
    AnswerModel,
    Identifier,
    Moment,
    Name,
    NamedCustomer,
    RequestModel,
    ignoring,
)
from services.api_gateway.principal import Role
from services.api_gateway.token_store import TokenFacts

ANSWER_ONLY = frozenset({"id", "publicId", "tokenHint", "createdAt", "expiresAt", "lastUsedAt"})

ExpiresInDays = Annotated[int, Field(ge=1, le=365)]


class OrganizationTokenCreate(RequestModel):
    """A token of the whole organization."""

    model_config = ConfigDict(json_schema_extra=ignoring(ANSWER_ONLY))

    name: Name
    role: Annotated[Role, Field(strict=False)] = Role.ADMIN
    expires_in_days: ExpiresInDays | None = Field(default=None, description="Null: it does not expire.")


class CustomerTokenCreate(RequestModel):
    """A token of one customer."""

    model_config = ConfigDict(json_schema_extra=ignoring(ANSWER_ONLY))

    customer_id: Identifier
    name: Name
    role: Annotated[Role, Field(strict=False)] = Role.USER
    expires_in_days: ExpiresInDays | None = Field(default=None, description="Null: it does not expire.")


class CustomerTokenQuery(RequestModel):
    """Whose tokens are wanted."""

    customer_id: NamedCustomer | None = None


class Token(AnswerModel):
    """A token, without what it is."""

    id: int
    public_id: UUID
    customer_id: int | None = Field(description="Null: the whole organization.")
    name: str
    role: Role
    token_hint: str
    created_at: Moment
    expires_at: Moment | None
    last_used_at: Moment | None


class Tokens(RootModel[list[Token]]):
    """Tokens, oldest first."""


class TokenCreated(Token):
    """The token that was made."""

    token: str = Field(description="Shown this once.")


def token_answer(facts: TokenFacts) -> Token:
    """A token as lists show it."""
    return Token(**_fields(facts))


def created_answer(facts: TokenFacts, token: str) -> TokenCreated:
    """The same, with the token itself."""
    return TokenCreated(**_fields(facts), token=token)


def _fields(facts: TokenFacts) -> dict[str, Any]:
    return {
        "id": facts.id,
        "public_id": facts.public_id,
        "customer_id": facts.customer_id,
        "name": facts.name,
        "role": facts.role,
        "token_hint": facts.token_hint,
        "created_at": facts.created_at,
        "expires_at": facts.expires_at,
        "last_used_at": facts.last_used_at,
    }
