"""The first plan, for a problem of any size: a machine that falls free takes the most urgent waiting operation.

Urgency is the apparent tardiness cost with set-ups and ready times (ATCS: Lee, Bhaskaran and Pinedo 1997; ready
times: Pfund et al. 2008), in logarithms. The operation then takes the mode that ends first.
"""

# pyright: reportArgumentType=false, reportReturnType=false
# Pyright takes an element of an array for an array; mypy checks these lines.

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .calendars import NEVER
from .decoding import (
    Booking,
    Genes,
    Plan,
    choose,
    earliest_run,
    initial_state,
    load_of,
    new_booking,
    new_plan,
    put,
    put_given,
)
from .flat import (
    DURATION,
    FIRST_MODE,
    FIRST_PRED,
    FIRST_SUCC,
    FIXED_MODE,
    GROUP,
    JOB_OF,
    MACHINE,
    MACHINE_CALENDAR,
    PRED,
    SUCC,
    WEIGHT,
    Flat,
    at,
    number_at,
    size,
)
from .jit import bare, kernel
from .placement import Load, changeover
from .tables import OUTSIDE, Tables
from .working_time import earliest_fit

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


# Ticks between two ranks: beyond any horizon, and a million ranks still fit into 64 bits.
_RANK_APART = 2**40


class Rule(NamedTuple):
    """How urgency is weighed: the smaller a scale, the more slack, set-up or waiting counts.

    ``signed`` lets lateness raise urgency further; ``setup_bias`` counts set-up when modes are compared.
    """

    slack: float
    setup: float
    waiting: float
    signed: float
    setup_bias: float


class _Queues(NamedTuple):
    """Waiting operations by machine, each with its mode there."""

    first: Ints
    size: Ints
    operation: Ints
    mode: Ints
    visit: Ints


def first_rules() -> list[Rule]:
    """The rules worth trying first."""
    return [
        Rule(slack, setup, 0.2, signed, bias)
        for slack, setup, bias in (
            (20.0, 0.1, 0.0),
            (4.0, 0.1, 0.0),
            (4.0, 0.3, 0.0),
            (20.0, 0.3, 0.0),
            (4.0, 0.05, 0.1),
            (1.0, 0.3, 0.0),
            (0.5, 1e6, 0.0),
        )
        for signed in (0.0, 1.0)
    ]


def dispatch(t: Tables, flat: Flat, rule: Rule) -> Genes:
    """The genes of the plan one rule makes; they decode to that plan."""
    return dispatch_to(t, flat, rule, wished_ends(t))[0]


def dispatch_to(t: Tables, flat: Flat, rule: Rule, wished: Ints) -> tuple[Genes, Plan, Booking]:
    """The plan one rule makes when every operation should end by its wished time, and its genes."""
    count = t.job_of.size
    plan, booking, order = new_plan(count), new_booking(count), np.full(count, -1, np.int64)
    _dispatch(flat, np.array(rule), initial_state(t), _new_queues(t), plan, booking, order, wished, _scales(t))
    return Genes(order, plan.mode, t.release.copy(), plan.operator), plan, booking


def dispatch_by_rank(t: Tables, flat: Flat, rank: Ints) -> Genes:
    """The genes of the plan in which the job of the lowest rank always goes first, of what waits at a machine.

    Ranks so far apart that neither slack nor weight matters beside them; nothing is waited for, set-ups do not count.
    """
    blind = Rule(slack=1.0, setup=np.inf, waiting=0.0, signed=1.0, setup_bias=0.0)
    return dispatch_to(t, flat, blind, (rank.astype(np.int64) * _RANK_APART)[t.job_of])[0]


def genes_of(t: Tables, flat: Flat, order: Ints, plan: Plan) -> Genes:
    """The genes of a plan in the order of its starts, given places first; ``order`` must respect predecessors.

    They decode to about the same plan, often a little earlier, as every resource is used in the order of time.
    """
    # What takes no time comes before what begins with it.
    keys = np.where(plan.start < 0, 4 * NEVER, 2 * plan.start + (plan.end > plan.start))
    keys = np.where(t.fixed_mode >= 0, -NEVER, keys)
    _not_before_predecessors(flat, order, keys)
    return Genes(
        order[np.argsort(keys[order], kind="stable")], plan.mode.copy(), t.release.copy(), plan.operator.copy()
    )


