"""The operations on package configs."""

from services.api_gateway.manners.entity_tags import Tagged
from services.api_gateway.manners.holding_store import package_held
from services.api_gateway.operation import Operation
from services.api_gateway.package_configs import handlers
from services.api_gateway.package_configs.models import PackageConfig, PackageConfigPatch, PackageConfigs

_PACKAGE = f"{handlers.PATH}/{{packageType}}"
_WRONG_TYPE = "The package type is too long or not printable."

PACKAGE_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path=handlers.PATH,
        name="listPackageConfigs",
        summary="The packages a token may see.",
        handler=handlers.show_packages,
        answers={200: PackageConfigs},
    ),
    Operation(
        method="GET",
        path=_PACKAGE,
        name="getPackageConfig",
        summary="One package.",
        handler=handlers.show_package,
        tagged=Tagged(state=frozenset({"usedByCustomerCount"}), hold=package_held),
        answers={200: PackageConfig},
        problems={400: _WRONG_TYPE, 404: "`Package config not found`"},
    ),
    Operation(
        method="PATCH",
        path=_PACKAGE,
        name="changePackageConfig",
        summary="Change a package, or make it; for admins.",
        handler=handlers.change_package_config,
        dry_run=True,
        body=PackageConfigPatch,
        answers={200: PackageConfig},
        problems={
            400: f"{_WRONG_TYPE} Or: every wrong field is named in `errors`.",
            403: "The token's role or scope does not allow it.",
        },
    ),
)
