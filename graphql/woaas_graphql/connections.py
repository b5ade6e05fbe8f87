"""Relay connections over the lists that REST pages through, with the same cursors."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import strawberry
from sqlalchemy import ColumnElement
from strawberry import UNSET
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from woaas_core.errors import Malformed
from woaas_graphql.context import Context, Info
from woaas_graphql.nodes import Kind, Node
from woaas_graphql.scalars import DateTime, Decimal, Duration
from woaas_graphql.shapes import kind_of
from woaas_security.authz.listing import DEFAULT_LIMIT, Filter, ListQuery, list_rows
from woaas_security.authz.resource import Field, Resource

_OPERATORS = ("eq", "ne", "lt", "lte", "gt", "gte")
_MAX_FILTERS = 20
_MAX_SEARCH = 200


@strawberry.type
class PageInfo:
    """Where a page stands; pages are walked forwards, so that `hasPreviousPage` is false."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


class Edge:
    """A node with the cursor that goes on after it, which is sealed when it is asked for."""

    __slots__ = ("_cursor_of", "node")

    def __init__(self, node: object, cursor_of: Callable[[], str]) -> None:
        self.node = node
        self._cursor_of = cursor_of

    @property
    def cursor(self) -> str:
        """The opaque cursor."""
        return self._cursor_of()


def connection(edges: Sequence[Edge], *, end: str | None, has_next: bool) -> dict[str, Any]:
    """A page as the graph shows it; ``end`` is the cursor of the next page where it is not the last edge's."""
    info = PageInfo(
        has_next_page=has_next,
        has_previous_page=False,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=end or (edges[-1].cursor if edges else None),
    )
    return {"edges": edges, "page_info": info}


def connection_type(shape: Any) -> Any:
    """The connection type of an object type."""
    name = shape.__name__
    edge = _made(f"{name}Edge", f"A {name} in a page.", {"cursor": str, "node": shape | None})
    members = {"edges": list[edge] | None, "page_info": PageInfo}  # type: ignore[valid-type]
    return _made(f"{name}Connection", f"A page of {name}s.", members)


def list_field(
    shape: Any,
    *,
    where: Sequence[ColumnElement[bool]] = (),
    values: Callable[[Context], Mapping[str, object]] = lambda _: {},
    description: str,
) -> StrawberryField:
    """A field that pages through a resource as its REST list does; ``values`` are what ``where`` binds."""
    kind = kind_of(shape)
    wanted = filter_type(shape)
    page_type = connection_type(shape)

    async def resolve(
        info: Info,
        first: int = DEFAULT_LIMIT,
        after: str | None = None,
        filter: wanted | None = None,  # type: ignore[valid-type]
        sort: list[str] | None = None,
        q: str | None = None,
    ) -> page_type | None:  # type: ignore[valid-type]
        query = ListQuery(
            filters=filters_of(filter),
            sort=tuple(_sort_key(kind.resource, text) for text in sort or ()),
            q=_search(q),
            limit=first,
            cursor=after or None,
        )
        return await page_of(info.context, kind, query, where=where, values=values(info.context))

    return strawberry.field(resolve, description=description)


