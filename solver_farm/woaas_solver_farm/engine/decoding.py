"""From an order of operations to a plan: each is placed in turn, as early as what came before allows.

Every plan in which nothing can start earlier without changing a sequence is reached by some order (Sprecher,
Kolisch and Drexl 1995), so a search over orders, modes and not-before times searches plans.
"""

# pyright: reportArgumentType=false, reportReturnType=false
# Pyright takes an element of an array for an array; mypy checks these lines.

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .calendars import NEVER
from .flat import (
    COST,
    FIRST_MODE,
    FIRST_PRED,
    FIRST_UNIT,
    FIXED_END,
    FIXED_MODE,
    FIXED_OPERATOR,
    FIXED_START,
    LATEST_END,
    MACHINE,
    MACHINE_CALENDAR,
    OPERATOR_CLASS,
    PRED,
    PRED_LAG,
    RELEASE,
    Flat,
    at,
    number_at,
    size,
)
from .jit import bare, kernel
from .placement import Load, Slot, commit, find_slot, no_slot
from .tables import OUTSIDE, Tables

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# Columns of the running sums: the metrics in the order of problem.METRICS, then operations without a place.
WEIGHTED, TARDY, LATE, MAKESPAN, SETUP, FLOW, CHANGES, OUTSOURCING, UNPLACED = range(9)
SUMS = 9
NOWHERE = -NEVER


class Genes(NamedTuple):
    """What a search varies. Predecessors stand before their successors in ``order``, given places first of all.

    ``mode`` -1 takes the mode that ends first; ``not_before`` holds an operation back. The ``operator`` does it in
    this mode unless somebody else ends it earlier; -1 is whoever comes first in the team.
    """

    order: Ints
    mode: Ints
    not_before: Ints
    operator: Ints


class Plan(NamedTuple):
    """Places by operation; ``start`` and ``end`` are NOWHERE for an operation without one."""

    start: Ints
    end: Ints
    setup_start: Ints
    mode: Ints
    operator: Ints


class Booking(NamedTuple):
    """What else a search must know of a place, by operation: ``setup``, ``group`` and ``waits`` of its Slot."""

    setup: Ints
    group: Ints
    waits: Ints


class Trail(NamedTuple):
    """The resources' states before every ``stride``-th position of an order, to decode a changed order from."""

    states: Ints
    stride: int


def new_plan(count: int) -> Plan:
    """An empty plan of ``count`` operations."""
    start, end, setup_start, mode, operator = (np.full(count, fill, np.int64) for fill in (NOWHERE,) * 3 + (-1,) * 2)
    return Plan(start, end, setup_start, mode, operator)


def new_booking(count: int) -> Booking:
    """Nothing booked."""
    return Booking(np.zeros(count, np.int64), np.full(count, -1, np.int64), np.zeros(count, np.int64))


