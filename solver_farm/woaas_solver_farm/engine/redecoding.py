"""From a plan to the plan of a changed order, placing again only what the change reaches.

Beside the changed plan's resources those of the known plan are kept, both as they are at the same operation. One that
finds everything it looks at as it was keeps its place; calendars and waiting times soon swallow most differences.
"""

# pyright: reportArgumentType=false, reportReturnType=false
# Pyright takes an element of an array for an array; mypy checks these lines.

import numpy as np
import numpy.typing as npt

from .calendars import NEVER
from .decoding import MAKESPAN, NOWHERE, SUMS, choose, load_of
from .flat import (
    FIRST_NEED,
    FIRST_OPERATION,
    FIRST_PRED,
    FIRST_SUCC,
    FIRST_UNIT,
    FIXED_MODE,
    JOB_OF,
    MACHINE,
    MACHINE_CALENDAR,
    NEED_TOOL,
    NEEDS_OPERATOR,
    OPERATOR_CLASS,
    PRED,
    PRED_LAG,
    RELEASE,
    RUN_TEAM,
    SETS_UP,
    SUCC,
    TEAM,
    Flat,
    at,
    size,
)
from .flat import GROUP as GROUP_COLUMN
from .jit import kernel
from .measuring import add_job, add_operation, energy_of, makespan
from .placement import Load, book_tools, no_slot
from .places import END, GROUP, MODE, OPERATOR, SETTING, SETUP_START, START, WAITS
from .tables import OUTSIDE
from .walk import (
    DIFFERS,
    HIGH,
    HOLD,
    JOB_COUNT,
    LOW,
    MINE,
    MOVED,
    MOVED_COUNT,
    PLACED,
    PLACED_COUNT,
    THEIRS,
    WAITING,
    WISHED_MODE,
    WISHED_OPERATOR,
    Teams,
    Walk,
)

Ints = npt.NDArray[np.int64]


