"""Where one operation goes next: the earliest place after all that its machine, operator and tools already do.

Everything is appended: a resource is free from some time on. Given places (``fixed``) are walked around.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .calendars import NEVER, earliest_fit, work_back, work_forward
from .jit import kernel
from .tables import OUTSIDE, Tables

Ints = npt.NDArray[np.int64]


class Load(NamedTuple):
    """What the resources are committed to so far: free from when, and last set up for which group."""

    machine_free: Ints
    machine_group: Ints
    operator_free: Ints
    unit_free: Ints


class Slot(NamedTuple):
    """A place found; ``end`` is NEVER where there is none. ``group`` is the machine's state before it."""

    end: int
    start: int
    setup_start: int
    setup: int
    operator: int
    group: int


@kernel
def changeover(t: Tables, machine: int, before: int, after: int) -> int:
    """Set-up time between two groups on a machine; 0 where either is unknown."""
    matrix = t.machine_matrix[machine]
    if matrix < 0 or before < 0 or after < 0:
        return 0
    return t.setup_matrix[matrix, before, after]


@kernel
def find_slot(t: Tables, load: Load, operation: int, mode: int, earliest: int) -> Slot:
    """The earliest place for an operation in a mode, its run not before ``earliest``."""
    machine = t.machine[mode]
    if machine == OUTSIDE:
        return Slot(earliest + t.duration[mode], earliest, earliest, 0, -1, -1)
    free, group = load.machine_free[machine], load.machine_group[machine]
    f, last = t.first_machine_fixed[machine], t.first_machine_fixed[machine + 1]
    while f < last and t.fixed_end[t.machine_fixed[f]] <= free:
        f += 1
    while True:
        room = NEVER
        if f < last:
            given = t.machine_fixed[f]
            after = t.group[operation] if t.group[operation] >= 0 else group
            room = t.fixed_start[given]
            if room > 0:
                room -= t.setup[t.fixed_mode[given]] + changeover(t, machine, after, t.group[given])
        if free <= room:
            setup = t.setup[mode] + changeover(t, machine, group, t.group[operation])
            slot = _with_tools(t, load, operation, mode, setup, free, earliest)
            if slot.end < NEVER and slot.end <= room:
                return Slot(slot.end, slot.start, slot.setup_start, setup, slot.operator, group)
        if f == last:
            return Slot(NEVER, NEVER, NEVER, 0, -1, -1)
        given = t.machine_fixed[f]
        free = max(free, t.fixed_end[given])
        if t.group[given] >= 0:
            group = t.group[given]
        f += 1


@kernel
def commit(t: Tables, load: Load, operation: int, mode: int, slot: Slot) -> None:
    """Book a found place on its machine, operator and tools."""
    machine = t.machine[mode]
    if machine == OUTSIDE:
        return
    load.machine_free[machine] = slot.end
    load.machine_group[machine] = t.group[operation] if t.group[operation] >= 0 else slot.group
    if slot.operator >= 0:
        load.operator_free[slot.operator] = slot.end if t.needs_operator[mode] else slot.start
    for need in range(t.first_need[mode], t.first_need[mode + 1]):
        tool = t.need_tool[need]
        for _ in range(t.need_count[need]):
            best = -1
            for unit in range(t.first_unit[tool], t.first_unit[tool + 1]):
                free = load.unit_free[unit]
                if (
                    free <= slot.setup_start
                    and _clash(t, t.first_unit_fixed, t.unit_fixed, unit, slot.setup_start, slot.end) < 0
                    and (best < 0 or free > load.unit_free[best])
                ):
                    best = unit
            load.unit_free[best] = slot.end


