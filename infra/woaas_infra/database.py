"""The database of a home or of the environment, for a command that needs it for a while."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from woaas_core.settings import Settings
from woaas_infra.dsn import DATABASE, database_of
from woaas_infra.postgres.server import EmbeddedPostgres
from woaas_infra.roles import ensure_database


@contextmanager
def open_database(settings: Settings) -> Iterator[str]:
    """The admin address of the woaas database, with its roles.

    An external server is taken as it is. The home's own is shared when ``up`` runs it, else started for the time.

    Raises:
        CannotStart: one of its kinds.
    """
    with ExitStack() as stack:
        if settings.database_url:
            admin, name = settings.database_url, database_of(settings.database_url) or DATABASE
        else:
            admin, name = stack.enter_context(EmbeddedPostgres(settings.home)), DATABASE
        yield asyncio.run(ensure_database(admin, name))
