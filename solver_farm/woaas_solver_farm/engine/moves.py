"""The small changes a search tries, aimed where a plan loses: at the chain of operations that makes a job late."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .decoding import CHANGES, MAKESPAN, NOWHERE, SETUP, WEIGHTED, Genes, Plan
from .flat import (
    BASELINE_MACHINE,
    BASELINE_START,
    DUE,
    FIRST_MODE,
    FIRST_OPERATION,
    FIRST_PRED,
    FIRST_SUCC,
    FIXED_MODE,
    GROUP,
    JOB_OF,
    MACHINE,
    MACHINE_FIXED,
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
from .tables import OUTSIDE

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Words = npt.NDArray[np.uint64]

_SHIFT, _MODE, _HOLD = 0, 1, 2
_LOG_SIZE = 256
_CHAIN = 64


class Log(NamedTuple):
    """What a move changed, in order, so that it can be undone: kind, operation or position, value before."""

    kind: Ints
    where: Ints
    before: Ints
    size: Ints


def new_log() -> Log:
    """An empty log."""
    kind, where, before = (np.zeros(_LOG_SIZE, np.int64) for _ in range(3))
    return Log(kind, where, before, np.zeros(1, np.int64))


@kernel
def random_below(numbers: Words, bound: int) -> int:
    """A number in ``[0, bound)`` by xorshift64* (Vigna 2016); ``numbers[0]`` is the state."""
    x = numbers[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    numbers[0] = x
    return int(((x * np.uint64(0x2545F4914F6CDD1D)) >> np.uint64(33)) % np.uint64(max(1, bound)))


@kernel
def undo(genes: Genes, position: Ints, log: Log) -> None:
    """Take back everything in the log."""
    for i in range(log.size[0] - 1, -1, -1):
        if log.kind[i] == _SHIFT:
            _reorder(genes.order, position, log.where[i], log.before[i])
        elif log.kind[i] == _MODE:
            genes.mode[log.where[i]] = log.before[i]
        else:
            genes.not_before[log.where[i]] = log.before[i]
    log.size[0] = 0


@kernel
def last_touched(position: Ints, log: Log) -> int:
    """The last position whose operation, mode or hold the log changed."""
    last = -1
    for i in range(log.size[0]):
        where = int(log.where[i])
        last = max(last, where, int(log.before[i])) if log.kind[i] == _SHIFT else max(last, int(position[where]))
    return last


@kernel
def move(t: Flat, genes: Genes, position: Ints, plan: Plan, log: Log, numbers: Words, prices: Floats) -> int:
    """Change the genes and return the first position that may decode differently; all of them if nothing changed."""
    log.size[0] = 0
    untouched = genes.order.size
    if size(t, MACHINE_FIXED) >= untouched:
        return untouched
    dice = random_below(numbers, 100)
    if prices[CHANGES] > 0 and dice < 10:
        return _toggle_hold(t, genes, position, log, _any_operation(t, genes, numbers))
    if prices[SETUP] > 0 and dice < 30:
        return _join_group(t, genes, position, plan, log, numbers)
    if dice < 45:
        operation = _any_operation(t, genes, numbers)
        if random_below(numbers, 3) == 0:
            return _change_mode(t, genes, position, log, numbers, operation)
        reach = 1 + random_below(numbers, max(2, min(200, untouched // 4)))
        offset = reach if random_below(numbers, 2) else -reach
        return _shift(t, genes, position, log, position[operation], position[operation] + offset)
    target = _painful_operation(t, genes, plan, numbers, prices)
    if dice < 52:
        return _pull_job(t, genes, position, log, numbers, at(t, JOB_OF, target))
    return _break_chain(t, genes, position, plan, log, numbers, target)


@kernel
def _any_operation(t: Flat, genes: Genes, numbers: Words) -> int:
    given = size(t, MACHINE_FIXED)
    return genes.order[given + random_below(numbers, genes.order.size - given)]


@kernel
def _painful_operation(t: Flat, genes: Genes, plan: Plan, numbers: Words, prices: Floats) -> int:
    """The last operation of a job that costs: of the latest job, or of the worst of a few drawn by lot."""
    if prices[MAKESPAN] > 0 and random_below(numbers, 4) > 0:
        return int(np.argmax(plan.end))
    best, best_pain = -1, -np.inf
    for _ in range(4):
        job = random_below(numbers, size(t, DUE))
        last = at(t, FIRST_OPERATION, job)
        for operation in range(last + 1, at(t, FIRST_OPERATION, job + 1)):
            if plan.end[operation] > plan.end[last]:
                last = operation
        late = max(0, plan.end[last] - at(t, DUE, job))
        pain = number_at(t, WEIGHT, job) * late if prices[WEIGHTED] > 0 else late
        if best < 0 or pain > best_pain:
            best, best_pain = last, pain
    return best


@kernel
def _break_chain(t: Flat, genes: Genes, position: Ints, plan: Plan, log: Log, numbers: Words, target: int) -> int:
    """Follow what holds the target back to the start; at one link by lot change sequence or mode."""
    link, blocker, links = -1, -1, 0
    flexible, choices = -1, 0
    operation = target
    for _ in range(_CHAIN):
        if at(t, FIXED_MODE, operation) >= 0 or plan.start[operation] == NOWHERE:
            break
        if at(t, FIRST_MODE, operation + 1) - at(t, FIRST_MODE, operation) > 1:
            choices += 1
            if random_below(numbers, choices) == 0:
                flexible = operation
        before, latest = -1, at(t, RELEASE, operation)
        for p in range(at(t, FIRST_PRED, operation), at(t, FIRST_PRED, operation + 1)):
            bound = plan.end[at(t, PRED, p)] + at(t, PRED_LAG, p)
            if bound > latest:
                before, latest = at(t, PRED, p), bound
        neighbour = _machine_neighbour(t, genes, position[operation], plan, operation, -1)
        if neighbour >= 0 and at(t, FIXED_MODE, neighbour) < 0:
            bound = plan.end[neighbour] + plan.start[operation] - plan.setup_start[operation]
            if bound >= latest:
                before = neighbour
                links += 1
                if random_below(numbers, links) == 0:
                    link, blocker = operation, neighbour
        if before < 0:
            break
        operation = before
    if flexible >= 0 and (link < 0 or random_below(numbers, 3) == 0):
        return _change_mode(t, genes, position, log, numbers, flexible)
    if link < 0:
        return genes.order.size
    if random_below(numbers, 2):
        goal = blocker
        while random_below(numbers, 3) == 0:
            further = _machine_neighbour(t, genes, position[goal], plan, goal, -1)
            if further < 0:
                break
            goal = further
        return _shift(t, genes, position, log, position[link], position[goal])
    goal = link
    while random_below(numbers, 3) == 0:
        further = _machine_neighbour(t, genes, position[goal], plan, goal, 1)
        if further < 0:
            break
        goal = further
    return _shift(t, genes, position, log, position[blocker], position[goal])


@kernel
def _machine_neighbour(t: Flat, genes: Genes, spot: int, plan: Plan, operation: int, step: int) -> int:
    """The operation before (-1) or after (+1) on the same machine, or -1."""
    machine = at(t, MACHINE, plan.mode[operation]) if plan.mode[operation] >= 0 else OUTSIDE
    if machine == OUTSIDE:
        return -1
    i = spot + step
    while 0 <= i < genes.order.size:
        other = int(genes.order[i])
        if plan.mode[other] >= 0 and at(t, MACHINE, plan.mode[other]) == machine:
            return other
        i += step
    return -1


@kernel
def _join_group(t: Flat, genes: Genes, position: Ints, plan: Plan, log: Log, numbers: Words) -> int:
    """Bring an operation next to one of its set-up group on its machine."""
    operation = _any_operation(t, genes, numbers)
    if at(t, GROUP, operation) < 0:
        return genes.order.size
    step = 1 if random_below(numbers, 2) else -1
    other = _machine_neighbour(t, genes, position[operation], plan, operation, step)
    for _ in range(30):
        if other < 0:
            return genes.order.size
        following = _machine_neighbour(t, genes, position[other], plan, other, step)
        if at(t, GROUP, other) == at(t, GROUP, operation) and random_below(numbers, 2):
            return _shift(t, genes, position, log, position[operation], position[other])
        other = following
    return genes.order.size


@kernel
def _pull_job(t: Flat, genes: Genes, position: Ints, log: Log, numbers: Words, job: int) -> int:
    """Move all operations of a job forward by about as much."""
    reach = 1 + random_below(numbers, max(2, genes.order.size // 4))
    begin = genes.order.size
    for operation in range(
        at(t, FIRST_OPERATION, job), min(at(t, FIRST_OPERATION, job + 1), at(t, FIRST_OPERATION, job) + 100)
    ):
        begin = min(begin, _shift(t, genes, position, log, position[operation], position[operation] - reach))
    return begin


@kernel
def _change_mode(t: Flat, genes: Genes, position: Ints, log: Log, numbers: Words, operation: int) -> int:
    count = at(t, FIRST_MODE, operation + 1) - at(t, FIRST_MODE, operation)
    if count < 2 or at(t, FIXED_MODE, operation) >= 0:
        return genes.order.size
    mode = at(t, FIRST_MODE, operation) + random_below(numbers, count)
    if mode == genes.mode[operation]:
        mode = -1
    _note(log, _MODE, operation, genes.mode[operation])
    genes.mode[operation] = mode
    return position[operation]


@kernel
def _toggle_hold(t: Flat, genes: Genes, position: Ints, log: Log, operation: int) -> int:
    """Hold an operation back to its published start, or let it go again."""
    if at(t, BASELINE_MACHINE, operation) == -2:
        return genes.order.size
    held = genes.not_before[operation] > at(t, RELEASE, operation)
    _note(log, _HOLD, operation, genes.not_before[operation])
    genes.not_before[operation] = at(t, RELEASE, operation) if held else at(t, BASELINE_START, operation)
    return position[operation]


@kernel
def _shift(t: Flat, genes: Genes, position: Ints, log: Log, source: int, goal: int) -> int:
    """Move the operation at ``source`` towards ``goal``, as far as predecessors and successors let it."""
    operation = genes.order[source]
    if at(t, FIXED_MODE, operation) >= 0 or log.size[0] >= _LOG_SIZE:
        return genes.order.size
    if goal < source:
        goal = max(goal, size(t, MACHINE_FIXED))
        for p in range(at(t, FIRST_PRED, operation), at(t, FIRST_PRED, operation + 1)):
            goal = max(goal, position[at(t, PRED, p)] + 1)
    else:
        goal = min(goal, genes.order.size - 1)
        for s in range(at(t, FIRST_SUCC, operation), at(t, FIRST_SUCC, operation + 1)):
            if at(t, FIXED_MODE, at(t, SUCC, s)) < 0:
                goal = min(goal, position[at(t, SUCC, s)] - 1)
    if goal == source:
        return genes.order.size
    _reorder(genes.order, position, source, goal)
    _note(log, _SHIFT, goal, source)
    return min(source, goal)


@kernel
def _reorder(order: Ints, position: Ints, source: int, goal: int) -> None:
    operation = order[source]
    step = 1 if goal > source else -1
    for i in range(source, goal, step):
        order[i] = order[i + step]
        position[order[i]] = i
    order[goal] = operation
    position[operation] = goal


@kernel
def _note(log: Log, kind: int, where: int, before: int) -> None:
    i = log.size[0]
    log.kind[i], log.where[i], log.before[i] = kind, where, before
    log.size[0] = i + 1
