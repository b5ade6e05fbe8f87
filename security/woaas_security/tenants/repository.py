"""All SQL about tenants."""

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import bindparam, select, update

from woaas_core.db.statements import Statement, insert_row
from woaas_security.tenants.models import tenants

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_ENTER = Statement.text("SELECT * FROM enter_tenant($1)", "tenant_id")
_INSERT = insert_row(tenants)
_GET = Statement(select(tenants).where(tenants.c.id == bindparam("id")))
_TAKE = Statement(
    update(tenants)
    .where(tenants.c.id == bindparam("id"), (tenants.c.release_allowance.is_(None)) | (tenants.c.release_allowance > 0))
    .values(release_allowance=tenants.c.release_allowance - 1)
)
_LIMITED = Statement(select(tenants.c.release_allowance).where(tenants.c.id == bindparam("id")))
_SET_ALLOWANCE = Statement(
    update(tenants).where(tenants.c.id == bindparam("id")).values(release_allowance=bindparam("level"))
)


async def enter(uow: "UnitOfWork", tenant_id: UUID) -> "Record | None":
    """Enter a tenant for the rest of the transaction; None if there is none. Sets the tenant on the unit of work."""
    row = await uow.first(_ENTER, tenant_id=tenant_id)
    if row is not None:
        uow.tenant_id = row["tenant_id"]
        uow.livemode = row["livemode"]
    return row


async def insert(uow: "UnitOfWork", values: dict[str, object]) -> None:
    """Add a tenant; the transaction must have entered its id."""
    await uow.execute(_INSERT, **values)


async def get(uow: "UnitOfWork") -> "Record":
    """The entered tenant's row."""
    row = await uow.first(_GET, id=uow.tenant)
    assert row is not None
    return row


async def take_release(uow: "UnitOfWork", *, limited: bool) -> bool:
    """Take one release from the allowance in a single statement; False when it is used up.

    ``limited`` comes from entering the tenant, so that a tenant without a limit takes no lock on its row.
    """
    return not limited or await uow.execute(_TAKE, id=uow.tenant) == 1


async def is_limited(uow: "UnitOfWork") -> bool:
    """Whether releases are counted at all."""
    return await uow.value(_LIMITED, id=uow.tenant) is not None


async def set_release_allowance(uow: "UnitOfWork", level: int | None) -> None:
    """Set how many more orders may be released; None lifts the limit."""
    await uow.execute(_SET_ALLOWANCE, id=uow.tenant, level=level)
