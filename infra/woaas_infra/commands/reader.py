"""``woaas-server reader``: follow the log; and what an operator does about a reader that has given up.

The commands beside the loop use WOAAS_DATABASE_URL, else the home's own Postgres.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec
from cyclopts import App

from woaas_core.settings import Settings
from woaas_infra.commands.processes import read
from woaas_infra.commands.settings import load_settings

if TYPE_CHECKING:
    from woaas_infra.stalls import Desk

_T = TypeVar("_T")
app = App(name="reader", help="Apply the effects of events: metering, market, replanning.")


@app.default
def reader(*, home: Path | None = None) -> None:
    """Apply the effects of events: metering, market, replanning."""
    read(home)


@app.command
def status(*, home: Path | None = None, json: bool = False) -> None:
    """Say how far every reader is behind the log and where one has given up.

    Parameters
    ----------
    home
        Default: WOAAS_HOME, else .woaas
    json
        Print JSON
    """
    states = _at_desk(home, lambda desk: desk.status())
    if json:
        sys.stdout.write(msgspec.json.encode(states).decode() + "\n")
        return
    for state in states:
        behind = f"behind by {state.behind} in {state.tenants_behind} tenants" if state.behind else "up to date"
        sys.stdout.write(f"{state.reader}: {behind}\n")
        for stall in state.stalled:
            sys.stdout.write(f"  {stall.tenant}: stalled at {stall.index}, {stall.type} {stall.event}: {stall.error}\n")


@app.command
def retry(name: str, /, *, tenant: str | None = None, home: Path | None = None) -> None:
    """Let a reader that has given up try its event again, once its cause is mended.

    Parameters
    ----------
    name
        The reader
    tenant
        Only in this tenant; else wherever it has given up
    home
        Default: WOAAS_HOME, else .woaas
    """
    for stall in _at_desk(home, lambda desk: desk.retry(name, tenant)):
        sys.stdout.write(f"{name} tries {stall.type} {stall.event} at {stall.index} of {stall.tenant} again.\n")


@app.command
def skip(name: str, /, *, tenant: str, reason: str, home: Path | None = None) -> None:
    """Let a reader that has given up in a tenant pass over its event: that effect never happens.

    Parameters
    ----------
    name
        The reader
    tenant
        The tenant
    reason
        Why; it stands in the tenant's audit log
    home
        Default: WOAAS_HOME, else .woaas
    """
    stall = _at_desk(home, lambda desk: desk.skip(name, tenant, reason))
    sys.stdout.write(f"{name} passes over {stall.type} {stall.event} at {stall.index} of {stall.tenant}.\n")


def _at_desk(home: Path | None, ask: "Callable[[Desk], Awaitable[_T]]") -> "_T":
    from woaas_infra.database import open_database  # noqa: PLC0415 - keeps --help fast

    settings = load_settings(home)
    with open_database(settings) as dsn:
        return asyncio.run(_ask(msgspec.structs.replace(settings, database_url=dsn), ask))


async def _ask(settings: Settings, ask: "Callable[[Desk], Awaitable[_T]]") -> "_T":
    from woaas_core.db.database import Database  # noqa: PLC0415
    from woaas_core.db.tenancy import APP  # noqa: PLC0415
    from woaas_infra.readers import readers  # noqa: PLC0415
    from woaas_infra.stalls import Desk  # noqa: PLC0415

    database = await Database.connect(settings.database_url, role=APP, size=1)
    try:
        return await ask(Desk(database, settings, readers(settings)))
    finally:
        await database.close()
