"""The table `package_configs`. The gateway is its only writer.

A customer's package is the row of its package type; `standard` where there is none.
"""

from collections.abc import Collection
from typing import Any

from services.api_gateway.package_configs.models import KEPT, PackageConfig, PackageConfigPatch
from shared.database.pool import Connection

STANDARD = "standard"

_COLUMNS = (
    "display_name",
    "alert_consecutive_checks",
    "alert_location_threshold",
    "alert_location_threshold_count",
    "retry_interval_seconds",
    "notification_delay_minutes",
    "reminder_delay_minutes",
    "alert_reminder_interval",
    "check_interval_minutes",
    "check_locations",
    "data_retention_months",
    "enable_email_alerts",
)

# A package is used by the customers that name it, `standard` also by those whose own does not exist.
_LIST = f"""
    SELECT p.id, p.package_type, {", ".join(f"p.{name}" for name in _COLUMNS)}, p.kept, p.created_at, p.updated_at,
        (SELECT count(*) FROM customers c
         WHERE c.organization_id = p.organization_id
           AND (c.package_type = p.package_type
                OR p.package_type = '{STANDARD}' AND NOT EXISTS (
                    SELECT FROM package_configs own
                    WHERE own.organization_id = c.organization_id AND own.package_type = c.package_type))
        ) AS used_by_customer_count
    FROM package_configs p
    WHERE p.organization_id = $1 AND ($2::text[] IS NULL OR p.package_type = ANY ($2))
    ORDER BY p.id"""  # noqa: S608 - our constants

_OF_CUSTOMER = f"""
    SELECT p.package_type, p.check_interval_minutes FROM package_configs p
    WHERE p.organization_id = $1 AND p.package_type IN ($2::text, '{STANDARD}')
    ORDER BY (p.package_type = $2) DESC NULLS LAST LIMIT 1"""  # noqa: S608 - our constants

_BY_EITHER_NAME = """
    SELECT package_type FROM package_configs WHERE organization_id = $1 AND $2 IN (package_type, display_name)
    ORDER BY (package_type = $2) DESC, id LIMIT 1"""

_MAKE = "INSERT INTO package_configs (organization_id, package_type) VALUES ($1, $2) ON CONFLICT DO NOTHING"


async def list_packages(
    connection: Connection, organization_id: int, *, only: Collection[str] | None = None
) -> list[PackageConfig]:
    """All packages, or only these."""
    return [
        _package(row) for row in await connection.fetch(_LIST, organization_id, None if only is None else list(only))
    ]


async def package_of_customer(
    connection: Connection, organization_id: int, package_type: str | None
) -> tuple[str, float | None]:
    """The package that holds for customers of this type, and its smallest interval in minutes, if it has one."""
    row = await connection.fetchrow(_OF_CUSTOMER, organization_id, package_type)
    if row is None:
        return STANDARD, None
    minutes = row["check_interval_minutes"]
    return row["package_type"], None if minutes is None else float(minutes)


async def find_package_type(connection: Connection, organization_id: int, name: str) -> str | None:
    """The package of this type or display name."""
    found: str | None = await connection.fetchval(_BY_EITHER_NAME, organization_id, name)
    return found


async def change_package(
    connection: Connection, organization_id: int, package_type: str, sent: PackageConfigPatch
) -> PackageConfig:
    """Change what was sent of a package, which is made where there is none."""
    await connection.execute(_MAKE, organization_id, package_type)
    columns = [name for name in _COLUMNS if name in sent.model_fields_set]
    kept = {name: getattr(sent, name) for name in KEPT if name in sent.model_fields_set}
    assignments = "".join(f"{name} = ${number}, " for number, name in enumerate(columns, 4))
    await connection.execute(
        f"""UPDATE package_configs SET {assignments} kept = kept || $3::jsonb, updated_at = now()
            WHERE organization_id = $1 AND package_type = $2""",  # noqa: S608 - our constants
        organization_id,
        package_type,
        kept,
        *(getattr(sent, name) for name in columns),
    )
    (changed,) = await list_packages(connection, organization_id, only=[package_type])
    return changed


def _package(row: Any) -> PackageConfig:
    values = dict(row)
    kept = values.pop("kept")
    minutes = values.pop("check_interval_minutes")
    if minutes is not None:
        minutes = int(minutes) if minutes == int(minutes) else float(minutes)
    return PackageConfig(**values, check_interval_minutes=minutes, **{name: kept.get(name) for name in KEPT})
