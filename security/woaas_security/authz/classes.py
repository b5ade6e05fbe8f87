"""Objects that are there only for who reads the class they are of.

The classes of a kind of object are the fields of a resource beside it: every policy, grant and scope that opens a field
opens a class, also where it does so for one class of data alone.
"""

import hashlib
from typing import TYPE_CHECKING, Any

from sqlalchemy import BindParameter, ColumnElement, Text, and_, bindparam, false, or_
from sqlalchemy.dialects.postgresql import ARRAY

from woaas_security.authz.columns import is_shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from woaas_security.authz.resource import Resource
    from woaas_security.principal import Principal

COLUMN = "access_class"
"""The column, and the member of an event's data, that names an object's class."""


def rows_of_classes(principal: "Principal", resource: "Resource") -> ColumnElement[bool] | None:
    """The rows whose class is open to the caller; None means every one."""
    assert resource.classes is not None
    access = principal.access(resource.classes)
    column = resource.table.c[COLUMN]
    rules = {name: access.class_rule(name) for name in sorted(resource.classes.names)}
    always = [name for name, rule in rules.items() if rule is None and access.reads(name)]
    if len(always) == len(rules):
        return None
    parts = [column == _named(always).any_()] if always else []
    for name, rule in rules.items():
        if rule is not None:
            assert resource.data_class is not None
            parts.append(and_(column == _named([name]).any_(), is_shown(resource.data_class, rule)))
    return or_(*parts) if parts else false()


def _named(values: "Iterable[str]") -> "BindParameter[Any]":
    # Named by what it holds, so that statements of one text always have the same values.
    held = list(values)
    digest = hashlib.blake2b(repr(held).encode(), digest_size=6).hexdigest()
    shape: Any = ARRAY(Text)
    return bindparam(f"classes_{digest}", held, type_=shape)
