"""Lists: filter, sort, search and page any resource through the caller's mask.

The statement depends only on the shape of a query (which fields, which operators), so it is compiled once per
shape; the values travel as parameters. What is not readable is neither selected nor accepted as filter or sort.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg
import msgspec
from sqlalchemy import ColumnElement, and_, bindparam, false, or_, select, true
from sqlalchemy import Text as SqlText
from sqlalchemy.dialects.postgresql import ARRAY

from woaas_core.db.statements import Statement
from woaas_core.durations import parse_duration
from woaas_core.errors import InvalidLimit, UnknownParameter
from woaas_core.ids import try_decode_id, uuid7
from woaas_core.pagination import CursorCodec
from woaas_security.authz.access import Access
from woaas_security.authz.columns import require_heard_of, selected, visible
from woaas_security.authz.resource import Field
from woaas_security.authz.searching import matching

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork
    from woaas_security.principal import Principal

MAX_LIMIT = 200
DEFAULT_LIMIT = 50
_OPERATORS = ("eq", "ne", "lt", "lte", "gt", "gte", "in")
_KEPT_SHAPES = 2_000
_MAX_SORT_KEYS = 8


class Filter(NamedTuple):
    """``field[op]=value``; ``path`` is the member of a JSON field such as custom_fields.

    A value with commas is several; a tuple is taken as it is.
    """

    field: str
    op: str
    value: str | tuple[str, ...]
    path: str = ""


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller asks of a list, as text; nothing in it is trusted yet."""

    filters: tuple[Filter, ...] = ()
    sort: tuple[str, ...] = ()
    q: str = ""
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None


class Page(NamedTuple):
    """One page of rows and the cursor of the next; ``cursor_of`` is the cursor that goes on after a row."""

    rows: "list[Record]"
    next_cursor: str | None
    cursor_of: "Callable[[Record], str]"


class SortKey(NamedTuple):
    """A column with its direction; nulls sort last either way."""

    field: Field
    descending: bool


class Rows(NamedTuple):
    """The rows that a query chooses: what its statements have after WHERE, with the values of the parameters."""

    conditions: list[ColumnElement[bool]]
    parameters: dict[str, object]
    access: Access

    @property
    def shape(self) -> tuple[object, ...]:
        """What a statement over these rows is known by."""
        return (self.access.resource.table.name, tuple(str(c) for c in self.conditions))


_shapes: OrderedDict[object, Statement] = OrderedDict()


async def list_rows(
    uow: "UnitOfWork",
    principal: "Principal",
    access: Access,
    query: ListQuery,
    codec: CursorCodec,
    *,
    where: Sequence[ColumnElement[bool]] = (),
    values: Mapping[str, object] | None = None,
    columns: Sequence[str] | None = None,
) -> Page:
    """A page of a resource.

    ``where`` adds fixed conditions (their parameters in ``values``): they are part of the shape by their text, so
    they must not hold literals that vary. ``columns`` asks for more columns than the visible ones, for the door's
    own use.

    Raises:
        UnknownParameter, InvalidLimit, InvalidCursor: see each.
    """
    if not 1 <= query.limit <= MAX_LIMIT:
        raise InvalidLimit
    if not access.sees_anything:
        access.require("read")
    keys = _sort_keys(access, query.sort)
    fixed = sorted((name, str(value)) for name, value in (values or {}).items())
    bound_to = f"{access.resource.name}|{principal.id}|{fixed}|{query.filters}|{query.sort}|{query.q}"
    after = codec.open(query.cursor, bound_to=bound_to) if query.cursor else None
    rows_of = await chosen(uow, principal, access, query, where=where, values=values)
    parameters, conditions = rows_of.parameters, rows_of.conditions
    parameters["limit"] = query.limit + 1
    if after is not None:
        conditions.append(_after(keys, after, access, parameters))
    wanted = sorted({*access.columns, *(columns or ()), *(k.field.source for k in keys)})
    statement = _statement(rows_of, wanted, keys)
    try:
        rows = await uow.all(statement, **parameters)
    except asyncpg.DataError:
        msg = "A value to compare with is out of range."
        raise UnknownParameter(msg) from None

    def cursor_of(row: "Record") -> str:
        return codec.seal([_plain(k.field, row[k.field.source]) for k in keys], bound_to=bound_to)

    if len(rows) <= query.limit:
        return Page(rows, None, cursor_of)
    rows.pop()
    return Page(rows, cursor_of(rows[-1]), cursor_of)