@kernel
def _with_tools(t: Tables, load: Load, operation: int, mode: int, setup: int, free: int, earliest: int) -> Slot:
    while True:
        slot = _with_operator(t, load, operation, mode, setup, free, earliest)
        if slot.end >= NEVER:
            return slot
        waited = free
        for need in range(t.first_need[mode], t.first_need[mode + 1]):
            tool = t.need_tool[need]
            waited = max(waited, _tool_free(t, load, tool, t.need_count[need], slot.setup_start, slot.end))
        if waited == free or waited <= slot.setup_start:
            return slot
        if waited >= NEVER:
            return Slot(NEVER, NEVER, NEVER, 0, -1, -1)
        free = waited


@kernel
def _tool_free(t: Tables, load: Load, tool: int, count: int, start: int, end: int) -> int:
    """``start`` if ``count`` pieces are free for ``[start, end)``, else a later time at which to look again."""
    usable = 0
    again = NEVER
    for unit in range(t.first_unit[tool], t.first_unit[tool + 1]):
        if load.unit_free[unit] > start:
            again = min(again, load.unit_free[unit])
            continue
        given = _clash(t, t.first_unit_fixed, t.unit_fixed, unit, start, end)
        if given < 0:
            usable += 1
        else:
            again = min(again, t.fixed_end[given])
    return start if usable >= count else again


@kernel
def _with_operator(t: Tables, load: Load, operation: int, mode: int, setup: int, free: int, earliest: int) -> Slot:
    """The earliest place with the best operator; a mode that needs none is tried once, without."""
    runs = t.needs_operator[mode] > 0
    sets_up = t.sets_up[mode] > 0 and setup > 0
    is_manned = runs or sets_up
    best = Slot(NEVER, NEVER, NEVER, 0, -1, -1)
    best_since = -NEVER
    team = t.team[mode]
    first, last = (t.first_member[team], t.first_member[team + 1]) if is_manned else (0, 1)
    for i in range(first, last):
        run, setting = t.run_calendar[mode], t.machine_calendar[t.machine[mode]]
        operator, since = -1, 0
        if is_manned:
            operator = t.member[i]
            since = load.operator_free[operator]
            kind = t.operator_class[operator]
            run = t.common_calendar[run, kind] if runs else run
            setting = t.common_calendar[setting, kind] if sets_up else setting
        end, start, setup_start = NEVER, NEVER, NEVER
        while since < NEVER:
            ready = max(free, since) if sets_up else free
            end, start, setup_start = _timed(t, operation, mode, setup, ready, max(earliest, since), run, setting)
            if end >= NEVER or not is_manned:
                break
            begin, until = setup_start if sets_up else start, end if runs else start
            given = _clash(t, t.first_operator_fixed, t.operator_fixed, operator, begin, until)
            if given < 0:
                break
            since = max(since + 1, t.fixed_end[given])
        if end < best.end or (end == best.end and end < NEVER and since > best_since):
            best, best_since = Slot(end, start, setup_start, setup, operator, -1), since
    return best


@kernel
def _timed(
    t: Tables, operation: int, mode: int, setup: int, free: int, earliest: int, run: int, setting: int
) -> tuple[int, int, int]:
    """End, start and set-up start: the earliest run in the given calendars, set up as late as possible before it."""
    ready = free
    if setup > 0:
        ready = work_forward(t.calendars, setting, free, setup)[1]
    if ready >= NEVER:
        return NEVER, NEVER, NEVER
    duration = t.duration[mode]
    if t.resumable[operation]:
        start, end = work_forward(t.calendars, run, max(ready, earliest), duration)
    else:
        start = earliest_fit(t.calendars, run, max(ready, earliest), duration)
        end = start + duration
    if start >= NEVER or end >= NEVER:
        return NEVER, NEVER, NEVER
    return end, start, work_back(t.calendars, setting, start, setup) if setup > 0 else start


@kernel
def _clash(t: Tables, firsts: Ints, given: Ints, resource: int, start: int, end: int) -> int:
    """A given place of a resource that ``[start, end)`` would run into, or -1."""
    for i in range(firsts[resource], firsts[resource + 1]):
        if t.fixed_start[given[i]] < end and start < t.fixed_end[given[i]]:
            return given[i]
    return -1
