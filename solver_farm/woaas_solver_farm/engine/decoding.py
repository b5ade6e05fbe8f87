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
    BASELINE_MACHINE,
    BASELINE_START,
    COST,
    DUE,
    FIRST_MODE,
    FIRST_PRED,
    FIRST_SUCC,
    FIRST_UNIT,
    FIXED_END,
    FIXED_MODE,
    FIXED_OPERATOR,
    FIXED_START,
    JOB_OF,
    JOB_RELEASE,
    LATEST_END,
    MACHINE,
    MACHINE_CALENDAR,
    OPERATOR_CLASS,
    PRED,
    PRED_LAG,
    RELEASE,
    SUCC,
    WEIGHT,
    Flat,
    at,
    number_at,
    size,
)
from .jit import kernel
from .placement import Load, Slot, commit, find_slot
from .tables import OUTSIDE, Tables

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# Columns of the running sums: the metrics in the order of problem.METRICS, then operations without a place.
WEIGHTED, TARDY, LATE, MAKESPAN, SETUP, FLOW, CHANGES, OUTSOURCING, UNPLACED = range(9)
SUMS = 9
NOWHERE = -NEVER


class Genes(NamedTuple):
    """What a search varies. Predecessors stand before their successors in ``order``, given places first of all.

    ``mode`` -1 takes the mode that ends first; ``not_before`` holds an operation back.
    """

    order: Ints
    mode: Ints
    not_before: Ints


class Plan(NamedTuple):
    """Places by operation; ``start`` and ``end`` are NOWHERE for an operation without one."""

    start: Ints
    end: Ints
    setup_start: Ints
    mode: Ints
    operator: Ints


class Trail(NamedTuple):
    """States saved every ``stride`` positions of an order, from which a changed order is decoded again.

    ``sums`` has one row more, for the whole plan.
    """

    states: Ints
    sums: Floats
    stride: Ints


def new_plan(count: int) -> Plan:
    """An empty plan of ``count`` operations."""
    start, end, setup_start, mode, operator = (np.full(count, fill, np.int64) for fill in (NOWHERE,) * 3 + (-1,) * 2)
    return Plan(start, end, setup_start, mode, operator)


