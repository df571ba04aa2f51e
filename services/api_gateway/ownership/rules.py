"""What a request says of who manages a thing, laid over what is stored."""

from services.api_gateway.ownership.models import OwnedFields
from services.api_gateway.ownership.ownership_store import NOBODY, Owned, Ownership, key_is_taken, set_ownership
from services.api_gateway.problems import Fault, wrong_fields
from shared.database.pool import Connection


def wanted_ownership(sent: OwnedFields, stored: Ownership) -> Ownership:
    """Who manages it after the request; raises Problem 400 where a key is left without a manager.

    A manager that is taken away, or becomes another one, takes the old key along.
    """
    told = sent.model_fields_set
    managed_by = sent.managed_by if "managed_by" in told else stored.managed_by
    kept = stored.external_key if managed_by == stored.managed_by else None
    key = sent.external_key if "external_key" in told else kept
    if key is not None and managed_by is None:
        raise wrong_fields([Fault(pointer="/externalKey", detail="externalKey needs managedBy beside it")])
    return Ownership(managed_by=managed_by, external_key=key)


async def own(
    connection: Connection,
    organization_id: int,
    owned: Owned,
    number: int,
    sent: OwnedFields,
    stored: Ownership = NOBODY,
) -> bool:
    """Write what a request says of who manages a thing; whether that changed. Raises Problem 400 for a taken key."""
    wanted = wanted_ownership(sent, stored)
    if wanted == stored:
        return False
    if await key_is_taken(connection, organization_id, owned, wanted, own_id=number):
        said = "externalKey is another one's of this manager"
        raise wrong_fields([Fault(pointer="/externalKey", detail=said)])
    await set_ownership(connection, organization_id, owned, number, wanted)
    return True
