"""Finding rows by a text: only in what the caller reads of each row, through the trigram indexes.

`ILIKE` is not leakproof, so behind row-level security no index serves it. `search_ids`, a function of the definer role
in the tenant at hand, names the rows that may match; the statement that asked judges each of them again, by the
caller's mask and row scope. So what the function says decides nothing but how much work is left to do.
"""

import re
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, false, func, literal_column, or_, select
from sqlalchemy import Text as SqlText
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import ARRAY

from woaas_security.authz.access import Access
from woaas_security.authz.columns import visible
from woaas_security.authz.resource import Field

EXACT, BEGINS, CONTAINS = 0, 1, 2
_TRIGRAM = re.compile(r"[^\W_]{3}")
_PATTERN: ColumnElement[str] = bindparam("q", type_=SqlText)


def searched_fields(access: Access) -> list[Field]:
    """The fields that a text is looked for in, of those that the caller reads in some class of data."""
    return [f for f in access.resource.fields if f.searched and access.at_most().reads(f.name)]


def matching(access: Access, q: str, parameters: dict[str, object]) -> ColumnElement[bool]:
    """The condition that a row has a text in a field that the caller reads of it, whatever the case of letters."""
    fields = searched_fields(access)
    if not fields:
        return false()
    parameters["q"] = f"%{_escaped(q)}%"
    found = or_(*(text_of(access, f).ilike(_PATTERN) for f in fields))
    resource = access.resource
    if not resource.is_indexed or not _TRIGRAM.search(q):
        return found  # No index helps with less than three letters: then the tenant's rows are gone through.
    parameters["q_fields"] = [f.name for f in fields]
    kind: ColumnElement[str] = bindparam(f"kind_{resource.name}", resource.name, type_=SqlText)
    ids = select(func.search_ids(kind, bindparam("q_fields", type_=ARRAY(SqlText)), _PATTERN))
    return and_(resource.table.c.id.in_(ids), found)


def closeness(access: Access, q: str, parameters: dict[str, object]) -> ColumnElement[int]:
    """How well a matching row fits: a whole field, the beginning of one, or something within one."""
    parameters |= {"q_exact": _escaped(q), "q_begins": f"{_escaped(q)}%"}
    exact: ColumnElement[str] = bindparam("q_exact", type_=SqlText)
    begins: ColumnElement[str] = bindparam("q_begins", type_=SqlText)
    texts = [text_of(access, field) for field in searched_fields(access)]
    is_exact: ColumnElement[Any] = or_(*(text.ilike(exact) for text in texts))
    is_begun: ColumnElement[Any] = or_(*(text.ilike(begins) for text in texts))
    return case((is_exact, literal_column(str(EXACT))), (is_begun, literal_column(str(BEGINS))),
                else_=literal_column(str(CONTAINS)))  # fmt: skip


def text_of(access: Access, field: Field) -> ColumnElement[str]:
    """The text of a field, null where its object's class hides it."""
    column, _ = visible(access, field)
    # The name of a member is a word of our own code, never a caller's.
    member = literal_column(f"'{field.member}'", SqlText)
    return column.op("->>", return_type=SqlText())(member) if field.member else sql_cast(column, SqlText)


def _escaped(q: str) -> str:
    return q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
