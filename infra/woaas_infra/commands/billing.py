"""``woaas-server billing``."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from woaas_infra.commands.settings import load_settings

if TYPE_CHECKING:
    from woaas_billing.verify import Difference


def verify(*, home: Path | None = None, json: bool = False) -> None:
    """Check the invariants of billing in every tenant; the exit code is 1 when any is broken.

    Parameters
    ----------
    home
        Default: WOAAS_HOME, else .woaas
    json
        Print the differences as JSON, by tenant
    """
    from woaas_infra.database import open_database  # noqa: PLC0415 - keeps --help fast

    with open_database(load_settings(home)) as dsn:
        found = asyncio.run(_verify(dsn))
    if json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        for tenant, differences in found.items():
            for d in differences:
                sys.stdout.write(f"{tenant} {d.check} {d.subject}: expected {d.expected}, found {d.found}\n")
        sys.stdout.write("The books differ.\n" if found else "The books are sound.\n")
    if found:
        sys.exit(1)


async def _verify(dsn: str) -> "dict[str, list[Difference]]":
    from woaas_billing.verify import verify as look  # noqa: PLC0415
    from woaas_core.db.database import Database  # noqa: PLC0415
    from woaas_core.db.tenancy import APP  # noqa: PLC0415

    database = await Database.connect(dsn, role=APP, size=1)
    try:
        return await look(database)
    finally:
        await database.close()
