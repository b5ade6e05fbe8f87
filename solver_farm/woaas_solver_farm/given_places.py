"""Places a plan must keep: what runs now, and what the plan in force froze or a planner pinned."""

from collections.abc import Mapping
from uuid import UUID

from woaas_solver_farm.horizon import Horizon
from woaas_solver_farm.plant import Plant
from woaas_solver_farm.problem import Fixed
from woaas_solver_farm.snapshot import PlannedSlot, Snapshot
from woaas_solver_farm.work import Work
from woaas_work_orders.orders.entities import Operation, WorkOrder
from woaas_work_orders.orders.lifecycle import OPERATION_ENDED, OperationState

_RUNNING = (OperationState.RUNNING, OperationState.SUSPENDED)


def given_places(
    snapshot: Snapshot, plant: Plant, work: Work, horizon: Horizon, *, frozen_until: int
) -> dict[UUID, Fixed]:
    """Running operations at their machine until their remaining work is done, then frozen and pinned places.

    A frozen place is kept only while it can be: not in the past, on a machine that is up and free then, after
    predecessors that are given too and end in time. Otherwise the operation is planned anew.
    """
    found: dict[UUID, Fixed] = {}
    for order, rows in snapshot.orders:
        for row in rows:
            if row.state in _RUNNING and (running := _running(plant, work, horizon, order, row)) is not None:
                found[row.id] = running
    busy: dict[str, list[Fixed]] = {}
    for given in found.values():
        busy.setdefault(given.machine, []).append(given)
    slots = {s.operation_id: s for s in snapshot.baseline}
    for _, rows in snapshot.orders:
        by_sequence = {o.sequence: o for o in rows if o.state not in OPERATION_ENDED}
        for row in sorted(by_sequence.values(), key=lambda o: o.sequence):
            slot = slots.get(row.id)
            if row.id in found or slot is None:
                continue
            place = _kept(plant, horizon, row, slot, frozen_until)
            if place is None or not _follows(place, row, by_sequence, found):
                continue
            if any(place.start < g.end and g.start < place.end for g in busy.get(place.machine, ())):
                continue
            found[row.id] = place
            busy.setdefault(place.machine, []).append(place)
    return found


def _running(plant: Plant, work: Work, horizon: Horizon, order: WorkOrder, row: Operation) -> Fixed | None:
    codes = (row.work_center, row.planned_work_center, *row.work_centers)
    machine = next((c for c in codes if c in plant.work_centers), None)
    if machine is None or row.started_at is None:
        return None
    return Fixed(
        machine=machine,
        start=min(0, horizon.floor(row.started_at)),
        end=plant.working_end(machine, 0, max(1, work.run(order, row, machine).ticks)),
        operator=row.operator if row.operator in plant.people else None,
    )


def _kept(plant: Plant, horizon: Horizon, row: Operation, slot: PlannedSlot, frozen_until: int) -> Fixed | None:
    start = horizon.ceil(slot.start_at)
    if slot.work_center is None or slot.work_center not in plant.able_now or row.contract_id is not None or start < 0:
        return None
    if not slot.pinned and start >= frozen_until:
        return None
    return Fixed(
        machine=slot.work_center,
        start=start,
        end=horizon.ceil(slot.end_at),
        operator=slot.operator if slot.operator in plant.people else None,
    )


def _follows(place: Fixed, row: Operation, by_sequence: Mapping[int, Operation], found: Mapping[UUID, Fixed]) -> bool:
    for sequence in row.predecessors:
        if sequence in by_sequence:
            before = found.get(by_sequence[sequence].id)
            if before is None or before.end > place.start:
                return False
    return True
