"""Rows held while a condition is judged, until the transaction ends: two writers cannot both pass.

The locks let rows be made that point at what is held (`NO KEY`). What is not there holds nothing; showing it says so.
"""

from uuid import UUID

from services.api_gateway.calls import Call
from services.api_gateway.identifiers import read_identifier, read_uuid
from services.api_gateway.maintenance.window_store import hold_window
from shared.database.pool import Connection

_HOLD = "SELECT FROM {table} WHERE organization_id = $1 AND {column} = $2 FOR NO KEY UPDATE"
_PACKAGE = _HOLD.format(table="package_configs", column="package_type")


async def monitor_held(call: Call, connection: Connection) -> None:
    """The monitor of an address."""
    await _hold(call, connection, "monitors", read_uuid(call.request.match_info["publicId"]))


async def customer_held(call: Call, connection: Connection) -> None:
    """The customer of an address."""
    await _hold(call, connection, "customers", read_uuid(call.request.match_info["publicId"]))


async def channel_held(call: Call, connection: Connection) -> None:
    """The notification channel of an address."""
    await _hold(call, connection, "notification_channels", read_identifier(call.request.match_info["id"]))


async def tag_held(call: Call, connection: Connection) -> None:
    """The tag of an address."""
    await _hold(call, connection, "tags", read_identifier(call.request.match_info["id"]))


async def package_held(call: Call, connection: Connection) -> None:
    """The package of an address."""
    package_type = call.request.match_info["packageType"]
    if package_type.isprintable():
        await connection.execute(_PACKAGE, call.organization_id, package_type)


async def user_held(call: Call, connection: Connection) -> None:
    """The person of an address."""
    await _hold(call, connection, "users", read_uuid(call.request.match_info["publicId"]))


async def organization_held(call: Call, connection: Connection) -> None:
    """The organization the call is about."""
    await connection.execute("SELECT FROM organizations WHERE id = $1 FOR NO KEY UPDATE", call.organization_id)


async def status_page_held(call: Call, connection: Connection) -> None:
    """The status page of an address."""
    await _hold(call, connection, "status_pages", read_uuid(call.request.match_info["publicId"]))


async def window_held(call: Call, connection: Connection) -> None:
    """The maintenance window of an address; in the order its own changes take locks."""
    identifier = read_identifier(call.request.match_info["id"])
    if identifier is not None:
        await hold_window(connection, call.organization_id, identifier)


async def _hold(call: Call, connection: Connection, table: str, identifier: int | UUID | None) -> None:
    if identifier is None:
        return
    column = "public_id" if isinstance(identifier, UUID) else "id"
    await connection.execute(_HOLD.format(table=table, column=column), call.organization_id, identifier)