def new_trail(t: Tables) -> Trail:
    """A trail whose first state is the plant before anything is planned."""
    stride = max(8, math.isqrt(t.job_of.size))
    first = initial_state(t)
    states = np.zeros((t.job_of.size // stride + 1, first.size), np.int64)
    states[0] = first
    return Trail(states, stride)


def initial_state(t: Tables) -> Ints:
    """One vector: machines free from and group, operators and tool pieces free from."""
    machines, operators, units = t.machine_calendar.size, t.operator_class.size, int(t.first_unit[-1])
    groups = t.machine_group.copy()
    for machine in range(machines):
        for given in t.machine_fixed[t.first_machine_fixed[machine] : t.first_machine_fixed[machine + 1]]:
            if t.fixed_end[given] <= 0 and t.group[given] >= 0:
                groups[machine] = t.group[given]
    return np.concatenate((np.zeros(machines, np.int64), groups, np.zeros(operators + units, np.int64)))


@kernel
def load_of(t: Flat, state: Ints) -> Load:
    """The resources' part of a state vector, as views."""
    machines, operators, units = (
        size(t, MACHINE_CALENDAR),
        size(t, OPERATOR_CLASS),
        at(t, FIRST_UNIT, size(t, FIRST_UNIT) - 1),
    )
    people = 2 * machines
    tools = people + operators
    return Load(state[:machines], state[machines:people], state[people:tools], state[tools : tools + units])


@kernel
def choose(
    t: Flat, load: Load, operation: int, wanted: int, operator: int, earliest: int, setup_bias: float
) -> tuple[int, Slot]:
    """The wanted mode (and operator) if it can meet the operation's latest end, else the mode with the best end.

    Ends count with ``setup_bias`` times their set-up, then by cost; outside only if nothing inside is in time.
    """
    best_mode, best = -1, no_slot()
    best_key = np.inf
    first = at(t, FIRST_MODE, operation)
    for i in range(first if wanted < 0 else first - 1, at(t, FIRST_MODE, operation + 1)):
        mode = i if i >= first else wanted
        if i >= first and at(t, MACHINE, mode) == OUTSIDE and best_mode >= 0:
            continue
        slot = find_slot(t, load, operation, mode, operator if i < first else -1, earliest)
        if slot.end >= NEVER or slot.end > at(t, LATEST_END, operation):
            continue
        if i < first:
            return mode, slot
        key = slot.end + setup_bias * slot.setup
        if key < best_key or (key == best_key and number_at(t, COST, mode) < number_at(t, COST, best_mode)):
            best_mode, best, best_key = mode, slot, key
    return best_mode, best


@kernel
def earliest_run(t: Flat, plan: Plan, operation: int) -> int:
    """When release and predecessors allow the run to start; NEVER if a predecessor has no place."""
    earliest = at(t, RELEASE, operation)
    for p in range(at(t, FIRST_PRED, operation), at(t, FIRST_PRED, operation + 1)):
        end = plan.end[at(t, PRED, p)]
        if end == NOWHERE:
            return NEVER
        earliest = max(earliest, end + at(t, PRED_LAG, p))
    return earliest


@kernel
def put(t: Flat, load: Load, plan: Plan, operation: int, mode: int, slot: Slot) -> None:
    """Write a chosen place into the plan and book it; without a mode the operation has no place."""
    plan.mode[operation] = mode
    plan.operator[operation] = slot.operator
    if mode < 0:
        plan.start[operation] = plan.end[operation] = plan.setup_start[operation] = NOWHERE
        return
    plan.start[operation], plan.end[operation] = slot.start, slot.end
    plan.setup_start[operation] = slot.setup_start
    commit(t, load, operation, mode, slot)


@kernel
def put_given(t: Flat, plan: Plan, operation: int) -> None:
    """Write a given place into the plan; the resources already know of it."""
    plan.mode[operation], plan.operator[operation] = at(t, FIXED_MODE, operation), at(t, FIXED_OPERATOR, operation)
    plan.start[operation], plan.end[operation] = at(t, FIXED_START, operation), at(t, FIXED_END, operation)
    plan.setup_start[operation] = at(t, FIXED_START, operation)


def decode_all(t: Tables, flat: Flat, genes: Genes) -> tuple[Plan, Booking, Trail]:
    """The plan of an order from its first operation to its last, and what a search needs to go on from it."""
    count = t.job_of.size
    plan, booking, trail = new_plan(count), new_booking(count), new_trail(t)
    if count:
        _decode(flat, genes, plan, booking, trail)
    return plan, booking, trail


@kernel
def _place(t: Flat, load: Load, plan: Plan, genes: Genes, operation: int) -> Slot:
    """Place an operation as early as can be, in the wanted mode or the best one, and book it."""
    earliest = earliest_run(t, plan, operation)
    mode, slot = -1, no_slot()
    if earliest < NEVER:
        earliest = max(earliest, genes.not_before[operation])
        mode, slot = choose(t, load, operation, genes.mode[operation], genes.operator[operation], earliest, 0.0)
    put(t, load, plan, operation, mode, slot)
    return slot


@kernel
def _decode(t: Flat, genes: Genes, plan: Plan, booking: Booking, trail: Trail) -> None:
    t = bare(t)
    state = trail.states[0].copy()
    load = load_of(t, state)
    for position in range(genes.order.size):
        if position % trail.stride == 0:
            row = position // trail.stride
            for i in range(state.size):
                trail.states[row, i] = state[i]
        operation = int(genes.order[position])
        if at(t, FIXED_MODE, operation) >= 0:
            put_given(t, plan, operation)
        else:
            slot = _place(t, load, plan, genes, operation)
            booking.setup[operation], booking.group[operation] = slot.setup, slot.group
            booking.waits[operation] = slot.waits
