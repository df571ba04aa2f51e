"""Package configs over HTTP. Whoever is limited to some customers sees the packages that hold for those."""

from aiohttp import web

from services.api_gateway.calls import Call, json_answer
from services.api_gateway.customers.customer_store import list_customers
from services.api_gateway.customers.models import Customer
from services.api_gateway.package_configs.models import ANSWER_ONLY, PackageConfigPatch, PackageConfigs
from services.api_gateway.package_configs.package_store import change_package, list_packages, package_of_customer
from services.api_gateway.problems import Fault, not_found, wrong_fields
from services.api_gateway.reading import read_model
from shared.database.pool import Connection

PATH = "/api/package-configs"
_LONGEST_TYPE = 100


async def show_packages(call: Call) -> web.Response:
    """`GET /api/package-configs`: a bare array."""
    async with call.transaction() as connection:
        only = await _only_of_customers(connection, call)
        return json_answer(PackageConfigs(await list_packages(connection, call.organization_id, only=only)))


async def show_package(call: Call) -> web.Response:
    """`GET /api/package-configs/{packageType}`."""
    package_type = _package_type(call.request)
    async with call.transaction() as connection:
        only = await _only_of_customers(connection, call)
        found = await list_packages(connection, call.organization_id, only=[package_type])
    if not found or (only is not None and package_type not in only):
        raise not_found("Package config")
    return json_answer(found[0])


async def change_package_config(call: Call) -> web.Response:
    """`PATCH /api/package-configs/{packageType}`: as documented, a package that does not exist is made."""
    call.principal.require_admin()
    call.principal.require_organization_wide()
    package_type = _package_type(call.request)
    sent = await read_model(call.request, PackageConfigPatch, ignored=ANSWER_ONLY)
    async with call.transaction() as connection:
        return json_answer(await change_package(connection, call.organization_id, package_type, sent))


async def require_package_interval(connection: Connection, customer: Customer, interval_minutes: float) -> None:
    """Whether a monitor of this customer may be checked so often; raises Problem 400 naming `checkInterval`."""
    package_type, floor = await package_of_customer(connection, customer.organization_id, customer.package_type)
    if floor is not None and interval_minutes < floor:
        detail = f"checkInterval must be at least {floor:g} minutes in the package {package_type}"
        raise wrong_fields([Fault(pointer="/checkInterval", detail=detail)])


async def _only_of_customers(connection: Connection, call: Call) -> set[str] | None:
    if call.principal.customer_ids is None:
        return None
    found = await list_customers(connection, call.organization_id, only=call.principal.customers_wanted())
    packages = {customer.package_type for customer in found}
    return {(await package_of_customer(connection, call.organization_id, each))[0] for each in packages}


def _package_type(request: web.Request) -> str:
    given = request.match_info["packageType"]
    if not given.isprintable() or not given.strip() or len(given) > _LONGEST_TYPE:
        detail = f"packageType must be 1 to {_LONGEST_TYPE} printable characters"
        raise wrong_fields([Fault(pointer="/packageType", detail=detail)])
    return given
