"""When material is there, as the solver counts time."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from woaas_solver_farm.horizon import Horizon
from woaas_work_orders.orders.entities import Operation, WorkOrder
from woaas_work_orders.orders.lifecycle import OPERATION_ENDED
from woaas_work_orders.orders.pegging import Demand, peg, urgency


class MaterialDates(NamedTuple):
    """By operation: the release tick, the material that comes last, and the materials that are short."""

    releases: dict[UUID, int]
    awaited: dict[UUID, str]
    short: dict[UUID, tuple[str, ...]]


def material_dates(
    orders: Sequence[tuple[WorkOrder, Sequence[Operation]]], lots: Mapping[str, Mapping[str, Any]], horizon: Horizon
) -> MaterialDates:
    """The tick from which each operation's material is there.

    Where all lots together do not suffice, the operation waits for the last of them and the material is short; what
    is kitted needs nothing more.
    """
    demands = (
        Demand(row.id, urgency(head.priority, head.due_at, head.number), row.materials)
        for head, rows in orders
        for row in rows
        if row.state not in OPERATION_ENDED and row.needs_material and not row.started_at
    )
    found = MaterialDates({}, {}, {})
    for operation_id, peggings in peg(demands, lots.values()).items():
        ticks = [(max(0, horizon.ceil(p.complete_at)), p.material) for p in peggings if p.complete_at is not None]
        found.releases[operation_id], last = max(ticks, default=(0, ""))
        if last:
            found.awaited[operation_id] = last
        if short := tuple(p.material for p in peggings if p.missing > 0):
            found.short[operation_id] = short
    return found
