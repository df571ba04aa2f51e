"""The two fields by which configuration files know again what they made, in requests and answers."""

from typing import Annotated

from pydantic import AfterValidator, Field

from services.api_gateway.field_types import AnswerModel, RequestModel, one_line, said

ManagedBy = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(said), AfterValidator(one_line)]
ExternalKey = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(said), AfterValidator(one_line)]


class OwnedFields(RequestModel):
    """What a manager says of what it makes. Null, the default: it is made by hand."""

    managed_by: ManagedBy | None = Field(
        default=None, description="Whose configuration it comes from; `mailprobe apply --prune` removes no other's."
    )
    external_key: ExternalKey | None = Field(default=None, description="Its name there; one of a kind per manager.")


class OwnedAnswer(AnswerModel):
    """Who manages it, as answers say it."""

    managed_by: str | None = Field(default=None, description="Whose configuration it comes from; null: nobody's.")
    external_key: str | None = Field(default=None, description="Its name there.")
