"""Working time: calendars as arrays, their intersections, and the questions placement asks of them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..problem import Calendar
from .jit import kernel

Ints = npt.NDArray[np.int64]

NEVER = 2**60
ALWAYS: Calendar = ((-NEVER, NEVER),)


class Calendars(NamedTuple):
    """All calendars end to end: windows of calendar ``c`` are ``[first[c], first[c + 1])``.

    ``before`` is the working time of the calendar before each window.
    """

    first: Ints
    start: Ints
    end: Ints
    before: Ints


class CalendarBook:
    """Collects the distinct calendars of a problem and numbers them; 0 is "always"."""

    def __init__(self) -> None:
        self._calendars: list[Calendar] = [ALWAYS]
        self._numbers: dict[Calendar, int] = {ALWAYS: 0}
        self._common: dict[tuple[int, int], int] = {}

    def number(self, calendar: Calendar | None) -> int:
        """The number of a calendar, the same for equal ones; touching windows are joined."""
        if calendar is None:
            return 0
        joined: list[tuple[int, int]] = []
        for start, end in calendar:
            if joined and joined[-1][1] == start:
                joined[-1] = (joined[-1][0], end)
            else:
                joined.append((start, end))
        return self._add(tuple(joined))

    def common(self, numbers: Sequence[int]) -> int:
        """The number of the calendar of time that all the numbered ones work."""
        result = 0
        for number in numbers:
            result = self._pair(result, number)
        return result

    def arrays(self) -> Calendars:
        """Every calendar numbered so far, for the kernels."""
        lengths = [len(calendar) for calendar in self._calendars]
        windows = np.array([window for calendar in self._calendars for window in calendar], np.int64).reshape(-1, 2)
        before = np.concatenate([_running(calendar) for calendar in self._calendars])
        first = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        return Calendars(first, windows[:, 0].copy(), windows[:, 1].copy(), before)

    def _add(self, calendar: Calendar) -> int:
        if calendar not in self._numbers:
            self._numbers[calendar] = len(self._calendars)
            self._calendars.append(calendar)
        return self._numbers[calendar]

    def _pair(self, one: int, other: int) -> int:
        if one == other or other == 0:
            return one
        if one == 0:
            return other
        pair = (min(one, other), max(one, other))
        if pair not in self._common:
            self._common[pair] = self._add(_intersection(self._calendars[one], self._calendars[other]))
        return self._common[pair]


def _intersection(one: Calendar, other: Calendar) -> Calendar:
    windows: list[tuple[int, int]] = []
    positions = [0, 0]
    while positions[0] < len(one) and positions[1] < len(other):
        a, b = one[positions[0]], other[positions[1]]
        if max(a[0], b[0]) < min(a[1], b[1]):
            windows.append((max(a[0], b[0]), min(a[1], b[1])))
        positions[0 if a[1] < b[1] else 1] += 1
    return tuple(windows)


def _running(calendar: Calendar) -> Ints:
    lengths = np.array([end - start for start, end in calendar], np.int64)
    return np.cumsum(lengths) - lengths


@kernel
def window_at(calendars: Calendars, c: int, time: int) -> int:
    """The index of the first window of calendar ``c`` that ends after ``time``; the calendar's end if none does."""
    low, high = calendars.first[c], calendars.first[c + 1]
    while low < high:
        middle = (low + high) // 2
        if calendars.end[middle] <= time:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def earliest_fit(calendars: Calendars, c: int, time: int, duration: int) -> int:
    """The first start at or after ``time`` of unbroken work; NEVER if no window is long enough."""
    if c == 0 or duration == 0:
        return time
    for window in range(window_at(calendars, c, time), calendars.first[c + 1]):
        start = max(time, calendars.start[window])
        if start + duration <= calendars.end[window]:
            return start
    return NEVER


@kernel
def work_forward(calendars: Calendars, c: int, time: int, work: int) -> tuple[int, int]:
    """First working tick at or after ``time``, and the end of ``work`` ticks done from there across breaks."""
    if c == 0 or work == 0:
        return time, time + work
    window = window_at(calendars, c, time)
    last = calendars.first[c + 1]
    if window >= last:
        return NEVER, NEVER
    start = max(time, calendars.start[window])
    target = calendars.before[window] + start - calendars.start[window] + work
    while window < last and calendars.before[window] + calendars.end[window] - calendars.start[window] < target:
        window += 1
    if window >= last:
        return NEVER, NEVER
    return start, calendars.start[window] + target - calendars.before[window]


@kernel
def work_back(calendars: Calendars, c: int, time: int, work: int) -> int:
    """The latest start from which ``work`` ticks are done by ``time``; -NEVER if there is none."""
    if c == 0 or work == 0:
        return time - work
    first = calendars.first[c]
    window = window_at(calendars, c, time)
    done = calendars.before[window - 1] + calendars.end[window - 1] - calendars.start[window - 1] if window > first else 0
    if window < calendars.first[c + 1] and calendars.start[window] < time:
        done = calendars.before[window] + time - calendars.start[window]
    target = done - work
    if target < 0:
        return -NEVER
    window = min(window, calendars.first[c + 1] - 1)
    while window > first and calendars.before[window] > target:
        window -= 1
    return calendars.start[window] + target - calendars.before[window]