async def chosen(
    uow: "UnitOfWork",
    principal: "Principal",
    access: Access,
    query: ListQuery,
    *,
    where: Sequence[ColumnElement[bool]] = (),
    values: Mapping[str, object] | None = None,
) -> Rows:
    """The rows of a list by its filters, its text and the caller's row scope; ``where`` as `list_rows` takes it.

    Raises:
        UnknownParameter: a filter by what the caller does not read.
    """
    for item in query.filters:
        if item.path and access.is_unsaid(item.field, item.path):
            await require_heard_of(uow, access, item.field, item.path)
    resource = access.resource
    parameters: dict[str, object] = {"tenant_id": uow.tenant, **(values or {})}
    conditions = [] if resource.of_kind is None else [resource.of_kind]
    conditions += [*where, *_filters(access, query, parameters)]
    scope = resource.row_scope(principal)
    if scope is not None:
        conditions.append(scope)
        parameters |= principal.row_values
    return Rows(conditions, parameters, access)


def kept(shape: tuple[object, ...], build: Callable[[], Statement]) -> Statement:
    """The statement of a shape, compiled when it is met first."""
    found = _shapes.get(shape)
    if found is None:
        found = _shapes[shape] = build()
        if len(_shapes) > _KEPT_SHAPES:
            _shapes.popitem(last=False)
    return found


def _statement(rows: Rows, columns: Sequence[str], keys: Sequence[SortKey]) -> Statement:
    access, table = rows.access, rows.access.resource.table

    def build() -> Statement:
        order = []
        for key in keys:
            column, is_nullable = visible(access, key.field)
            ordered = column.desc() if key.descending else column.asc()
            order.append(ordered.nulls_last() if is_nullable else ordered)
        return Statement(
            select(*selected(access, columns))
            .where(table.c.tenant_id == bindparam("tenant_id"), *rows.conditions)
            .order_by(*order)
            .limit(bindparam("limit"))
        )

    sorted_by = tuple((k.field.name, k.descending) for k in keys)
    return kept(("page", tuple(columns), access.class_rules(columns), sorted_by, *rows.shape), build)


def _sort_keys(access: Access, sort: Sequence[str]) -> list[SortKey]:
    if len(sort) > _MAX_SORT_KEYS:
        msg = f"At most {_MAX_SORT_KEYS} sort keys."
        raise UnknownParameter(msg)
    keys: list[SortKey] = []
    for text in sort:
        field = access.readable_field(text.removeprefix("-"))
        if not field.filterable or field.kind in ("json", "texts"):
            msg = f"{field.name!r} cannot be sorted by."
            raise UnknownParameter(msg)
        keys.append(SortKey(field, text.startswith("-")))
    # Ids are time-ordered, so the newest come first unless something else is asked for.
    keys.append(SortKey(Field("id", "id", prefix=access.resource.prefix), not keys or keys[-1].descending))
    return keys


