"""When material is there, as the solver counts time."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from woaas_core.ids import encode_id
from woaas_solver_farm.horizon import Horizon
from woaas_work_orders.orders.entities import Operation, WorkOrder
from woaas_work_orders.orders.lifecycle import OPERATION_ENDED
from woaas_work_orders.orders.pegging import Demand, peg, urgency


class MaterialDates(NamedTuple):
    """Release ticks by operation, and notes of what is short by the operation's wire id."""

    releases: dict[UUID, int]
    notes: dict[str, tuple[str, ...]]


def material_dates(
    orders: Sequence[tuple[WorkOrder, Sequence[Operation]]], lots: Mapping[str, Mapping[str, Any]], horizon: Horizon
) -> MaterialDates:
    """The tick from which each operation's material is there.

    Where all lots together do not suffice, the operation waits for the last of them and carries a note; what is
    kitted needs nothing more.
    """
    demands = (
        Demand(row.id, urgency(head.priority, head.due_at, head.number), row.materials)
        for head, rows in orders
        for row in rows
        if row.state not in OPERATION_ENDED and row.needs_material and not row.started_at
    )
    found = MaterialDates({}, {})
    for operation_id, peggings in peg(demands, lots.values()).items():
        times = [p.complete_at for p in peggings]
        found.releases[operation_id] = max((max(0, horizon.ceil(at)) for at in times if at is not None), default=0)
        short = tuple(f"material_short:{p.material}" for p in peggings if p.missing > 0)
        if short:
            found.notes[encode_id("op", operation_id)] = short
    return found
