"""The IP ladder: which fields of an order and its operation each step may carry. Pure; default deny.

L0, the teaser, is public within the market and holds classes and bands only. L1 is opened to one partner by its
signed NDA. L2, the package, goes to the winner alone and is a frozen copy of that one operation. A field that no
level names never leaves the buyer, whoever asks and whatever the buyer's roles allow inside.
"""

import hashlib
from collections.abc import Collection, Mapping
from decimal import Decimal
from enum import IntEnum
from typing import Any

import msgspec

from woaas_core.db.statements import Row


class Level(IntEnum):
    """The steps of the ladder."""

    TEASER = 0
    NDA = 1
    PACKAGE = 2


LEVELS: Mapping[str, Level] = {"teaser": Level.TEASER, "nda": Level.NDA, "package": Level.PACKAGE}

# The columns of a teaser are the buyer's own words for it, none is read from the order but the dates and the band.
TEASER_FIELDS = frozenset(
    {"process", "equipment_class", "material_family", "quantity_band", "window_start_at", "due_at", "region"}
)
_ORDER_FIELDS: Mapping[Level, frozenset[str]] = {
    Level.TEASER: frozenset(),
    Level.NDA: frozenset({"quantity", "unit"}),
    Level.PACKAGE: frozenset({"quantity", "unit"}),
}
_OPERATION_FIELDS: Mapping[Level, frozenset[str]] = {
    Level.TEASER: frozenset(),
    Level.NDA: frozenset({"inspection_required"}),
    Level.PACKAGE: frozenset({"name", "materials", "skills", "inspection_required"}),
}
_BANDS = (1, 10, 50, 100, 500, 1_000, 5_000, 10_000)


def quantity_band(quantity: Decimal) -> str:
    """The band a quantity lies in, such as ``10-49``; it tells the size of a lot and not the order."""
    if quantity < _BANDS[0]:
        return f"0-{_BANDS[0]}"
    at = max(i for i, low in enumerate(_BANDS) if quantity >= low)
    return f"{_BANDS[at]}+" if at == len(_BANDS) - 1 else f"{_BANDS[at]}-{_BANDS[at + 1] - 1}"


def shared_fields(
    level: Level,
    order: Row,
    operation: Row,
    *,
    readable: Collection[str],
    named: Collection[str] = (),
) -> dict[str, Any]:
    """What a level carries of one operation, as JSON values.

    ``readable`` are the operation fields the releasing person may read: nobody passes on what he cannot see.
    ``named`` are the custom fields the buyer has opened by name; they go with the package only.
    """
    fields: dict[str, Any] = {name: order[name] for name in _ORDER_FIELDS[level]}
    fields.update({name: operation[name] for name in _OPERATION_FIELDS[level] & set(readable)})
    if level is Level.PACKAGE and named and "custom_fields" in readable:
        fields["custom_fields"] = {k: v for k, v in operation["custom_fields"].items() if k in named}
    plain: dict[str, Any] = msgspec.to_builtins(dict(sorted(fields.items())))
    return plain


def digest_of(fields: Mapping[str, Any]) -> bytes:
    """SHA-256 over the canonical JSON of a package, by which both sides can tell what was released."""
    return hashlib.sha256(msgspec.json.encode(fields, order="sorted")).digest()
