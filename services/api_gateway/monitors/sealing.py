"""Passwords on their way into the database: sealed at once, to the target they are for."""

from dataclasses import replace
from uuid import UUID, uuid4

from services.api_gateway.calls import Call
from services.api_gateway.monitors.description import Description


def with_password(description: Description, password: str | None, call: Call, *, public_id: UUID) -> Description:
    """The description with this password sealed to its target, or as it is where none was sent.

    Each password sent is a credential of its own, even one equal to the last: we could not tell.
    """
    if password is None:
        return description
    context = description.binding(call.organization_id, public_id).context()
    sealed = call.resources.public_keys.seal(password.encode(), context)
    return replace(description, sealed_password=sealed, credential_id=uuid4())
