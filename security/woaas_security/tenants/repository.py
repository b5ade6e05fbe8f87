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
_LOCK = Statement(select(tenants.c.id).where(tenants.c.id == bindparam("id")).with_for_update())
_TAKE = Statement(
    update(tenants)
    .where(
        tenants.c.id == bindparam("tenant_id"),
        (tenants.c.release_allowance.is_(None)) | (tenants.c.release_allowance > 0),
    )
    .values(release_allowance=tenants.c.release_allowance - 1)
)
# A plan that has no row of its own has the limits of a sandbox.
_PLAN_LIMITS = Statement.text(
    """
    SELECT p.* FROM tenants t JOIN plan_limits p ON p.plan IN (t.plan, 'test')
    WHERE t.id = $1 ORDER BY p.plan = CASE WHEN t.livemode THEN t.plan ELSE 'test' END DESC LIMIT 1
    """,
    "tenant_id",
)
_SET_ALLOWANCE = Statement(
    update(tenants).where(tenants.c.id == bindparam("tenant_id")).values(release_allowance=bindparam("level"))
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


async def lock(uow: "UnitOfWork") -> None:
    """Hold the entered tenant's row: no release takes from its allowance before this transaction ends."""
    await uow.execute(_LOCK, id=uow.tenant)


async def take_release(uow: "UnitOfWork") -> bool:
    """Take one release from the allowance in a single statement; False when it is used up."""
    return await uow.execute(_TAKE, tenant_id=uow.tenant) == 1


async def set_release_allowance(uow: "UnitOfWork", level: int | None) -> None:
    """Set how many more orders may be released; None lifts the limit."""
    await uow.execute(_SET_ALLOWANCE, tenant_id=uow.tenant, level=level)


async def plan_limits(uow: "UnitOfWork") -> "Record":
    """What the entered tenant's plan lets it use of the solver."""
    row = await uow.first(_PLAN_LIMITS, tenant_id=uow.tenant)
    assert row is not None
    return row
