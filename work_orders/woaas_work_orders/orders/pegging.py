"""Which stock serves which demand: lots are pegged to operations in the order of urgency, as MRP does. Pure.

A material without any lot on record is not tracked and always there.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

_UNUSABLE = ("restricted", "closed")
_AT_ONCE = datetime(1, 1, 1, tzinfo=UTC)
_ZERO = Decimal(0)


class Demand(NamedTuple):
    """What one operation needs that is not kitted yet, and how urgent its order is."""

    operation_id: UUID
    urgency: tuple[int, float, str]
    materials: list[dict[str, Any]]


class Pegging(NamedTuple):
    """Stock set aside for one material of an operation: ``lots`` as (there from, quantity), earliest first."""

    material: str
    unit: str | None
    required: Decimal
    is_tracked: bool
    lots: tuple[tuple[datetime, Decimal], ...]

    @property
    def missing(self) -> Decimal:
        """What no lot on record will cover."""
        return self.required - sum((quantity for _, quantity in self.lots), _ZERO) if self.is_tracked else _ZERO

    def available_by(self, now: datetime) -> Decimal:
        """What is covered at an instant."""
        there = sum((quantity for at, quantity in self.lots if at <= now), _ZERO)
        return there if self.is_tracked else self.required

    @property
    def complete_at(self) -> datetime | None:
        """When the last of the pegged lots is there; None for what is there now."""
        last = max((at for at, _ in self.lots), default=_AT_ONCE)
        return None if last == _AT_ONCE else last


def urgency(priority: int, due_at: datetime | None, number: str) -> tuple[int, float, str]:
    """The order in which demands are served: by priority, then due date, then number."""
    return priority, due_at.timestamp() if due_at else float("inf"), number


def peg(demands: Iterable[Demand], lots: Iterable[Mapping[str, Any]]) -> dict[UUID, tuple[Pegging, ...]]:
    """Peg the bodies of material lots to demands; each takes the earliest stock that more urgent ones left."""
    stock = _stock(lots)
    return {
        demand.operation_id: tuple(_peg(need, stock) for need in demand.materials)
        for demand in sorted(demands, key=lambda demand: demand.urgency)
    }


def _peg(need: Mapping[str, Any], stock: dict[str, list[tuple[datetime, Decimal]]]) -> Pegging:
    material, required = need["material"], Decimal(need["quantity"])
    lots = stock.get(material)
    taken: list[tuple[datetime, Decimal]] = []
    open_quantity = required
    while lots and open_quantity > 0:
        at, left = lots.pop(0)
        quantity = min(left, open_quantity)
        open_quantity -= quantity
        if quantity > 0:
            taken.append((at, quantity))
        if left > quantity:
            lots.insert(0, (at, left - quantity))
    return Pegging(material, need.get("unit"), required, lots is not None, tuple(taken))


def _stock(lots: Iterable[Mapping[str, Any]]) -> dict[str, list[tuple[datetime, Decimal]]]:
    """Usable lots by material, earliest first; a material all of whose lots are unusable is tracked and empty."""
    stock: dict[str, list[tuple[datetime, Decimal]]] = {}
    for body in lots:
        material = body.get("material")
        if not material:
            continue
        rows = stock.setdefault(material, [])
        disposition, available = body.get("disposition", "unrestricted"), body.get("available_at")
        if disposition in _UNUSABLE or (available is None and disposition != "unrestricted"):
            continue
        at = datetime.fromisoformat(available) if available else _AT_ONCE
        rows.append((at, Decimal(body.get("quantity", "0"))))
    for rows in stock.values():
        rows.sort()
    return stock
