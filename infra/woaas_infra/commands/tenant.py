"""``woaas-server tenant``."""

import asyncio
import sys
from pathlib import Path

import msgspec

from woaas_infra.commands.settings import load_settings


def create(*, name: str, plan: str = "standard", home: Path | None = None, json: bool = False) -> None:
    """Open a tenant with its sandbox and print an owner key of each; the keys are not shown again.

    Parameters
    ----------
    name
        What the tenant is called
    plan
        Its price plan
    home
        Default: WOAAS_HOME, else .woaas
    json
        Print JSON
    """
    from woaas_infra.database import open_database  # noqa: PLC0415 - keeps --help fast
    from woaas_infra.tenants import open_organisation  # noqa: PLC0415

    settings = load_settings(home)
    with open_database(settings) as dsn:
        settings = msgspec.structs.replace(settings, database_url=dsn)
        opened = asyncio.run(open_organisation(settings, name=name, plan=plan))
    if json:
        sys.stdout.write(msgspec.json.encode(opened).decode() + "\n")
    else:
        sys.stdout.write("".join(f"{key}: {value}\n" for key, value in msgspec.to_builtins(opened).items()))
