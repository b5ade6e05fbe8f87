"""Places a plan must keep: what runs now, and what the plan in force froze or a planner pinned."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple
from uuid import UUID

from woaas_solver_farm.horizon import Horizon
from woaas_solver_farm.plant import Plant
from woaas_solver_farm.problem import Fixed
from woaas_solver_farm.snapshot import PlannedSlot, Snapshot
from woaas_solver_farm.work import Work
from woaas_work_orders.orders.entities import Operation, WorkOrder
from woaas_work_orders.orders.lifecycle import OPERATION_ENDED, OperationState

_RUNNING = (OperationState.RUNNING, OperationState.SUSPENDED)
Why = Literal["running", "frozen", "pinned", "kept"]


class Given(NamedTuple):
    """A place that a plan must keep, and why."""

    place: Fixed
    why: Why


class GivenPlaces(NamedTuple):
    """The places to keep, and why a pin could not be honoured, both by operation."""

    places: dict[UUID, Given]
    lost_pins: dict[UUID, str]


def given_places(snapshot: Snapshot, plant: Plant, work: Work, horizon: Horizon, *, frozen_until: int) -> GivenPlaces:
    """Running operations at their machine until their remaining work is done, then pinned and frozen places.

    A place is kept only while it can be: not in the past, on a machine that is up and free then. What is frozen also
    needs predecessors that are given too and end in time; before a pin they may be planned freely, to end in time.
    Otherwise the operation is planned anew; what happened to a pin is told.
    """
    found: dict[UUID, Given] = {}
    for order, rows in snapshot.orders:
        for row in rows:
            if row.state in _RUNNING and (running := _running(plant, work, horizon, order, row)) is not None:
                found[row.id] = Given(running, "running")
    busy: dict[str, list[Fixed]] = {}
    for given in found.values():
        busy.setdefault(given.place.machine, []).append(given.place)
    slots = {s.operation_id: s for s in snapshot.baseline}
    lost: dict[UUID, str] = {}
    # Pins first: where a frozen place is in the way of one, the frozen place gives way.
    for pinned in (True, False):
        for row, slot, by_sequence in _slots_of(snapshot, slots, pinned=pinned):
            is_wanted = slot.pinned or slot.kept or horizon.ceil(slot.start_at) < frozen_until
            if row.id in found or not is_wanted:
                continue
            place, obstacle = _place(plant, horizon, row, slot)
            if place is not None and not obstacle:
                obstacle = _obstacle(place, row, by_sequence, found, busy, may_be_open=slot.pinned)
            if place is not None and not obstacle:
                found[row.id] = Given(place, "pinned" if slot.pinned else "kept" if slot.kept else "frozen")
                busy.setdefault(place.machine, []).append(place)
            elif slot.pinned:
                lost[row.id] = obstacle
    return GivenPlaces(found, lost)


def _slots_of(
    snapshot: Snapshot, slots: Mapping[UUID, PlannedSlot], *, pinned: bool
) -> Iterator[tuple[Operation, PlannedSlot, Mapping[int, Operation]]]:
    """Open operations with their slots and the open operations of their order, in the order of the sequence."""
    for _, rows in snapshot.orders:
        by_sequence = {o.sequence: o for o in rows if o.state not in OPERATION_ENDED}
        for row in sorted(by_sequence.values(), key=lambda o: o.sequence):
            slot = slots.get(row.id)
            if slot is not None and slot.pinned is pinned:
                yield row, slot, by_sequence


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


def _place(plant: Plant, horizon: Horizon, row: Operation, slot: PlannedSlot) -> tuple[Fixed | None, str]:
    """The place of a slot, or what stands against it."""
    if slot.work_center is None or row.contract_id is not None:
        return None, "outsourced"
    if slot.work_center not in plant.able_now:
        return None, "work_center"
    start = horizon.ceil(slot.start_at)
    if start < 0:
        return None, "past"
    operator = slot.operator if slot.operator in plant.people else None
    return Fixed(machine=slot.work_center, start=start, end=horizon.ceil(slot.end_at), operator=operator), ""


def _obstacle(
    place: Fixed,
    row: Operation,
    by_sequence: Mapping[int, Operation],
    found: Mapping[UUID, Given],
    busy: Mapping[str, Sequence[Fixed]],
    *,
    may_be_open: bool,
) -> str:
    """What among the places given so far stands against another one, or nothing."""
    if any(place.start < g.end and g.start < place.end for g in busy.get(place.machine, ())):
        return "machine"
    for sequence in row.predecessors:
        if sequence in by_sequence:
            before = found.get(by_sequence[sequence].id)
            if before is None and may_be_open:
                continue
            if before is None or before.place.end > place.start:
                return "predecessor"
    return ""
