"""The small changes a search tries, aimed where a plan loses: at the chain of operations that makes a job late."""

# pyright: reportArgumentType=false, reportReturnType=false
# Pyright takes an element of an array for an array; mypy checks these lines.

import numpy as np
import numpy.typing as npt

from .decoding import CHANGES, FLOW, MAKESPAN, NOWHERE, SETUP, WEIGHTED
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
    JOB_RELEASE,
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
from .places import END, MODE, SETTING, SETUP_START, START
from .tables import OUTSIDE
from .walk import HIGH, HOLD, LOW, MOVED, MOVED_COUNT, WISHED_MODE, WISHED_OPERATOR, Walk

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

_CHAIN = 64  # links of a chain followed back
_DRAWN = 24  # by lot, until one that costs is found
_FAR = 2000  # positions to look along the order
_LONG = 30  # operations to look along a machine


@kernel
def random_below(numbers: Words, bound: int) -> int:
    """A number in ``[0, bound)`` by xorshift64* (Vigna 2016); ``numbers[0]`` is the state."""
    x = numbers[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    numbers[0] = x
    return np.int64(((x * np.uint64(0x2545F4914F6CDD1D)) >> np.uint64(33)) % np.uint64(max(1, bound)))  # type: ignore[return-value]  # an int would be unsigned here


@kernel
def move(t: Flat, walk: Walk, stamp: int) -> bool:
    """Change the genes; false if nothing changed."""
    counts, prices = walk.change.counts, walk.prices
    for i in range(counts.size):
        counts[i] = 0
    counts[LOW] = walk.order.size
    if size(t, MACHINE_FIXED) >= walk.order.size:
        return False
    dice = random_below(walk.numbers, 100)
    if prices[CHANGES] > 0 and dice < 10:
        _toggle_hold(t, walk, stamp, _any_operation(t, walk))
    elif dice < 20:
        _move_anywhere(t, walk, stamp, _any_operation(t, walk))
    else:
        target = _painful_operation(t, walk)
        if prices[SETUP] > 0 and (target < 0 or dice < 75):
            _save_setup(t, walk, stamp)
        elif target < 0:
            _move_anywhere(t, walk, stamp, _any_operation(t, walk))
        elif dice < 80:
            _pull_job(t, walk, stamp, at(t, JOB_OF, target))
        else:
            _break_chain(t, walk, stamp, target)
    return counts[MOVED_COUNT] > 0


@kernel
def _move_anywhere(t: Flat, walk: Walk, stamp: int, operation: int) -> None:
    """Change an operation's mode, or move it a little in the order."""
    if random_below(walk.numbers, 3) == 0:
        _change_mode(t, walk, stamp, operation)
        return
    reach = 1 + random_below(walk.numbers, max(2, min(200, walk.order.size // 4)))
    offset = reach if random_below(walk.numbers, 2) else -reach
    _shift(t, walk, stamp, operation, walk.position[operation] + offset)


@kernel
def _save_setup(t: Flat, walk: Walk, stamp: int) -> None:
    """Bring together what needs no set-up between: one operation or a whole run, here or on another machine."""
    dice = random_below(walk.numbers, 10)
    operation = _any_operation(t, walk)
    if at(t, GROUP, operation) < 0:
        return
    if dice < 2:
        _join_group(t, walk, stamp, operation)
    elif dice < 5:
        _move_run(t, walk, stamp, operation)
    else:
        _join_elsewhere(t, walk, stamp, operation)


@kernel
def _join_elsewhere(t: Flat, walk: Walk, stamp: int, operation: int) -> None:
    """Bring an operation that needs a set-up beside one of its group, on any machine that can do it."""
    order, places, position = walk.order, walk.places, walk.position
    for _ in range(_DRAWN):
        if places[operation, SETTING] > 0:
            break
        operation = _any_operation(t, walk)
    mode = at(t, FIRST_MODE, operation)
    mode += random_below(walk.numbers, at(t, FIRST_MODE, operation + 1) - mode)
    machine, group = at(t, MACHINE, mode), at(t, GROUP, operation)
    low, high = _room(t, walk, operation)
    step = 1 if random_below(walk.numbers, 2) else -1
    i = position[operation] + step
    for _ in range(_FAR if machine != OUTSIDE and group >= 0 else 0):
        if not low <= i <= high:
            return
        other = order[i]
        theirs = places[other, MODE]
        if theirs >= 0 and at(t, MACHINE, theirs) == machine and at(t, GROUP, other) == group:
            _shift(t, walk, stamp, operation, i if step > 0 else i + 1)
            if mode != walk.wishes[operation, WISHED_MODE]:
                _touch(walk, stamp, operation, position[operation], position[operation])
                walk.wishes[operation, WISHED_MODE] = mode
            if random_below(walk.numbers, 2):
                return
        i += step


@kernel
def _move_run(t: Flat, walk: Walk, stamp: int, operation: int) -> None:
    """Bring a run of one group on a machine to another run of the group there."""
    group = at(t, GROUP, operation)
    step = 1 if random_below(walk.numbers, 2) else -1
    end, other = operation, _machine_neighbour(t, walk, operation, step)
    for _ in range(_LONG):
        if other < 0 or at(t, GROUP, other) != group:
            break
        end, other = other, _machine_neighbour(t, walk, other, step)
    for _ in range(_LONG):
        if other < 0 or at(t, GROUP, other) == group:
            break
        other = _machine_neighbour(t, walk, other, step)
    if other < 0 or at(t, GROUP, other) != group:
        return
    for _ in range(_LONG):
        following = _machine_neighbour(t, walk, end, -step)
        _shift(t, walk, stamp, end, walk.position[other] - step)
        if following < 0 or at(t, GROUP, following) != group:
            return
        end = following


@kernel
def _any_operation(t: Flat, walk: Walk) -> int:
    given = size(t, MACHINE_FIXED)
    return walk.order[given + random_below(walk.numbers, walk.order.size - given)]


@kernel
def _painful_operation(t: Flat, walk: Walk) -> int:
    """The last operation of a job that costs: of the latest job, or of the worst of some drawn by lot; -1 if none."""
    places, job_end, prices = walk.places, walk.job_end, walk.prices
    if prices[MAKESPAN] > 0 and random_below(walk.numbers, 4) > 0:
        return int(np.argmax(places[:, END]))
    worst, worst_pain = -1, 0.0
    for _ in range(_DRAWN):
        job = random_below(walk.numbers, job_end.size)
        late = max(0, job_end[job] - at(t, DUE, job))
        pain = number_at(t, WEIGHT, job) * late if prices[WEIGHTED] > 0 else late
        if prices[FLOW] > 0:
            pain += prices[FLOW] / (prices[FLOW] + prices[WEIGHTED]) * (job_end[job] - at(t, JOB_RELEASE, job))
        if pain > worst_pain:
            worst, worst_pain = job, pain
    if worst < 0:
        return -1
    last = at(t, FIRST_OPERATION, worst)
    for operation in range(last + 1, at(t, FIRST_OPERATION, worst + 1)):
        if places[operation, END] > places[last, END]:
            last = operation
    return last


@kernel
def _break_chain(t: Flat, walk: Walk, stamp: int, target: int) -> None:
    """Follow what holds the target back to the start; at one link by lot change sequence or mode."""
    places, numbers = walk.places, walk.numbers
    link, blocker, links = -1, -1, 0
    flexible, choices = -1, 0
    operation = target
    for _ in range(_CHAIN):
        if at(t, FIXED_MODE, operation) >= 0 or places[operation, START] == NOWHERE:
            break
        if at(t, FIRST_MODE, operation + 1) - at(t, FIRST_MODE, operation) > 1:
            choices += 1
            if random_below(numbers, choices) == 0:
                flexible = operation
        before, latest = -1, at(t, RELEASE, operation)
        for p in range(at(t, FIRST_PRED, operation), at(t, FIRST_PRED, operation + 1)):
            bound = places[at(t, PRED, p), END] + at(t, PRED_LAG, p)
            if bound > latest:
                before, latest = at(t, PRED, p), bound
        neighbour = _machine_neighbour(t, walk, operation, -1)
        if neighbour >= 0 and at(t, FIXED_MODE, neighbour) < 0:
            bound = places[neighbour, END] + places[operation, START] - places[operation, SETUP_START]
            if bound >= latest:
                before = neighbour
                links += 1
                if random_below(numbers, links) == 0:
                    link, blocker = operation, neighbour
        if before < 0:
            break
        operation = before
    if flexible >= 0 and (link < 0 or random_below(numbers, 3) == 0):
        _change_mode(t, walk, stamp, flexible)
    elif link >= 0 and random_below(numbers, 2):
        _shift(t, walk, stamp, link, walk.position[_further(t, walk, blocker, -1)])
    elif link >= 0:
        _shift(t, walk, stamp, blocker, walk.position[_further(t, walk, link, 1)])


@kernel
def _further(t: Flat, walk: Walk, goal: int, step: int) -> int:
    """An operation some places further on the goal's machine: none as often as not, seldom many."""
    while random_below(walk.numbers, 3) == 0:
        further = _machine_neighbour(t, walk, goal, step)
        if further < 0:
            break
        goal = further
    return goal


@kernel
def _machine_neighbour(t: Flat, walk: Walk, operation: int, step: int) -> int:
    """The operation before (-1) or after (+1) on the same machine, or -1."""
    order, places = walk.order, walk.places
    mode = places[operation, MODE]
    machine = at(t, MACHINE, mode) if mode >= 0 else OUTSIDE
    if machine == OUTSIDE:
        return -1
    i = walk.position[operation] + step
    while 0 <= i < order.size:
        other = int(order[i])
        mode = places[other, MODE]
        if mode >= 0 and at(t, MACHINE, mode) == machine:
            return other
        i += step
    return -1


@kernel
def _join_group(t: Flat, walk: Walk, stamp: int, operation: int) -> None:
    """Bring an operation next to one of its set-up group on its machine."""
    step = 1 if random_below(walk.numbers, 2) else -1
    other = _machine_neighbour(t, walk, operation, step)
    for _ in range(_LONG):
        if other < 0:
            return
        following = _machine_neighbour(t, walk, other, step)
        if at(t, GROUP, other) == at(t, GROUP, operation) and random_below(walk.numbers, 2):
            _shift(t, walk, stamp, operation, walk.position[other])
            return
        other = following


@kernel
def _pull_job(t: Flat, walk: Walk, stamp: int, job: int) -> None:
    """Move all operations of a job forward by about as much."""
    reach = 1 + random_below(walk.numbers, max(2, min(_FAR, walk.order.size // 4)))
    first = at(t, FIRST_OPERATION, job)
    for operation in range(first, min(at(t, FIRST_OPERATION, job + 1), first + 100)):
        _shift(t, walk, stamp, operation, walk.position[operation] - reach)


@kernel
def _change_mode(t: Flat, walk: Walk, stamp: int, operation: int) -> None:
    count = at(t, FIRST_MODE, operation + 1) - at(t, FIRST_MODE, operation)
    if count < 2 or at(t, FIXED_MODE, operation) >= 0:
        return
    mode = at(t, FIRST_MODE, operation) + random_below(walk.numbers, count)
    _touch(walk, stamp, operation, walk.position[operation], walk.position[operation])
    walk.wishes[operation, WISHED_MODE] = -1 if mode == walk.wishes[operation, WISHED_MODE] else mode


@kernel
def _toggle_hold(t: Flat, walk: Walk, stamp: int, operation: int) -> None:
    """Hold an operation back to its published start, or let it go again."""
    if at(t, BASELINE_MACHINE, operation) == -2:
        return
    release = at(t, RELEASE, operation)
    held = walk.wishes[operation, HOLD] > release
    _touch(walk, stamp, operation, walk.position[operation], walk.position[operation])
    walk.wishes[operation, HOLD] = release if held else at(t, BASELINE_START, operation)


@kernel
def _room(t: Flat, walk: Walk, operation: int) -> tuple[int, int]:
    """The first and the last position that predecessors and successors leave an operation."""
    low, high = size(t, MACHINE_FIXED), walk.order.size - 1
    for p in range(at(t, FIRST_PRED, operation), at(t, FIRST_PRED, operation + 1)):
        low = max(low, walk.position[at(t, PRED, p)] + 1)
    for s in range(at(t, FIRST_SUCC, operation), at(t, FIRST_SUCC, operation + 1)):
        if at(t, FIXED_MODE, at(t, SUCC, s)) < 0:
            high = min(high, walk.position[at(t, SUCC, s)] - 1)
    return low, high


@kernel
def _shift(t: Flat, walk: Walk, stamp: int, operation: int, goal: int) -> None:
    """Move an operation towards a position, as far as predecessors and successors let it."""
    order, position = walk.order, walk.position
    source = position[operation]
    if at(t, FIXED_MODE, operation) >= 0:
        return
    low, high = _room(t, walk, operation)
    goal = min(max(goal, low), high)
    if goal == source:
        return
    _touch(walk, stamp, operation, min(source, goal), max(source, goal))
    step = 1 if goal > source else -1
    for i in range(source, goal, step):
        order[i] = order[i + step]
        position[order[i]] = i
    order[goal] = operation
    position[operation] = goal


@kernel
def _touch(walk: Walk, stamp: int, operation: int, low: int, high: int) -> None:
    """Take an operation into the change, with the positions between which the order changes."""
    change = walk.change
    change.counts[LOW] = min(change.counts[LOW], low)
    change.counts[HIGH] = max(change.counts[HIGH], high + 1)
    if change.marks[operation, MOVED] != stamp:
        change.marks[operation, MOVED] = stamp
        k = change.counts[MOVED_COUNT]
        change.moved[k] = operation
        for column in range(walk.wishes.shape[1]):
            change.wishes_before[k, column] = walk.wishes[operation, column]
        walk.wishes[operation, WISHED_OPERATOR] = -1
        change.counts[MOVED_COUNT] += 1