def new_trail(t: Tables) -> Trail:
    """A trail whose first state is the plant before anything is planned."""
    count = t.job_of.size
    stride = max(8, math.isqrt(count))
    first = initial_state(t)
    states = np.zeros((count // stride + 1, first.size), np.int64)
    states[0] = first
    return Trail(states, np.zeros((len(states) + 1, SUMS)), np.array([stride], np.int64))


def initial_state(t: Tables) -> Ints:
    """One vector: machines free from and group, operators and tool pieces free from, jobs' operations left and end."""
    machines, operators, units = t.machine_calendar.size, t.operator_class.size, int(t.first_unit[-1])
    groups = t.machine_group.copy()
    for machine in range(machines):
        for given in t.machine_fixed[t.first_machine_fixed[machine] : t.first_machine_fixed[machine + 1]]:
            if t.fixed_end[given] <= 0 and t.group[given] >= 0:
                groups[machine] = t.group[given]
    sizes = np.diff(t.first_operation)
    zeros = np.zeros(machines, np.int64)
    return np.concatenate((zeros, groups, np.zeros(operators + units, np.int64), sizes, np.zeros_like(sizes)))


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
def choose(t: Flat, load: Load, operation: int, wanted: int, earliest: int, setup_bias: float) -> tuple[int, Slot]:
    """The wanted mode if it can meet the operation's latest end, else the mode with the best end.

    Ends count with ``setup_bias`` times their set-up, then by cost; outside only if nothing inside is in time.
    """
    best_mode, best = -1, Slot(NEVER, NEVER, NEVER, 0, -1, -1)
    best_key = np.inf
    first = at(t, FIRST_MODE, operation)
    for i in range(first if wanted < 0 else first - 1, at(t, FIRST_MODE, operation + 1)):
        mode = i if i >= first else wanted
        if i >= first and at(t, MACHINE, mode) == OUTSIDE and best_mode >= 0:
            continue
        slot = find_slot(t, load, operation, mode, earliest)
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


@kernel
def copy_row(source: Ints | Floats, row: int, target: Ints | Floats) -> None:
    """Copy one row between tables of one shape; a loop, because numba compiles slices ten times longer."""
    for i in range(source.shape[1]):
        target[row, i] = source[row, i]


def decode_all(t: Tables, flat: Flat, genes: Genes, prices: Floats) -> tuple[Plan, Trail, float]:
    """The plan of an order from its first operation to its last, the trail it leaves and its energy."""
    plan, trail = new_plan(t.job_of.size), new_trail(t)
    energy, _ = decode(flat, genes, 0, trail, plan, prices, np.inf, Known(genes.order.size, genes.order, plan, trail))
    return plan, trail, energy


class Known(NamedTuple):
    """The plan a change started from: what is decoded need not be decoded again where nothing differs any more.

    From position ``unchanged`` on the order and choices are the same; the inverse of the order is ``position``.
    """

    unchanged: int
    position: Ints
    plan: Plan
    trail: Trail


@kernel
def decode(
    t: Flat, genes: Genes, begin: int, trail: Trail, plan: Plan, prices: Floats, ceiling: float, known: Known
) -> tuple[float, int]:
    """Place ``order[begin:]``; the plan's energy (``prices`` times its sums) and the position decoded to.

    Stops once the energy is above ``ceiling``, or where the state is again the known plan's. The trail must hold the
    state at ``begin``, a multiple of its stride; later states are written to it, after the last one the final sums.
    """
    stride = trail.stride[0]
    state = trail.states[begin // stride].copy()
    sums = trail.sums[begin // stride].copy()
    load = load_of(t, state)
    jobs = size(t, DUE)
    left = state[state.size - 2 * jobs : state.size - jobs]
    job_end = state[state.size - jobs :]
    for position in range(begin, genes.order.size):
        if position % stride == 0:
            row = position // stride
            if position >= known.unchanged and _has_settled(t, genes, begin, position, state, plan, known):
                last = trail.sums.shape[0] - 1
                for i in range(SUMS):
                    trail.sums[row, i] = sums[i]
                    sums[i] += known.trail.sums[last, i] - known.trail.sums[row, i]
                return _energy(prices, sums), position
            for i in range(state.size):
                trail.states[row, i] = state[i]
            for i in range(SUMS):
                trail.sums[row, i] = sums[i]
        operation = int(genes.order[position])
        if at(t, FIXED_MODE, operation) >= 0:
            put_given(t, plan, operation)
        else:
            earliest = earliest_run(t, plan, operation)
            mode, slot = -1, Slot(NEVER, NEVER, NEVER, 0, -1, -1)
            if earliest < NEVER:
                earliest = max(earliest, genes.not_before[operation])
                mode, slot = choose(t, load, operation, genes.mode[operation], earliest, 0.0)
            put(t, load, plan, operation, mode, slot)
            sums[SETUP] += slot.setup
        if _account(t, plan, operation, left, job_end, sums):
            energy = _energy(prices, sums)
            if energy > ceiling:
                return energy, position
    for i in range(SUMS):
        trail.sums[trail.sums.shape[0] - 1, i] = sums[i]
    return _energy(prices, sums), genes.order.size


@kernel
def _has_settled(t: Flat, genes: Genes, begin: int, position: int, state: Ints, plan: Plan, known: Known) -> bool:
    """True if nothing placed from here on can tell the decoded plan from the known one."""
    row = position // known.trail.stride[0]
    for i in range(state.size):
        if state[i] != known.trail.states[row, i]:
            return False
    for i in range(begin, position):
        operation = genes.order[i]
        if plan.end[operation] != known.plan.end[operation]:
            for s in range(at(t, FIRST_SUCC, operation), at(t, FIRST_SUCC, operation + 1)):
                if known.position[at(t, SUCC, s)] >= position:
                    return False
    return True


@kernel
def _energy(prices: Floats, sums: Floats) -> float:
    energy = 0.0
    for i in range(SUMS):
        energy += prices[i] * sums[i]
    return energy


@kernel
def _account(t: Flat, plan: Plan, operation: int, left: Ints, job_end: Ints, sums: Floats) -> bool:
    """Add a placed operation to the sums; true when it was the last of its job."""
    job, end, mode = at(t, JOB_OF, operation), plan.end[operation], plan.mode[operation]
    machine = at(t, MACHINE, mode) if mode >= 0 else -4
    if mode < 0:
        sums[UNPLACED] += 1
        end = NEVER
    elif machine == OUTSIDE:
        sums[OUTSOURCING] += number_at(t, COST, mode)
    if at(t, BASELINE_MACHINE, operation) != -2 and (
        machine != at(t, BASELINE_MACHINE, operation) or plan.start[operation] != at(t, BASELINE_START, operation)
    ):
        sums[CHANGES] += 1
    job_end[job] = max(job_end[job], end)
    left[job] -= 1
    if left[job] > 0:
        return False
    finished, job_end[job] = job_end[job], 0  # what is over must not tell two states apart
    if finished >= NEVER:
        sums[LATE] += at(t, DUE, job) < NEVER  # without a due time an order is never late
        return True
    late = max(0, finished - at(t, DUE, job))
    sums[TARDY] += late
    sums[WEIGHTED] += number_at(t, WEIGHT, job) * late
    sums[LATE] += late > 0
    sums[MAKESPAN] = max(sums[MAKESPAN], finished)
    sums[FLOW] += finished - at(t, JOB_RELEASE, job)
    return True