def _new_queues(t: Tables) -> _Queues:
    inside = t.machine[t.machine != OUTSIDE]
    sizes = np.bincount(inside, minlength=t.machine_calendar.size)
    first = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    return _Queues(
        first,
        np.zeros(sizes.size, np.int64),
        np.zeros(inside.size, np.int64),
        np.zeros(inside.size, np.int64),
        np.full(sizes.size, NEVER, np.int64),
    )


def wished_ends(t: Tables) -> Ints:
    """By operation, its job's due date less the work behind it.

    For a job without one it is the time by which the plant could be through with everything.
    """
    shortest = np.array(
        [t.duration[a:b].min() if b > a else 0 for a, b in zip(t.first_mode, t.first_mode[1:], strict=False)]
    )
    through = int(t.release.max(initial=0) + shortest.sum() / max(1, t.machine_calendar.size))
    return np.where(t.due >= NEVER, through, t.due)[t.job_of] - t.tail


def _scales(t: Tables) -> Floats:
    """Mean duration and mean set-up, the units in which slack and set-up are measured."""
    durations = t.duration[t.machine != OUTSIDE]
    setups = t.setup_matrix[t.setup_matrix > 0]
    return np.array(
        [max(1.0, durations.mean() if durations.size else 1.0), max(1.0, setups.mean() if setups.size else 1.0)]
    )


@kernel
def _not_before_predecessors(t: Flat, order: Ints, keys: Ints) -> None:
    for operation in order:
        if at(t, FIXED_MODE, operation) < 0:
            for p in range(at(t, FIRST_PRED, operation), at(t, FIRST_PRED, operation + 1)):
                keys[operation] = max(keys[operation], keys[at(t, PRED, p)])


@kernel
def _dispatch(
    t: Flat,
    rule: Floats,
    state: Ints,
    queues: _Queues,
    plan: Plan,
    booking: Booking,
    order: Ints,
    wished: Ints,
    scales: Floats,
) -> None:
    t, load = bare(t), load_of(t, state)
    missing = np.empty(size(t, JOB_OF), np.int64)
    for operation in range(missing.size):
        missing[operation] = at(t, FIRST_PRED, operation + 1) - at(t, FIRST_PRED, operation)
    ready = np.zeros(size(t, JOB_OF), np.int64)
    placed = 0
    stack = np.empty(size(t, JOB_OF), np.int64)
    top = 0
    for operation in range(size(t, JOB_OF)):
        if at(t, FIXED_MODE, operation) >= 0:
            put_given(t, plan, operation)
            order[placed] = operation
            placed += 1
    for i in range(placed):
        top = _release_successors(t, order[i], missing, stack, top)
    for operation in range(size(t, JOB_OF)):
        if at(t, FIRST_PRED, operation) == at(t, FIRST_PRED, operation + 1) and at(t, FIXED_MODE, operation) < 0:
            stack[top] = operation
            top += 1
    while placed < order.size:
        while top > 0:
            operation = int(stack[top - 1])
            top -= 1
            ready[operation] = earliest_run(t, plan, operation)
            if not _enqueue(t, load, queues, operation, ready[operation]):
                top = _place(t, load, plan, booking, operation, ready[operation], 0.0, missing, stack, top)
                order[placed] = operation
                placed += 1
        if queues.visit.size == 0:
            break
        machine = int(np.argmin(queues.visit))
        if queues.visit[machine] >= NEVER:
            break
        operation = _most_urgent(t, rule, load, queues, plan, machine, ready, wished, scales)
        if operation >= 0:
            top = _place(t, load, plan, booking, operation, ready[operation], rule[4], missing, stack, top)
            order[placed] = operation
            placed += 1