def _filters(access: Access, query: ListQuery, parameters: dict[str, object]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for i, item in enumerate(query.filters):
        field = access.readable_field(item.field, item.path)
        name = f"f{i}"
        column, _ = visible(access, field, item.path)
        if item.op not in _operators(field) or bool(item.path) != (field.kind == "json"):
            msg = f"{field.name!r} cannot be filtered with {item.op!r}."
            raise UnknownParameter(msg)
        if field.kind == "json":
            parameters[f"p{i}"] = item.path
            column = column.op("->>")(bindparam(f"p{i}", type_=SqlText))
        if field.kind == "texts":
            parameters[name] = list(_texts(item))
            conditions.append(column.op("&&")(bindparam(name, type_=column.type)))
            continue
        parsed = [_parse(field, t) for t in _texts(item)]
        if item.op in ("eq", "in"):
            parameters[name] = parsed
            array = bindparam(name, type_=_array(column, field))
            conditions.append(column == array.any_())
        else:
            parameters[name] = parsed[0]
            value = bindparam(name, type_=column.type if field.kind != "json" else SqlText())
            conditions.append(_compare(column, item.op, value))
    if query.q:
        conditions.append(matching(access, query.q, parameters))
    return conditions


def _texts(item: Filter) -> Sequence[str]:
    if not isinstance(item.value, str):
        return item.value
    return item.value.split(",") if item.op in ("eq", "in") else (item.value,)


def _operators(field: Field) -> tuple[str, ...]:
    """What a field can be filtered with."""
    if field.kind == "texts":
        return ("eq", "in") if field.filterable else ()
    return _OPERATORS if field.filterable or field.kind == "id" else ()


def _array(column: ColumnElement[Any], field: Field) -> Any:
    return ARRAY(SqlText() if field.kind == "json" else column.type)


def _compare(column: ColumnElement[Any], op: str, value: ColumnElement[Any]) -> ColumnElement[bool]:
    compared: ColumnElement[bool] = {
        "ne": lambda: column.is_distinct_from(value),
        "lt": lambda: column < value,
        "lte": lambda: column <= value,
        "gt": lambda: column > value,
        "gte": lambda: column >= value,
    }[op]()
    return compared


def _after(
    keys: Sequence[SortKey], values: Sequence[object], access: Access, parameters: dict[str, object]
) -> ColumnElement[bool]:
    """Rows strictly after the sealed values: equal on the first keys, further on the next (nulls are furthest)."""
    alternatives: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = [true()]
    for i, (key, value) in enumerate(zip(keys, values, strict=True)):
        column, is_nullable = visible(access, key.field)
        if value is None:
            equal.append(column.is_(None))
            continue
        name = f"after{i}"
        parameters[name] = _parse(key.field, str(value))
        bound = bindparam(name, type_=column.type)
        further = column < bound if key.descending else column > bound
        alternatives.append(and_(*equal, or_(further, column.is_(None)) if is_nullable else further))
        equal.append(column == bound)
    return or_(*alternatives) if alternatives else false()


def _parse(field: Field, text: str) -> object:  # noqa: PLR0911 - one return per kind reads best
    try:
        match field.kind:
            case "id":
                return try_decode_id(field.prefix, text) or uuid7()  # an id of another kind matches nothing
            case "instant":
                at = datetime.fromisoformat(text)
                if at.tzinfo is None:
                    raise ValueError
                return at.astimezone(UTC)
            case "date":
                return date.fromisoformat(text)
            case "decimal":
                number = Decimal(text)
                if not number.is_finite():
                    raise ValueError
                return number
            case "integer":
                return int(text)
            case "boolean":
                return {"true": True, "false": False}[text]
            case "duration":
                return parse_duration(text)
            case _:
                return text
    except (ValueError, KeyError, InvalidOperation, OverflowError):
        msg = f"{text!r} is not a value of {field.name!r} ({field.kind})."
        raise UnknownParameter(msg) from None


def _plain(field: Field, value: Any) -> str | None:
    """A sort value as text that ``_parse`` reads back."""
    if value is None:
        return None
    match field.kind:
        case "id" | "duration":
            render = field.renderer
            return str(render(value)) if render else str(value)
        case "boolean":
            return str(value).lower()
        case "instant":
            return str(value.isoformat())
        case _:
            return str(value)
