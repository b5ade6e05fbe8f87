"""Working inside one tenant as the solver process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from woaas_core.db.database import Database
from woaas_core.db.unit_of_work import UnitOfWork
from woaas_core.errors import NotFound
from woaas_core.events.envelope import Actor
from woaas_security.tenants import repository as tenants

ACTOR = Actor("system", "solver")


@asynccontextmanager
async def inside(database: Database, tenant_id: UUID) -> AsyncIterator[UnitOfWork]:
    """A transaction in a tenant, named ``solver`` in the audit.

    Raises:
        NotFound: there is no such tenant.
    """
    async with database.unit_of_work() as uow:
        if await tenants.enter(uow, tenant_id) is None:
            raise NotFound
        uow.actor = ACTOR
        yield uow
