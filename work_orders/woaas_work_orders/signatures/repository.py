"""All SQL about signatures."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, select, update

from woaas_core.db.statements import Statement, insert_row
from woaas_security.authz.scoping import Scoped
from woaas_work_orders.execution.models import reports
from woaas_work_orders.orders.models import work_orders
from woaas_work_orders.signatures.models import signatures
from woaas_work_orders.signatures.resources import SIGNATURE

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork
    from woaas_security.principal import Principal

_S = signatures.c
_OWN = select(signatures).where(_S.tenant_id == bindparam("tenant_id"))
_OF_ORDER = Statement(_OWN.where(_S.work_order_id == bindparam("order_id")).order_by(_S.id))
_OF_ORDERS = Statement(_OWN.where(_S.work_order_id == bindparam("order_ids").any_()).order_by(_S.id))
_OF_OPERATIONS = Statement(_OWN.where(_S.operation_id == bindparam("operation_ids").any_()).order_by(_S.id))
_BY_ID = Scoped.where(SIGNATURE, _OWN.where(_S.id == bindparam("key")))
_INSERT = insert_row(signatures)
_INVALIDATE = Statement(
    update(signatures)
    .where(_S.tenant_id == bindparam("tenant_key"), _S.id == bindparam("id_key"))
    .values(state="invalidated", invalidated_at=bindparam("at"), invalidated_by=bindparam("by"))
    .returning(*_S)
)
_MARK_ORDER = Statement(
    update(work_orders)
    .where(work_orders.c.tenant_id == bindparam("tenant_key"), work_orders.c.id == bindparam("id_key"))
    .values(is_signed=True)
)
_REPORTS = Statement(
    select(reports)
    .where(reports.c.tenant_id == bindparam("tenant_id"), reports.c.work_order_id == bindparam("order_id"))
    .order_by(reports.c.id)
)


def of_operation() -> ColumnElement[bool]:
    """The condition of a list of one operation's signatures; its parameter is ``operation_id``."""
    return _S.operation_id == bindparam("operation_id")


def of_order() -> ColumnElement[bool]:
    """The condition of a list of an order's signatures; its parameter is ``order_id``."""
    return _S.work_order_id == bindparam("order_id")


async def list_of(uow: "UnitOfWork", order_id: UUID) -> "list[Record]":
    """Every signature under an order and its operations, oldest first."""
    return await uow.all(_OF_ORDER, tenant_id=uow.tenant, order_id=order_id)


async def of_orders(uow: "UnitOfWork", order_ids: Iterable[UUID]) -> "dict[UUID, list[Record]]":
    """The signatures of a page of orders and their operations, by order, oldest first."""
    rows = await uow.all(_OF_ORDERS, tenant_id=uow.tenant, order_ids=list(order_ids))
    return _grouped(rows, "work_order_id")


async def of_operations(uow: "UnitOfWork", operation_ids: Iterable[UUID]) -> "dict[UUID, list[Record]]":
    """The signatures of a page of operations, by operation, oldest first."""
    rows = await uow.all(_OF_OPERATIONS, tenant_id=uow.tenant, operation_ids=list(operation_ids))
    return _grouped(rows, "operation_id")


async def get(uow: "UnitOfWork", principal: "Principal", signature_id: UUID) -> "Record | None":
    """A signature, if the caller may see that row."""
    return await uow.first(_BY_ID.of(principal), tenant_id=uow.tenant, key=signature_id, **principal.row_values)


async def insert(uow: "UnitOfWork", values: dict[str, Any]) -> None:
    """Add a signature and note on the order that it is signed."""
    await uow.execute(_INSERT, tenant_id=uow.tenant, **values)
    await uow.execute(_MARK_ORDER, tenant_key=uow.tenant, id_key=values["work_order_id"])


async def invalidate(uow: "UnitOfWork", signature_id: UUID, *, at: datetime, by: UUID) -> "Record":
    """Mark a signature as of a record that has changed since."""
    row = await uow.first(_INVALIDATE, tenant_key=uow.tenant, id_key=signature_id, at=at, by=by)
    assert row is not None
    return row


async def reports_of(uow: "UnitOfWork", order_id: UUID) -> "list[Record]":
    """What was reported on an order's operations, oldest first; replaced reports too."""
    return await uow.all(_REPORTS, tenant_id=uow.tenant, order_id=order_id)


def _grouped(rows: "list[Record]", key: str) -> "dict[UUID, list[Record]]":
    found: dict[UUID, list[Record]] = {}
    for row in rows:
        found.setdefault(row[key], []).append(row)
    return found
