"""Reading one object under the caller's row scope: the predicate is part of the statement, never a look afterwards."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select

from woaas_core.db.statements import Statement
from woaas_security.authz.resource import Resource

if TYPE_CHECKING:
    from collections.abc import Callable

    from woaas_security.principal import Principal

_KEPT = 200


class Scoped:
    """A statement about a resource in as many variants as there are kinds of row scopes, each compiled once.

    ``build`` makes it from the predicate; None is every row of the tenant.
    """

    def __init__(self, resource: Resource, build: "Callable[[ColumnElement[bool] | None], Any]") -> None:
        self._resource = resource
        self._build = build
        self._plain = Statement(build(None))
        self._variants: dict[str, Statement] = {}

    @classmethod
    def where(cls, resource: Resource, clause: Select[Any]) -> "Scoped":
        """A SELECT with the predicate among its conditions."""
        return cls(resource, lambda scope: clause if scope is None else clause.where(scope))

    def of(self, principal: "Principal") -> Statement:
        """The statement for a caller; its values are ``principal.row_values``."""
        scope = self._resource.row_scope(principal)
        if scope is None:
            return self._plain
        text = str(scope)
        found = self._variants.get(text)
        if found is None:
            if len(self._variants) >= _KEPT:
                self._variants.clear()
            found = self._variants[text] = Statement(self._build(scope))
        return found
