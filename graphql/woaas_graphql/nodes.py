"""Objects in the graph: a row seen through the caller's mask, projected once, when a field is first asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from woaas_core.db.statements import Row
from woaas_core.ids import decode_id, encode_id
from woaas_graphql.errors import FieldUnreadable, pointer
from woaas_security.authz.access import Access
from woaas_security.authz.resource import Resource
from woaas_security.principal import Principal

Show = Callable[[Principal, Access, Row], dict[str, Any]]


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of node: its resource, how a row of it is shown, and columns that showing or its links need."""

    resource: Resource
    show: Show = Principal.show
    columns: tuple[str, ...] = field(default=())

    def node(self, principal: Principal, row: Row) -> "Node":
        """The node of a row."""
        return Node(self, principal, row)


class Node:
    """An object; ``read`` gives a field as REST would show it."""

    __slots__ = ("_principal", "_shown", "kind", "row")

    def __init__(self, kind: Kind, principal: Principal, row: Row | None, shown: dict[str, Any] | None = None) -> None:
        self.kind = kind
        self.row = row
        self._principal = principal
        self._shown = shown

    @property
    def shown(self) -> dict[str, Any]:
        """The object as the caller may see it."""
        if self._shown is None:
            assert self.row is not None
            self._shown = self.kind.show(self._principal, self._principal.access(self.kind.resource), self.row)
        return self._shown

    @property
    def id(self) -> UUID:
        """The object's id."""
        if self.row is not None:
            found: UUID = self.row["id"]
            return found
        return decode_id(self.kind.resource.prefix, str(self.shown["id"]))

    def key(self, name: str) -> UUID | None:
        """The id in a field that links to another object.

        Raises:
            FieldUnreadable: the caller may not read it.
        """
        text = self.read(name)
        prefix = next(f.prefix for f in self.kind.resource.fields if f.name == name)
        return None if text is None else decode_id(prefix, text)

    def read(self, name: str) -> Any:
        """A field; masked ones are null and named in ``maskedFields``.

        Raises:
            FieldUnreadable: the caller may not read it.
        """
        if name == "masked_fields":
            return [pointer(p) for p in self.shown.get(name, [])]
        if name == "id":
            return self.shown.get("id") or encode_id(self.kind.resource.prefix, self.id)
        try:
            return self.shown[name]
        except KeyError:
            raise FieldUnreadable from None


def read(source: Any, name: str) -> Any:
    """How a field without a resolver is read: from a node, an object of JSON, or anything with attributes."""
    if isinstance(source, Node):
        return source.read(name)
    if isinstance(source, Mapping):
        return source.get(name)
    return getattr(source, name)
