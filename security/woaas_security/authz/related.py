"""Rows by key through the caller's mask: what a graph loads for many objects at once.

As with lists, what is not readable is not selected, and guests get only the rows of the resource's scope.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import bindparam, func, select

from woaas_core.db.statements import Statement
from woaas_security.authz.access import Access
from woaas_security.authz.columns import selected

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork
    from woaas_security.principal import Principal

_statements: dict[object, Statement] = {}
_KEPT = 500


async def rows_by(
    uow: "UnitOfWork",
    principal: "Principal",
    access: Access,
    column: str,
    keys: Sequence[UUID],
    *,
    order: str = "id",
    newest_first: bool = False,
    each: int | None = None,
    columns: Sequence[str] = (),
) -> "list[Record]":
    """The rows whose ``column`` is one of the keys, at most ``each`` of every key, sorted by ``order`` within one.

    Raises:
        Forbidden: the caller may not see such objects at all.
    """
    access.require("read")
    wanted = tuple(sorted({*access.columns, *columns, column, order, "id"}))
    scope = access.resource.row_scope(principal)
    shape = (access.resource.table.name, column, order, newest_first, each is None, wanted, str(scope),
             access.class_rules(wanted))  # fmt: skip
    statement = _statements.get(shape)
    if statement is None:
        if len(_statements) >= _KEPT:
            _statements.clear()
        statement = _statements[shape] = _statement(access, column, wanted, order, principal, newest_first, each)
    parameters: dict[str, object] = {"tenant_id": uow.tenant, "keys": list(keys)}
    if each is not None:
        parameters["each_key"] = each
    if scope is not None:
        parameters |= principal.row_values
    return await uow.all(statement, **{n: v for n, v in parameters.items() if n in statement.names})


def _statement(
    access: Access,
    column: str,
    wanted: Sequence[str],
    order: str,
    principal: "Principal",
    newest_first: bool,
    each: int | None,
) -> Statement:
    table = access.resource.table
    by = table.c[order].desc() if newest_first else table.c[order].asc()
    clause = select(*selected(access, wanted)).where(
        table.c.tenant_id == bindparam("tenant_id"), table.c[column] == bindparam("keys").any_()
    )
    scope = access.resource.row_scope(principal)
    if scope is not None:
        clause = clause.where(scope)
    if each is None:
        return Statement(clause.order_by(table.c[column], by))
    place = func.row_number().over(partition_by=table.c[column], order_by=by).label("place")
    ranked = clause.add_columns(place).subquery()
    return Statement(
        select(*(c for c in ranked.c if c.name != "place"))
        .where(ranked.c.place <= bindparam("each_key"))
        .order_by(ranked.c.place)
    )
