"""What a list has besides its pages: how many rows, by the values of a field, and those that fit a search best."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, bindparam, func, literal_column, null, select

from woaas_core.db.statements import Statement
from woaas_security.authz.access import Access
from woaas_security.authz.columns import selected
from woaas_security.authz.listing import ListQuery, chosen, kept
from woaas_security.authz.searching import closeness, text_of

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork
    from woaas_security.principal import Principal


async def count_rows(
    uow: "UnitOfWork",
    principal: "Principal",
    access: Access,
    query: ListQuery,
    *,
    by: str = "",
    where: Sequence[ColumnElement[bool]] = (),
    values: Mapping[str, object] | None = None,
) -> dict[str | None, int]:
    """How many rows a list has in all its pages, by the values of a readable text field ``by`` if one is named."""
    rows = await chosen(uow, principal, access, query, where=where, values=values)
    table = access.resource.table

    def build() -> Statement:
        value: ColumnElement[Any] = text_of(access, access.readable_field(by)) if by else null()
        counted = select(value.label("value"), func.count().label("count"))
        counted = counted.select_from(table).where(table.c.tenant_id == bindparam("tenant_id"), *rows.conditions)
        return Statement(counted.group_by(literal_column("1")) if by else counted)

    statement = kept(("count", by, access.class_rule(by) if by else None, *rows.shape), build)
    return {row["value"]: row["count"] for row in await uow.all(statement, **rows.parameters)}


async def best_rows(
    uow: "UnitOfWork", principal: "Principal", access: Access, query: ListQuery
) -> "list[tuple[int, Record]]":
    """The rows that fit the query's text best, at most its limit, each with how well; the newest first where alike."""
    rows = await chosen(uow, principal, access, query)
    table, columns = access.resource.table, access.columns
    rank = closeness(access, query.q, rows.parameters)
    rows.parameters["limit"] = query.limit

    def build() -> Statement:
        clause = select(*selected(access, columns), rank.label("closeness"))
        clause = clause.where(table.c.tenant_id == bindparam("tenant_id"), *rows.conditions)
        return Statement(clause.order_by(rank, table.c.id.desc()).limit(bindparam("limit")))

    statement = kept(("best", tuple(columns), access.class_rules(columns), str(rank), *rows.shape), build)
    return [(row["closeness"], row) for row in await uow.all(statement, **rows.parameters)]
