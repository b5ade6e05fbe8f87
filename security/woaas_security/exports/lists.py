"""What can be exported: the lists that the API has, by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement

from woaas_core.wire import invalid
from woaas_security.authz.resource import Resource
from woaas_security.principal import Principal

Conditions = Callable[[Principal], Sequence[ColumnElement[bool]]]


@dataclass(frozen=True, eq=False)
class ExportedList:
    """A list as it is exported: its resource, the name of its collection and the conditions that the list has too.

    ``values`` are the parameters of the conditions.
    """

    collection: str
    resource: Resource
    where: Conditions = lambda _: ()
    values: Mapping[str, object] = field(default_factory=dict)


class ExportedLists:
    """The lists by the names of their resources and of their collections."""

    def __init__(self, lists: Sequence[ExportedList]) -> None:
        self.all = tuple(lists)
        self._by_name = {name: one for one in lists for name in (one.collection, one.resource.name)}

    def find(self, name: str) -> ExportedList:
        """The list of a name.

        Raises:
            Invalid: there is none.
        """
        found = self._by_name.get(name)
        if found is None:
            known = ", ".join(one.resource.name for one in self.all)
            raise invalid("/resource", "invalid", f"{name!r} is none of {known}.")
        return found

    def of(self, row: Any) -> ExportedList:
        """The list that an export is of."""
        return self._by_name[row["resource"]]
