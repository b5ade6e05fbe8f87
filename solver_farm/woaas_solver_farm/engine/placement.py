"""Where one operation goes next: the earliest place after all that its machine, operator and tools already do.

Everything is appended: a resource is free from some time on. Given places (``fixed``) are walked around.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .calendars import NEVER
from .flat import (
    CLASSES,
    COMMON_CALENDAR,
    DURATION,
    FIRST_MACHINE_FIXED,
    FIRST_MEMBER,
    FIRST_NEED,
    FIRST_OPERATOR_FIXED,
    FIRST_UNIT,
    FIRST_UNIT_FIXED,
    FIXED_END,
    FIXED_MODE,
    FIXED_START,
    GROUP,
    GROUPS,
    MACHINE,
    MACHINE_CALENDAR,
    MACHINE_FIXED,
    MACHINE_MATRIX,
    MEMBER,
    NEED_COUNT,
    NEED_TOOL,
    NEEDS_OPERATOR,
    OPERATOR_CLASS,
    OPERATOR_FIXED,
    RESUMABLE,
    RUN_CALENDAR,
    RUN_TEAM,
    SETS_UP,
    SETUP_MATRIX,
    SETUP_TIME,
    TEAM,
    UNIT_FIXED,
    Flat,
    at,
)
from .jit import kernel
from .tables import OUTSIDE
from .working_time import earliest_fit, work_back, work_forward

Ints = npt.NDArray[np.int64]


class Load(NamedTuple):
    """What the resources are committed to so far: free from when, and last set up for which group."""

    machine_free: Ints
    machine_group: Ints
    operator_free: Ints
    unit_free: Ints


class Slot(NamedTuple):
    """A place found; ``end`` is NEVER where there is none.

    ``group`` is the machine's state before it; ``waits`` is 1 if with an operator always at hand it would end earlier.
    """

    end: int
    start: int
    setup_start: int
    setup: int
    operator: int
    group: int
    waits: int


@kernel
def changeover(t: Flat, machine: int, before: int, after: int) -> int:
    """Set-up time between two groups on a machine; 0 where either is unknown."""
    matrix = at(t, MACHINE_MATRIX, machine)
    if matrix < 0 or before < 0 or after < 0:
        return 0
    return at(t, SETUP_MATRIX, (matrix * at(t, GROUPS, 0) + before) * at(t, GROUPS, 0) + after)


@kernel
def no_slot() -> Slot:
    """The place of what has none."""
    return Slot(NEVER, NEVER, NEVER, 0, -1, -1, 0)


@kernel
def find_slot(t: Flat, load: Load, operation: int, mode: int, operator: int, earliest: int) -> Slot:
    """The earliest place for an operation in a mode, its run not before ``earliest``.

    ``operator``, one of the mode's team or -1, does it if nobody else could end it earlier.
    """
    machine = at(t, MACHINE, mode)
    if machine == OUTSIDE:
        return Slot(earliest + at(t, DURATION, mode), earliest, earliest, 0, -1, -1, 0)
    free, group = load.machine_free[machine], load.machine_group[machine]
    f, last = at(t, FIRST_MACHINE_FIXED, machine), at(t, FIRST_MACHINE_FIXED, machine + 1)
    while f < last and at(t, FIXED_END, at(t, MACHINE_FIXED, f)) <= free:
        f += 1
    while True:
        room = NEVER
        if f < last:
            given = at(t, MACHINE_FIXED, f)
            after = at(t, GROUP, operation) if at(t, GROUP, operation) >= 0 else group
            room = at(t, FIXED_START, given)
            if room > 0:
                room -= at(t, SETUP_TIME, at(t, FIXED_MODE, given)) + changeover(t, machine, after, at(t, GROUP, given))
        if free <= room:
            setup = at(t, SETUP_TIME, mode) + changeover(t, machine, group, at(t, GROUP, operation))
            slot = _with_tools(t, load, operation, mode, operator, setup, free, earliest)
            if slot.end < NEVER and slot.end <= room:
                return Slot(slot.end, slot.start, slot.setup_start, setup, slot.operator, group, slot.waits)
        if f == last:
            return no_slot()
        given = at(t, MACHINE_FIXED, f)
        free = max(free, at(t, FIXED_END, given))
        if at(t, GROUP, given) >= 0:
            group = at(t, GROUP, given)
        f += 1


@kernel
def commit(t: Flat, load: Load, operation: int, mode: int, slot: Slot) -> None:
    """Book a found place on its machine, operator and tools."""
    machine = at(t, MACHINE, mode)
    if machine == OUTSIDE:
        return
    load.machine_free[machine] = slot.end
    load.machine_group[machine] = at(t, GROUP, operation) if at(t, GROUP, operation) >= 0 else slot.group
    if slot.operator >= 0:
        load.operator_free[slot.operator] = slot.end if at(t, NEEDS_OPERATOR, mode) else slot.start
    book_tools(t, load.unit_free, mode, slot.setup_start, slot.end)


@kernel
def book_tools(t: Flat, unit_free: Ints, mode: int, start: int, end: int) -> None:
    """Take the pieces of every tool a mode needs; of those free by ``start`` the ones free for the shortest time."""
    for need in range(at(t, FIRST_NEED, mode), at(t, FIRST_NEED, mode + 1)):
        tool = at(t, NEED_TOOL, need)
        for _ in range(at(t, NEED_COUNT, need)):
            best = -1
            for unit in range(at(t, FIRST_UNIT, tool), at(t, FIRST_UNIT, tool + 1)):
                if (
                    unit_free[unit] <= start
                    and _clash(t, FIRST_UNIT_FIXED, UNIT_FIXED, unit, start, end) < 0
                    and (best < 0 or unit_free[unit] > unit_free[best])
                ):
                    best = unit
            unit_free[best] = end


@kernel
def _with_tools(
    t: Flat, load: Load, operation: int, mode: int, operator: int, setup: int, free: int, earliest: int
) -> Slot:
    while True:
        slot = _with_operator(t, load, operation, mode, operator, setup, free, earliest)
        if slot.end >= NEVER:
            return slot
        waited = free
        for need in range(at(t, FIRST_NEED, mode), at(t, FIRST_NEED, mode + 1)):
            tool = at(t, NEED_TOOL, need)
            waited = max(waited, _tool_free(t, load, tool, at(t, NEED_COUNT, need), slot.setup_start, slot.end))
        if waited == free or waited <= slot.setup_start:
            return slot
        if waited >= NEVER:
            return no_slot()
        free = waited


@kernel
def _tool_free(t: Flat, load: Load, tool: int, count: int, start: int, end: int) -> int:
    """``start`` if ``count`` pieces are free for ``[start, end)``, else a later time at which to look again."""
    usable = 0
    again = NEVER
    for unit in range(at(t, FIRST_UNIT, tool), at(t, FIRST_UNIT, tool + 1)):
        if load.unit_free[unit] > start:
            again = min(again, load.unit_free[unit])
            continue
        given = _clash(t, FIRST_UNIT_FIXED, UNIT_FIXED, unit, start, end)
        if given < 0:
            usable += 1
        else:
            again = min(again, at(t, FIXED_END, given))
    return start if usable >= count else again


@kernel
def _with_operator(
    t: Flat, load: Load, operation: int, mode: int, wanted: int, setup: int, free: int, earliest: int
) -> Slot:
    """The earliest place with the best operator; a mode that needs none has -1."""
    runs = at(t, NEEDS_OPERATOR, mode) > 0
    sets_up = at(t, SETS_UP, mode) > 0 and setup > 0
    run_calendar, setup_calendar = at(t, RUN_CALENDAR, mode), at(t, MACHINE_CALENDAR, at(t, MACHINE, mode))
    end, start, setup_start = _timed(t, operation, mode, setup, free, earliest, run_calendar, setup_calendar)
    if not (runs or sets_up):
        return Slot(end, start, setup_start, setup, -1, -1, 0)
    # Nobody can end before the machine alone would, so whoever reaches that is taken; the team is in order of choice.
    soonest = end
    best = no_slot()
    team, kinds = at(t, TEAM if sets_up else RUN_TEAM, mode), at(t, CLASSES, 0)
    if wanted >= 0 and sets_up and not _is_member(t, team, wanted):
        wanted = -1
    first = at(t, FIRST_MEMBER, team)
    for i in range(first if wanted < 0 else first - 1, at(t, FIRST_MEMBER, team + 1)):
        operator = at(t, MEMBER, i) if i >= first else wanted
        kind = at(t, OPERATOR_CLASS, operator)
        run = at(t, COMMON_CALENDAR, run_calendar * kinds + kind) if runs else run_calendar
        setting = at(t, COMMON_CALENDAR, setup_calendar * kinds + kind) if sets_up else setup_calendar
        since = load.operator_free[operator]
        while since < best.end:
            ready = max(free, since) if sets_up else free
            end, start, setup_start = _timed(t, operation, mode, setup, ready, max(earliest, since), run, setting)
            if end >= best.end:
                break
            begin, until = setup_start if sets_up else start, end if runs else start
            given = _clash(t, FIRST_OPERATOR_FIXED, OPERATOR_FIXED, operator, begin, until)
            if given < 0:
                best = Slot(end, start, setup_start, setup, operator, -1, 0 if end == soonest else 1)
                break
            since = max(since + 1, at(t, FIXED_END, given))
        if best.end == soonest and soonest < NEVER:
            break
        if i < first:
            best = no_slot()
    return best


@kernel
def _is_member(t: Flat, team: int, operator: int) -> bool:
    for i in range(at(t, FIRST_MEMBER, team), at(t, FIRST_MEMBER, team + 1)):  # noqa: SIM110 - kernels know no any()
        if at(t, MEMBER, i) == operator:
            return True
    return False


@kernel
def _timed(
    t: Flat, operation: int, mode: int, setup: int, free: int, earliest: int, run: int, setting: int
) -> tuple[int, int, int]:
    """End, start and set-up start: the earliest run in the given calendars, set up as late as possible before it."""
    ready = free
    if setup > 0:
        ready = work_forward(t, setting, free, setup)[1]
    if ready >= NEVER:
        return NEVER, NEVER, NEVER
    duration = at(t, DURATION, mode)
    if at(t, RESUMABLE, operation):
        start, end = work_forward(t, run, max(ready, earliest), duration)
    else:
        start = earliest_fit(t, run, max(ready, earliest), duration)
        end = start + duration
    if start >= NEVER or end >= NEVER:
        return NEVER, NEVER, NEVER
    return end, start, work_back(t, setting, start, setup) if setup > 0 else start


@kernel
def _clash(t: Flat, firsts: int, column: int, resource: int, start: int, end: int) -> int:
    """A given place of a resource that ``[start, end)`` would run into, or -1; by the columns that list them."""
    for i in range(at(t, firsts, resource), at(t, firsts, resource + 1)):
        given = at(t, column, i)
        if at(t, FIXED_START, given) < end and start < at(t, FIXED_END, given):
            return given
    return -1
