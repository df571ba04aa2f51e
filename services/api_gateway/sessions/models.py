"""Signing in and one's own account, as requests say it and answers show it."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, RootModel

from services.api_gateway.field_types import AnswerModel, Email, Moment, Name, RequestModel
from services.api_gateway.people.models import LinkToken, NewPassword
from services.api_gateway.people.passwords import LONGEST_PASSWORD
from services.api_gateway.principal import GlobalRole, Role

Password = Annotated[str, Field(min_length=1, max_length=LONGEST_PASSWORD, json_schema_extra={"format": "password"})]


class SignIn(RequestModel):
    """Who wants in."""

    email: Email
    password: Password


class SetUp(RequestModel):
    """The first person."""

    token: LinkToken
    email: Email
    name: Name
    password: NewPassword


class Acceptance(RequestModel):
    """Somebody opens the link of an invitation, or to a new password."""

    token: LinkToken
    name: Name | None = Field(default=None, description="Null: as the invitation says.")
    password: NewPassword


def _without_defaults(schema: dict[str, Any]) -> None:
    for described in schema["properties"].values():
        described.pop("default", None)


class OwnPatch(RequestModel):
    """Any of these fields of oneself."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    name: Name = ""
    current_password: Password | None = Field(default=None, description="Required beside newPassword.")
    new_password: NewPassword | None = None


class SignedIn(AnswerModel):
    """The person who is signed in."""

    public_id: UUID
    email: str
    name: str
    role: Role
    global_role: GlobalRole | None
    customer_ids: list[int] | None = Field(description="Null: every customer.")
    organization_id: int = Field(description="The one the person belongs to.")


class ActingFor(AnswerModel):
    """The organization this request is about."""

    id: int
    name: str


class SessionState(AnswerModel):
    """Who asks."""

    authenticated: bool
    set_up_needed: bool = Field(description="Nobody can sign in yet: the set-up link is the way in.")
    insecure: bool = Field(description="Browsers reach us by plain http: whoever listens on the way can read along.")
    user: SignedIn | None = Field(description="Null: nobody, or a token.")
    organization: ActingFor | None


class OwnSession(AnswerModel):
    """A browser somebody is signed in with."""

    public_id: UUID
    address: str
    user_agent: str
    created_at: Moment
    last_seen_at: Moment
    expires_at: Moment
    current: bool = Field(description="The one this request came by.")


class OwnSessions(RootModel[list[OwnSession]]):
    """Where one is signed in, the last used first."""


class SignedOut(AnswerModel):
    """The session has ended."""

    success: Literal[True] = True


class SignOutQuery(RequestModel):
    """Which sessions to end."""

    everywhere: bool = Field(default=False, description="All of one's own, in every browser.")