@kernel
def _place(
    t: Flat,
    load: Load,
    plan: Plan,
    booking: Booking,
    operation: int,
    earliest: int,
    setup_bias: float,
    missing: Ints,
    stack: Ints,
    top: int,
) -> int:
    wait = earliest if earliest < NEVER else 0
    mode, slot = choose(
        t, load, operation, plan.mode[operation], -1, wait, setup_bias
    )  # not placed yet: no mode wanted
    put(t, load, plan, operation, mode if earliest < NEVER else -1, slot)
    booking.setup[operation], booking.group[operation] = slot.setup, slot.group
    booking.waits[operation] = slot.waits
    if plan.mode[operation] < 0:
        plan.start[operation] = -2 * NEVER  # placed nowhere, which is not the same as not yet placed
    return _release_successors(t, operation, missing, stack, top)


@kernel
def _release_successors(t: Flat, operation: int, missing: Ints, stack: Ints, top: int) -> int:
    for s in range(at(t, FIRST_SUCC, operation), at(t, FIRST_SUCC, operation + 1)):
        after = at(t, SUCC, s)
        missing[after] -= 1
        if missing[after] == 0 and at(t, FIXED_MODE, after) < 0:
            stack[top] = after
            top += 1
    return top


@kernel
def _enqueue(t: Flat, load: Load, queues: _Queues, operation: int, ready: int) -> bool:
    """Queue an operation at each machine it can run on; false if it needs none or can never run."""
    queued = False
    if ready >= NEVER:
        return False
    for mode in range(at(t, FIRST_MODE, operation), at(t, FIRST_MODE, operation + 1)):
        machine = at(t, MACHINE, mode)
        if machine != OUTSIDE:
            i = queues.first[machine] + queues.size[machine]
            queues.operation[i], queues.mode[i] = operation, mode
            queues.size[machine] += 1
            queues.visit[machine] = min(queues.visit[machine], max(ready, load.machine_free[machine]))
            queued = True
    return queued


@kernel
def _most_urgent(
    t: Flat,
    rule: Floats,
    load: Load,
    queues: _Queues,
    plan: Plan,
    machine: int,
    ready: Ints,
    wished: Ints,
    scales: Floats,
) -> int:
    """The operation a machine takes now, or -1 if it must be visited later; sets the next visit."""
    first = queues.first[machine]
    soonest = NEVER
    i = first
    while i < first + queues.size[machine]:
        operation = queues.operation[i]
        if plan.mode[operation] >= 0 or plan.start[operation] == -2 * NEVER:
            queues.size[machine] -= 1
            last = first + queues.size[machine]
            queues.operation[i], queues.mode[i] = queues.operation[last], queues.mode[last]
        else:
            soonest = min(soonest, ready[operation])
            i += 1
    now = int(max(soonest, load.machine_free[machine]))
    if now < NEVER:
        # A calendar that is over leaves its operations to be placed elsewhere, or nowhere, by the mode choice.
        opens = earliest_fit(t, at(t, MACHINE_CALENDAR, machine), now, 1)
        now = opens if opens < NEVER else now
    if now > queues.visit[machine]:
        queues.visit[machine] = now if soonest < NEVER else NEVER
        return -1
    best, best_urgency = -1, -np.inf
    for i in range(first, first + queues.size[machine]):
        operation, mode = queues.operation[i], queues.mode[i]
        wait = ready[operation] - now
        if wait > rule[2] * scales[0]:
            continue
        job = at(t, JOB_OF, operation)
        duration = max(1, at(t, DURATION, mode))
        slack = wished[operation] - duration - now
        if rule[3] == 0.0:
            slack = max(slack, 0)
        setup = changeover(t, machine, load.machine_group[machine], at(t, GROUP, operation))
        urgency = np.log(max(number_at(t, WEIGHT, job), 1e-3) / duration) - slack / (rule[0] * scales[0])
        urgency -= setup / (rule[1] * scales[1]) + max(0, wait) / scales[0]
        if urgency > best_urgency:
            best, best_urgency = operation, urgency
    return best