async def page_of(
    context: Context,
    kind: Kind,
    query: ListQuery,
    *,
    where: Sequence[ColumnElement[bool]] = (),
    values: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """A page of a kind through the caller's mask."""
    access = context.principal.require(kind.resource, "read")
    found = await list_rows(
        context.uow,
        context.principal,
        access,
        query,
        context.cursors,
        where=where,
        values=values,
        columns=("id", *kind.columns),
    )
    nodes: list[Node] = [kind.node(context.principal, row) for row in found.rows]
    edges = [
        Edge(node, lambda row=row: found.cursor_of(row))  # type: ignore[misc]
        for node, row in zip(nodes, found.rows, strict=True)
    ]
    return connection(edges, end=found.next_cursor, has_next=found.next_cursor is not None)


def filter_type(shape: Any) -> Any:
    """The input of a list's ``filter``: the fields that REST filters by, whoever may read them."""
    kind = kind_of(shape)
    annotations: dict[str, Any] = {}
    for field in kind.resource.fields:
        comparison = _comparison(field)
        if comparison is not None:
            annotations[field.name] = comparison | None
    name = f"{shape.__name__}Filter"
    members = {
        "__annotations__": annotations,
        "__doc__": "All that is given must hold.",
        **dict.fromkeys(annotations, UNSET),
    }
    return strawberry.input(type(name, (), members))


def filters_of(wanted: Any) -> tuple[Filter, ...]:
    """What a filter input says, as REST's ``field[op]=value``.

    Raises:
        Malformed: more than REST takes.
    """
    found: list[Filter] = []
    if wanted:
        for place in dataclasses.fields(wanted):
            given = getattr(wanted, place.name)
            if given is UNSET or given is None:
                continue
            for one in given if isinstance(given, list) else [given]:
                found += _conditions(place.name, one)
    if len(found) > _MAX_FILTERS:
        msg = f"At most {_MAX_FILTERS} filters at once."
        raise Malformed(msg)
    return tuple(found)


def _conditions(name: str, comparison: Any) -> list[Filter]:
    path = getattr(comparison, "member", "")
    found: list[Filter] = []
    for place in dataclasses.fields(comparison):
        value = getattr(comparison, place.name)
        if place.name == "member" or value is UNSET or value is None:
            continue
        op = {"in_": "in", "contains": "eq"}.get(place.name, place.name)
        found.append(Filter(name, op, _text(value), path))
    return found


def _text(value: Any) -> str | tuple[str, ...]:
    """A value as a query string has it; text with commas stays one value."""
    if isinstance(value, list):
        texts = tuple(str(_text(v)) if not isinstance(v, str) else v for v in value)
        return texts if any("," in t for t in texts) else ",".join(texts)
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return (text,) if "," in text else text


def _sort_key(resource: Resource, text: str) -> str:
    """A sort key in REST's words; one that is in no list of ours is passed on to be refused there."""
    sign, name = ("-", text[1:]) if text.startswith("-") else ("", text)
    return sign + next((f.name for f in resource.fields if to_camel_case(f.name) == name), name)


def _search(text: str | None) -> str:
    if text and len(text) > _MAX_SEARCH:
        msg = f"Search for at most {_MAX_SEARCH} characters."
        raise Malformed(msg)
    return text or ""


def _comparisons(name: str, kind: Any) -> Any:
    ordered = {op: kind | None for op in _OPERATORS}
    annotations = {**ordered, "in_": list[kind] | None}
    defaults = {**dict.fromkeys(ordered, UNSET), "in_": strawberry.field(name="in", default=UNSET)}
    return strawberry.input(type(f"{name}Comparison", (), {"__annotations__": annotations, **defaults}))


_BY_KIND: Mapping[str, Any] = {
    "text": _comparisons("Text", str),
    "id": _comparisons("ID", strawberry.ID),
    "instant": _comparisons("DateTime", DateTime),
    "date": _comparisons("Date", str),
    "decimal": _comparisons("Decimal", Decimal),
    "integer": _comparisons("Int", int),
    "boolean": _comparisons("Boolean", bool),
    "duration": _comparisons("Duration", Duration),
}


@strawberry.input
class ListComparison:
    """Compares a list of texts."""

    contains: str | None = UNSET


@strawberry.input
class MemberComparison:
    """Compares a member of a free object as text."""

    member: str
    eq: str | None = UNSET
    ne: str | None = UNSET
    in_: list[str] | None = strawberry.field(name="in", default=UNSET)


def _comparison(field: Field) -> Any:
    if not (field.filterable or field.kind == "id"):
        return None
    if field.kind == "texts":
        return ListComparison
    if field.kind == "json":
        return list[MemberComparison]
    return _BY_KIND[field.kind]


def _made(name: str, doc: str, annotations: dict[str, Any]) -> Any:
    return strawberry.type(type(name, (), {"__annotations__": annotations, "__doc__": doc}))
