"""Columns through a mask that depends on the class of an object's data: what is hidden there never leaves Postgres."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Text, bindparam, case, select
from sqlalchemy.dialects.postgresql import ARRAY

from woaas_core.db.statements import Statement
from woaas_security.authz.access import Access, ClassRule
from woaas_security.authz.resource import Field

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

_KNOWN: dict[tuple[str, str], Statement] = {}


def selected(access: Access, columns: Sequence[str]) -> list[ColumnElement[Any]]:
    """The columns of a SELECT, each null where the object's class hides it, with the class where masks need it."""
    table, of_class = access.resource.table, access.resource.data_class
    found: list[ColumnElement[Any]] = []
    for name in columns:
        column: ColumnElement[Any] = table.c[name]
        # The class itself is masked when it is shown: before that, it is what masks go by.
        rule = None if column is of_class else access.class_rule_of_column(name)
        found.append(column if rule is None else _where(access, rule, column).label(name))
    if access.depends_on_class and of_class is not None and "data_class" not in columns:
        found.append(of_class.label("data_class"))
    return found


def visible(access: Access, field: Field, member: str = "") -> tuple[ColumnElement[Any], bool]:
    """A column to filter, sort or search by, and whether it may be null: hidden values are, whatever they are."""
    column = access.resource.table.c[field.source]
    rule = access.class_rule(field.name, member)
    if rule is None:
        return column, bool(column.nullable)
    return _where(access, rule, column), True


async def require_heard_of(uow: "UnitOfWork", access: Access, field: str, member: str) -> None:
    """Refuse a filter by a member that no object has: to who does not see every member, a hidden one is like it.

    Raises:
        UnknownParameter: there is none.
    """
    table = access.resource.table
    column = table.c[access.readable_field(field, member).source]
    key = (table.name, column.name)
    statement = _KNOWN.get(key)
    if statement is None:
        found = select(table.c.id).where(
            table.c.tenant_id == bindparam("tenant_id"), column.has_key(bindparam("member", type_=Text))
        )
        statement = _KNOWN[key] = Statement(select(found.exists()))
    if not await uow.value(statement, tenant_id=uow.tenant, member=member):
        raise access.no_such_field(field, member)


def is_shown(of_class: ColumnElement[str], rule: ClassRule) -> ColumnElement[bool]:
    """Whether a rule shows a field in an object of the class found there."""
    # Named by what they hold, so that statements of one text always have the same values.
    digest = hashlib.blake2b(repr(rule.other).encode(), digest_size=6).hexdigest()
    classes = bindparam(f"classes_{digest}", list(rule.other), type_=ARRAY(Text))
    named = of_class == classes.any_()
    return named.is_not(True) if rule.usual else named


def _where(access: Access, rule: ClassRule, column: ColumnElement[Any]) -> ColumnElement[Any]:
    of_class = access.resource.data_class
    assert of_class is not None
    return case((is_shown(of_class, rule), column))
