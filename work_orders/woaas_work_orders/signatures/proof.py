"""What was recorded of an order: the rows that stand beside its signatures as evidence."""

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import Table, bindparam, select

from woaas_core.db.statements import Statement
from woaas_work_orders.execution.models import inspections, receipts, reports

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork


def _of_order(table: Table) -> Statement:
    own = select(table).where(table.c.tenant_id == bindparam("tenant_id"))
    return Statement(own.where(table.c.work_order_id == bindparam("order_id")).order_by(table.c.id))


_PARTS = {table.name: _of_order(table) for table in (reports, inspections, receipts)}


async def recorded(uow: "UnitOfWork", order_id: UUID) -> "dict[str, list[Record]]":
    """Reports (replaced ones too), inspections and receipts of an order, oldest first."""
    return {name: await uow.all(s, tenant_id=uow.tenant, order_id=order_id) for name, s in _PARTS.items()}
