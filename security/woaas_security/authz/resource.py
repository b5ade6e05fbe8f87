"""What permissions are about: kinds of objects, their fields and the actions on them.

A part declares each of its resources once; REST, GraphQL, exports and the console all show an object through
this declaration and the caller's mask over it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct
from sqlalchemy import ColumnElement, Table, and_, or_

from woaas_core.durations import format_duration
from woaas_core.ids import encode_id

if TYPE_CHECKING:
    from woaas_security.principal import Principal

Kind = Literal["text", "id", "instant", "date", "decimal", "integer", "boolean", "duration", "json", "texts"]
RowScope = Callable[["Principal"], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a resource as the wire shows it.

    ``column`` is its column where the names differ; ``prefix`` is the id prefix of kind ``id``. A field with
    ``render`` is shown through it. ``filterable`` also allows sorting, but for kinds json (filtered by member) and
    texts (by an item). An ``is_open`` field holds members of the tenant's own naming, each with permissions of its
    own. One that ``tells_of_all`` moves with every other, so only who sees all of them sees it; one that ``tells_of``
    another may be a copy of it, so it is not read without it. ``searched`` is text that ``q`` looks in; of a JSON
    column it is that of its ``member``.
    """

    name: str
    kind: Kind = "text"
    column: str = ""
    prefix: str = ""
    filterable: bool = False
    searched: bool = False
    render: Callable[[Any], Any] | None = None
    is_open: bool = False
    tells_of_all: bool = False
    tells_of: str = ""
    member: str = ""

    @property
    def source(self) -> str:
        """The column the value is read from."""
        return self.column or self.name

    @property
    def renderer(self) -> Callable[[Any], Any] | None:
        """How a stored value becomes a wire value; None where msgspec's own form is the wire's."""
        render = self.render
        if self.kind == "json":
            return _in_one_order if render is None else lambda value: _in_one_order(render(value))
        if render is not None:
            return render
        if self.kind == "id":
            prefix = self.prefix
            return lambda value: encode_id(prefix, value)
        return format_duration if self.kind == "duration" else None


def members_of(*structs: type[Struct]) -> frozenset[str]:
    """The members of bodies: what their requests write."""
    return frozenset(name for struct in structs for name in struct.__struct_fields__)


def _in_one_order(value: Any) -> Any:
    """JSON with its members by name: jsonb forgets their order, and a tag must not tell a sent value from a stored."""
    if not value:
        return value
    if isinstance(value, dict):
        return {name: _in_one_order(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [_in_one_order(item) for item in value]
    return value


@dataclass(frozen=True, eq=False)
class Resource:
    """A kind of object: its fields, the actions beside read, and which rows a guest role sees.

    ``writes`` are the fields that some request sets; the others are only ever shown. ``scopes`` limits the rows of a
    caller all of whose roles that show the resource are named in it; a role that is not named sees every row of its
    tenant. ``bounds`` are the rows of callers whose key is for a part of the tenant, by what limits it; what has none
    is closed to them unless it ``is_reference``, which all of a tenant share. ``data_class`` is where the class of an
    object's data is found, for policies limited to one. ``rows`` limits what any caller sees beside his role and
    bounds, None for all. ``classes`` is a resource whose fields are access classes: an object is there for who reads
    the one that its ``access_class`` names. ``of_kind`` are the rows of this kind where several share a table.
    ``search_ids`` knows the searched fields of one that ``is_indexed``.
    """

    name: str
    prefix: str
    table: Table
    fields: tuple[Field, ...]
    actions: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    scopes: Mapping[str, RowScope] = field(default_factory=dict)
    bounds: Mapping[str, ColumnElement[bool]] = field(default_factory=dict)
    is_reference: bool = False
    data_class: ColumnElement[str] | None = None
    rows: "Callable[[Principal], ColumnElement[bool] | None] | None" = None
    classes: "Resource | None" = None
    of_kind: ColumnElement[bool] | None = None
    is_indexed: bool = False
    names: frozenset[str] = field(init=False)
    open_fields: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        names = frozenset(f.name for f in self.fields)
        if len(names) != len(self.fields):
            msg = f"{self.name} declares a field twice"
            raise ValueError(msg)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "open_fields", frozenset(f.name for f in self.fields if f.is_open))

    def row_scope(self, principal: "Principal") -> ColumnElement[bool] | None:
        """The predicate over this resource's rows for the caller; None means every row of the tenant."""
        parts = [self.bounds[name] for name in sorted(principal.scope) if name in self.bounds]
        roles = sorted(principal.guest_roles(self))
        if roles:
            parts.append(or_(*(self.scopes[r](principal) for r in roles)))
        own = None if self.rows is None else self.rows(principal)
        if own is not None:
            parts.append(own)
        return and_(*parts) if parts else None
