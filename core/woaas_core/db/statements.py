"""SQLAlchemy Core statements, compiled once to the text and argument order that asyncpg takes.

Hot paths pay for neither an ORM nor a compilation: a statement is a module constant, its parameters are
``bindparam`` names, and a run is one call into asyncpg.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import Column, Executable, Table, bindparam, insert
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

_DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it unannotated


class Row(Protocol):
    """A database row, or anything that reads like one."""

    def __getitem__(self, name: str, /) -> Any:
        """The value of a column."""
        ...


class Statement:
    """A compiled statement; values written into the construct stay as defaults of their parameters.

    Lists go in as one array parameter (``= ANY(:ids)``): an expanding IN would change the text on each run.
    """

    __slots__ = ("defaults", "names", "sql")

    sql: str
    names: tuple[str, ...]
    defaults: dict[str, Any]

    def __init__(self, clause: Executable) -> None:
        assert isinstance(clause, ClauseElement)
        compiled = clause.compile(dialect=_DIALECT)
        assert isinstance(compiled, SQLCompiler)
        self.sql = str(compiled)
        self.names = tuple(compiled.positiontup or ())
        params = compiled.params
        self.defaults = {n: params[n] for n in self.names if params.get(n) is not None}

    @classmethod
    def text(cls, sql: str, *names: str) -> "Statement":
        """A statement in Postgres's own words (functions, data-modifying CTEs); ``$1`` is the first name."""
        made = cls.__new__(cls)
        made.sql = sql
        made.names = names
        made.defaults = {}
        return made

    def arguments(self, values: Mapping[str, object]) -> list[object]:
        """The values in the order of the placeholders; a missing one is a KeyError."""
        defaults = self.defaults
        if not defaults:
            return [values[n] for n in self.names]
        return [values[n] if n in values else defaults[n] for n in self.names]

    def bind(self, values: Mapping[str, object]) -> "Statement":
        """The same text with more defaults: a statement compiled by shape, filled by request."""
        made = Statement.text(self.sql, *self.names)
        made.defaults = {**self.defaults, **values}
        return made


def insert_row(table: Table, *, returning: Sequence[Column[Any]] = ()) -> Statement:
    """INSERT of every column by its own name; columns the database fills (identity) are left out."""
    columns = [c for c in table.columns if c.identity is None and c.computed is None]
    clause = insert(table).values({c: bindparam(c.name, type_=c.type) for c in columns})
    return Statement(clause.returning(*returning) if returning else clause)
