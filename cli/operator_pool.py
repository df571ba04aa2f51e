"""The database as an operator's verbs open it: named, from the environment, or the one that `mailprobe run` runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer

from cli.failing import Failed
from cli.settings import ClientSettings
from shared.database.embedded_running import running_dsn
from shared.database.errors import DatabaseRejected, DatabaseUnavailable
from shared.database.opening import database_name
from shared.database.pool import GATEWAY_ROLE, Pool, open_pool
from shared.runtime.lifecycle import EXIT_CONFIGURATION
from shared.runtime.settings import DatabaseSettings, SettingsError

DatabaseUrl = Annotated[
    str | None, typer.Option(help="The database [MAILPROBE_DATABASE_URL].", metavar="URL", show_default=False)
]
Data = Annotated[
    Path | None,
    typer.Option(
        help="Instead: the data directory of `mailprobe run` [MAILPROBE_DATA, ./data].",
        show_default=False,
    ),
]


@asynccontextmanager
async def operator_pool(database_url: str | None, data: Path | None, *, verb: str) -> AsyncIterator[Pool]:
    """Raises Failed where no database is named and none runs here, or it cannot be used."""
    dsn = _dsn(database_url, data)
    try:
        async with open_pool(dsn, role=GATEWAY_ROLE, application_name=f"mailprobe {verb}", max_size=1) as pool:
            yield pool
    except DatabaseUnavailable as error:
        raise Failed(f"cannot reach {database_name(dsn)}: {error}") from None
    except DatabaseRejected as error:
        # The role comes with the tables.
        raise Failed(f"the database is not ready: {error}; run `mailprobe migrate`") from None


def _dsn(database_url: str | None, data: Path | None) -> str:
    if data is not None:
        running = running_dsn(data / "postgres")
        if running is None:
            raise Failed(f"no mailprobe runs with the data in {data}; start it, or name the database by --database-url")
        return running
    if database_url:
        return DatabaseSettings.load(database_url=database_url).database_url.get_secret_value()
    try:
        return DatabaseSettings.load().database_url.get_secret_value()
    except SettingsError as error:
        beside = ClientSettings.load().data
        if running := running_dsn(beside / "postgres"):
            return running
        raise Failed(
            f"{error}\nWith `make run`, name its data directory by --data; none is running with {beside}.",
            code=EXIT_CONFIGURATION,
        ) from None