@kernel
def redecode(t: Flat, walk: Walk, stamp: int, most: int) -> tuple[float, int]:
    """Decode the change; its energy and the position it reaches to. Infinite if more than ``most`` are placed anew."""
    order, known_order, position = walk.order, walk.known_order, walk.position
    places, wishes, scratch, teams = walk.places, walk.wishes, walk.scratch, walk.teams
    counts, marks, states, tried, placed = (
        walk.change.counts,
        walk.change.marks,
        walk.change.states,
        walk.change.places,
        walk.change.placed,
    )
    stride = walk.stride[0]
    mine, theirs, differs = scratch[MINE], scratch[THEIRS], scratch[DIFFERS]
    load = load_of(t, mine)
    begin, end = counts[LOW], counts[HIGH]
    _stand_before(t, walk, begin)
    freer = teams.freer
    freer[:] = 0
    machines, operators = size(t, MACHINE_CALENDAR), size(t, OPERATOR_CLASS)
    different, waiting = 0, 0
    i, j = int(begin), int(begin)
    while i < order.size:
        if i >= end and j >= end and different == 0 and waiting == 0:
            break
        operation = order[i]
        is_moved = marks[operation, MOVED] == stamp
        if not is_moved and marks[known_order[j], MOVED] == stamp:
            other = known_order[j]
            _repeat(t, theirs, places, other)
            different += _compare(t, scratch, teams, places[other, MODE], places[other, OPERATOR])
            j += 1
            continue
        if i % stride == 0:
            for s in range(mine.size):
                states[i // stride, s] = mine[s]
        i += 1
        is_waiting = marks[operation, WAITING] == stamp
        waiting -= is_waiting
        if not is_moved:
            j += 1
            if not is_waiting and _finds_all_as_it_was(t, places, differs, freer, operation, machines, operators):
                _repeat_both(t, scratch, places, operation, machines, operators)
                continue
        if counts[PLACED_COUNT] >= most:
            return np.inf, i
        _place_anew(t, load, wishes, places, tried, marks, operation, stamp)
        _repeat(t, mine, tried, operation)
        placed[counts[PLACED_COUNT]] = operation
        counts[PLACED_COUNT] += 1
        if not is_moved:
            _repeat(t, theirs, places, operation)
            different += _compare(t, scratch, teams, places[operation, MODE], places[operation, OPERATOR])
        different += _compare(t, scratch, teams, tried[operation, MODE], tried[operation, OPERATOR])
        if tried[operation, END] != places[operation, END]:
            for s in range(at(t, FIRST_SUCC, operation), at(t, FIRST_SUCC, operation + 1)):
                after = at(t, SUCC, s)
                if position[after] >= i and marks[after, WAITING] != stamp:
                    marks[after, WAITING] = stamp
                    waiting += 1
    return _energy(t, walk, stamp), i


@kernel
def _stand_before(t: Flat, walk: Walk, begin: int) -> None:
    """Bring both states to the position before which nothing changed."""
    stride, mine, theirs, differs = walk.stride[0], walk.scratch[MINE], walk.scratch[THEIRS], walk.scratch[DIFFERS]
    for s in range(mine.size):
        mine[s] = walk.states[begin // stride, s]
        differs[s] = 0
    for i in range(begin // stride * stride, begin):
        _repeat(t, mine, walk.places, walk.known_order[i])
    for s in range(mine.size):
        theirs[s] = mine[s]


@kernel
def _repeat(t: Flat, state: Ints, places: Ints, operation: int) -> None:
    """Book an operation where it has its place."""
    mode = places[operation, MODE]
    if mode < 0 or at(t, FIXED_MODE, operation) >= 0:
        return
    machine = at(t, MACHINE, mode)
    if machine == OUTSIDE:
        return
    machines = size(t, MACHINE_CALENDAR)
    state[machine] = places[operation, END]
    group = at(t, GROUP_COLUMN, operation)
    state[machines + machine] = group if group >= 0 else places[operation, GROUP]
    operator = places[operation, OPERATOR]
    if operator >= 0:
        state[2 * machines + operator] = places[operation, END if at(t, NEEDS_OPERATOR, mode) else START]
    if at(t, FIRST_NEED, mode) < at(t, FIRST_NEED, mode + 1):
        units = state[2 * machines + size(t, OPERATOR_CLASS) :]
        book_tools(t, units, mode, places[operation, SETUP_START], places[operation, END])


@kernel
def _repeat_both(t: Flat, scratch: Ints, places: Ints, operation: int, machines: int, operators: int) -> None:
    """Book an operation that keeps its place in both plans."""
    mode = places[operation, MODE]
    machine = at(t, MACHINE, mode)
    if machine == OUTSIDE:
        return
    end = places[operation, END]
    scratch[MINE, machine] = scratch[THEIRS, machine] = end
    group = at(t, GROUP_COLUMN, operation)
    if group < 0:
        group = places[operation, GROUP]
    scratch[MINE, machines + machine] = scratch[THEIRS, machines + machine] = group
    operator = places[operation, OPERATOR]
    if operator >= 0:
        until = end if at(t, NEEDS_OPERATOR, mode) else places[operation, START]
        scratch[MINE, 2 * machines + operator] = scratch[THEIRS, 2 * machines + operator] = until
    if at(t, FIRST_NEED, mode) < at(t, FIRST_NEED, mode + 1):
        units = 2 * machines + operators
        book_tools(t, scratch[MINE, units:], mode, places[operation, SETUP_START], end)
        book_tools(t, scratch[THEIRS, units:], mode, places[operation, SETUP_START], end)


@kernel
def _place_anew(
    t: Flat, load: Load, wishes: Ints, places: Ints, tried: Ints, marks: Ints, operation: int, stamp: int
) -> None:
    earliest = max(at(t, RELEASE, operation), wishes[operation, HOLD])
    for p in range(at(t, FIRST_PRED, operation), at(t, FIRST_PRED, operation + 1)):
        before = at(t, PRED, p)
        end = tried[before, END] if marks[before, PLACED] == stamp else places[before, END]
        earliest = NEVER if end == NOWHERE else max(earliest, end + at(t, PRED_LAG, p))
    mode, slot = -1, no_slot()
    if earliest < NEVER:
        wished = wishes[operation, WISHED_MODE]
        mode, slot = choose(t, load, operation, wished, wishes[operation, WISHED_OPERATOR], earliest, 0.0)
    tried[operation, MODE], tried[operation, OPERATOR] = mode, slot.operator
    tried[operation, SETTING], tried[operation, GROUP] = slot.setup, slot.group
    tried[operation, WAITS] = slot.waits
    tried[operation, START] = slot.start if mode >= 0 else NOWHERE
    tried[operation, END] = slot.end if mode >= 0 else NOWHERE
    tried[operation, SETUP_START] = slot.setup_start if mode >= 0 else NOWHERE
    marks[operation, PLACED] = stamp


@kernel
def _finds_all_as_it_was(
    t: Flat, places: Ints, differs: Ints, freer: Ints, operation: int, machines: int, operators: int
) -> bool:
    """True if an operation would be placed as in the known plan.

    An operator who is freer than in the known plan may end earlier now, if the one who does it is waited for; one
    who is less free did not and does not.
    """
    mode = places[operation, MODE]
    if mode < 0:
        return False
    machine = at(t, MACHINE, mode)
    if machine == OUTSIDE:
        return True
    if differs[machine] or differs[machines + machine]:
        return False
    operator = places[operation, OPERATOR]
    if operator >= 0:
        if differs[2 * machines + operator]:
            return False
        sets_up = at(t, SETS_UP, mode) > 0 and places[operation, SETTING] > 0
        if places[operation, WAITS] and freer[at(t, TEAM if sets_up else RUN_TEAM, mode)]:
            return False
    for need in range(at(t, FIRST_NEED, mode), at(t, FIRST_NEED, mode + 1)):
        tool = at(t, NEED_TOOL, need)
        units = 2 * machines + operators
        for unit in range(at(t, FIRST_UNIT, tool), at(t, FIRST_UNIT, tool + 1)):
            if differs[units + unit]:
                return False
    return True


@kernel
def _compare(t: Flat, scratch: Ints, teams: Teams, mode: int, operator: int) -> int:
    """Compare the resources a place takes; by how much the number of different ones rises."""
    if mode < 0 or at(t, MACHINE, mode) == OUTSIDE:
        return 0
    machines = size(t, MACHINE_CALENDAR)
    machine = at(t, MACHINE, mode)
    rise = _compare_one(scratch, machine) + _compare_one(scratch, machines + machine)
    if operator >= 0:
        spot = 2 * machines + operator
        freer = 1 if scratch[DIFFERS, spot] < 0 else 0
        rise += _compare_one(scratch, spot)
        freer = (1 if scratch[DIFFERS, spot] < 0 else 0) - freer
        if freer != 0:
            for k in range(teams.first[operator], teams.first[operator + 1]):
                teams.freer[teams.team[k]] += freer
    for need in range(at(t, FIRST_NEED, mode), at(t, FIRST_NEED, mode + 1)):
        tool = at(t, NEED_TOOL, need)
        units = 2 * machines + size(t, OPERATOR_CLASS)
        for unit in range(at(t, FIRST_UNIT, tool), at(t, FIRST_UNIT, tool + 1)):
            rise += _compare_one(scratch, units + unit)
    return rise


@kernel
def _compare_one(scratch: Ints, spot: int) -> int:
    was, mine, theirs = scratch[DIFFERS, spot], scratch[MINE, spot], scratch[THEIRS, spot]
    now = -1 if mine < theirs else 1 if mine > theirs else 0
    scratch[DIFFERS, spot] = now
    return abs(now) - abs(was)


@kernel
def _energy(t: Flat, walk: Walk, stamp: int) -> float:
    """The energy of the change, from what it placed anew."""
    change, sums = walk.change, walk.change.sums
    places, tried, marks, counts = walk.places, change.places, change.marks, change.counts
    for i in range(SUMS):
        sums[i] = walk.sums[i]
    for k in range(counts[PLACED_COUNT]):
        operation = change.placed[k]
        add_operation(t, places, operation, sums, -1)
        add_operation(t, tried, operation, sums, 1)
        job = at(t, JOB_OF, operation)
        if change.job_marks[job] != stamp:
            change.job_marks[job] = stamp
            change.jobs[counts[JOB_COUNT]] = job
            counts[JOB_COUNT] += 1
    for k in range(counts[JOB_COUNT]):
        job = change.jobs[k]
        last = -NEVER
        for operation in range(at(t, FIRST_OPERATION, job), at(t, FIRST_OPERATION, job + 1)):
            now = tried if marks[operation, PLACED] == stamp else places
            last = max(last, now[operation, END] if now[operation, MODE] >= 0 else NEVER)
        add_job(t, job, walk.job_end[job], sums, -1)
        add_job(t, job, last, sums, 1)
        change.job_end[job] = last
    if walk.prices[MAKESPAN] > 0:
        sums[MAKESPAN] = makespan(walk.job_end, change.job_end, change.job_marks, stamp)
    return energy_of(walk.prices, sums)


@kernel
def accept(walk: Walk, energy: float, until: int) -> None:
    """Make the change the plan."""
    change, stride = walk.change, walk.stride[0]
    counts, places, tried, wishes = change.counts, walk.places, change.places, walk.wishes
    for k in range(counts[PLACED_COUNT]):
        operation = change.placed[k]
        for column in range(places.shape[1]):
            places[operation, column] = tried[operation, column]
        wishes[operation, WISHED_MODE] = tried[operation, MODE]
        wishes[operation, WISHED_OPERATOR] = tried[operation, OPERATOR]
    for k in range(counts[JOB_COUNT]):
        walk.job_end[change.jobs[k]] = change.job_end[change.jobs[k]]
    for i in range(counts[LOW], counts[HIGH]):
        walk.known_order[i] = walk.order[i]
    for row in range((counts[LOW] + stride - 1) // stride, (until + stride - 1) // stride):
        for s in range(walk.states.shape[1]):
            walk.states[row, s] = change.states[row, s]
    for i in range(SUMS):
        walk.sums[i] = change.sums[i]
    walk.energies[0] = energy


@kernel
def reject(walk: Walk) -> None:
    """Take the change back."""
    change = walk.change
    for k in range(change.counts[MOVED_COUNT]):
        for column in range(walk.wishes.shape[1]):
            walk.wishes[change.moved[k], column] = change.wishes_before[k, column]
    for i in range(change.counts[LOW], change.counts[HIGH]):
        walk.order[i] = walk.known_order[i]
        walk.position[walk.known_order[i]] = i
