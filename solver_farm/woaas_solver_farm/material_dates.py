"""When material is there: lots are pegged to operations in the order of urgency, as MRP does."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from woaas_solver_farm.horizon import Horizon
from woaas_work_orders.orders.entities import Operation, WorkOrder
from woaas_work_orders.orders.lifecycle import OPERATION_ENDED

_UNUSABLE = ("restricted", "closed")


class MaterialDates(NamedTuple):
    """By operation: the release tick, the material that comes last, and the materials that are short."""

    releases: dict[UUID, int]
    awaited: dict[UUID, str]
    short: dict[UUID, tuple[str, ...]]


def material_dates(
    orders: Sequence[tuple[WorkOrder, Sequence[Operation]]], lots: Mapping[str, Mapping[str, Any]], horizon: Horizon
) -> MaterialDates:
    """The tick from which each operation's material is there.

    A material without any lot on record is not tracked and always there. Where all lots together do not suffice,
    the operation waits for the last of them and the material is short; what is kitted needs nothing more.
    """
    stock = _stock(lots, horizon)
    found = MaterialDates({}, {}, {})
    for _, rows in sorted(orders, key=lambda pair: _urgency(pair[0])):
        for row in rows:
            if row.state in OPERATION_ENDED or not row.needs_material or row.started_at:
                continue
            release, short = 0, []
            for need in row.materials:
                if need["material"] in stock:
                    at, is_covered = _take(stock[need["material"]], Decimal(need["quantity"]))
                    if at > release:
                        release, found.awaited[row.id] = at, need["material"]
                    short += [] if is_covered else [need["material"]]
            found.releases[row.id] = release
            if short:
                found.short[row.id] = tuple(short)
    return found


def _urgency(order: WorkOrder) -> tuple[int, float, str]:
    return order.priority, order.due_at.timestamp() if order.due_at else float("inf"), order.number


def _stock(lots: Mapping[str, Mapping[str, Any]], horizon: Horizon) -> dict[str, list[list[Any]]]:
    """Lots by material as ``[available tick, quantity left]``, earliest first."""
    stock: dict[str, list[list[Any]]] = {}
    for body in lots.values():
        material = body.get("material")
        if not material:
            continue
        rows = stock.setdefault(material, [])
        disposition, available = body.get("disposition", "unrestricted"), body.get("available_at")
        if disposition in _UNUSABLE or (available is None and disposition != "unrestricted"):
            continue
        tick = max(0, horizon.ceil(datetime.fromisoformat(available))) if available else 0
        rows.append([tick, Decimal(body.get("quantity", "0"))])
    for rows in stock.values():
        rows.sort()
    return stock


def _take(lots: list[list[Any]], needed: Decimal) -> tuple[int, bool]:
    """Take a quantity from the earliest lots: when the last of it is there, and whether there was enough."""
    at = 0
    for lot in lots:
        if needed <= 0:
            break
        taken = min(lot[1], needed)
        if taken > 0:
            lot[1] -= taken
            needed -= taken
            at = lot[0]
    return at, needed <= 0
