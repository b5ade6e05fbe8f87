"""All SQL of invoices."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import bindparam, select

from woaas_billing.models import invoice_lines, invoices
from woaas_core.db.statements import Statement, insert_row

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_INSERT = insert_row(invoices)
_INSERT_LINE = insert_row(invoice_lines)
_NEXT = Statement.text(
    "INSERT INTO invoice_series AS s (tenant_id, series, last) VALUES ($1, $2, 1) "
    "ON CONFLICT (tenant_id, series) DO UPDATE SET last = s.last + 1 RETURNING last",
    "tenant_id",
    "series",
)
_BY = {
    name: Statement(
        select(invoices).where(invoices.c.tenant_id == bindparam("tenant_id"), invoices.c[name] == bindparam("key"))
    )
    for name in ("id", "number", "period_id")
}
_ALL = Statement(select(invoices).where(invoices.c.tenant_id == bindparam("tenant_id")).order_by(invoices.c.sequence))
_LINES = Statement(
    select(invoice_lines)
    .where(invoice_lines.c.tenant_id == bindparam("tenant_id"), invoice_lines.c.invoice_id == bindparam("invoice_id"))
    .order_by(invoice_lines.c.position)
)
_LINES_OF = Statement(
    select(invoice_lines, invoices.c.currency)
    .join(invoices, (invoices.c.tenant_id == invoice_lines.c.tenant_id) & (invoices.c.id == invoice_lines.c.invoice_id))
    .where(invoice_lines.c.tenant_id == bindparam("tenant_id"))
    .where(invoice_lines.c.invoice_id == bindparam("invoice_ids").any_())
    .order_by(invoice_lines.c.invoice_id, invoice_lines.c.position)
)
_CHARGED = Statement.text(
    """
    SELECT currency, sum(total_minor) AS total_minor FROM invoices
    WHERE tenant_id = $1 AND issued_at >= $2 AND issued_at < $3 GROUP BY currency
    """,
    *("tenant_id", "since", "until"),
)


async def next_in_series(uow: "UnitOfWork", series: str) -> int:
    """The next number of a series, gap-free: the counter stays locked, and is given back, with the transaction."""
    return int(await uow.value(_NEXT, tenant_id=uow.tenant, series=series))


async def insert(uow: "UnitOfWork", head: Mapping[str, object], lines: Iterable[Mapping[str, object]]) -> None:
    """Add an invoice with its lines."""
    await uow.execute(_INSERT, tenant_id=uow.tenant, **head)
    await uow.execute_many(_INSERT_LINE, ({"tenant_id": uow.tenant, **line} for line in lines))


async def find(uow: "UnitOfWork", *, invoice_id: UUID | None = None, number: str = "") -> "Record | None":
    """An invoice by id or number."""
    if invoice_id is not None:
        return await uow.first(_BY["id"], tenant_id=uow.tenant, key=invoice_id)
    return await uow.first(_BY["number"], tenant_id=uow.tenant, key=number)


async def of_period(uow: "UnitOfWork", period_id: UUID) -> "Record | None":
    """The invoice of a period."""
    return await uow.first(_BY["period_id"], tenant_id=uow.tenant, key=period_id)


async def all_of(uow: "UnitOfWork") -> "list[Record]":
    """Every invoice of the tenant, in the order of their numbers."""
    return await uow.all(_ALL, tenant_id=uow.tenant)


async def charged(uow: "UnitOfWork", since: datetime, until: datetime) -> "list[Record]":
    """What the invoices issued in ``[since, until)`` come to, by currency."""
    return await uow.all(_CHARGED, tenant_id=uow.tenant, since=since, until=until)


async def lines(uow: "UnitOfWork", invoice_id: UUID) -> "list[Record]":
    """The lines of an invoice, in order."""
    return await uow.all(_LINES, tenant_id=uow.tenant, invoice_id=invoice_id)


async def lines_of(uow: "UnitOfWork", invoice_ids: Sequence[UUID]) -> "list[Record]":
    """The lines of several invoices with their currency, grouped by invoice and in order."""
    return await uow.all(_LINES_OF, tenant_id=uow.tenant, invoice_ids=list(invoice_ids))
