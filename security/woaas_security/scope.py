"""Which part of a tenant a key or member is for: some sites, lines or orders, or what a person takes part in."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.errors import Forbidden
from woaas_core.ids import decode_id
from woaas_core.wire import Body, Code

Codes = Annotated[list[Code], msgspec.Meta(min_length=1, max_length=100)]


class Scope(Body, kw_only=True):
    """All that is given must hold: `participant` is on the order or its steward, `operator` is assigned."""

    sites: Codes | UnsetType = UNSET
    lines: Codes | UnsetType = UNSET
    work_orders: Annotated[list[str], msgspec.Meta(min_length=1, max_length=100)] | UnsetType = UNSET
    participant: Code | UnsetType = UNSET
    operator: Code | UnsetType = UNSET


BOUNDS = frozenset(Scope.__struct_fields__)


def values_of(scope: Mapping[str, Any]) -> dict[str, Any]:
    """The values that row predicates compare with; ids as the database has them."""
    found = {f"scope_{name}": value for name, value in scope.items()}
    if "work_orders" in scope:
        found["scope_work_orders"] = [decode_id("wo", text) for text in scope["work_orders"]]
    return found


def require_within(scope: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Refuse a scope that reaches beyond that of whoever gives it.

    Raises:
        Forbidden: it does.
    """
    for name, own in scope.items():
        given = wanted.get(name)
        if given is None or not (set(given) <= set(own) if isinstance(own, list) else given == own):
            msg = f"You cannot give a scope wider than your own: limit it by {name!r} as yours is."
            raise Forbidden(msg)
