"""Working time: calendars numbered, joined, intersected and laid out as arrays."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from woaas_solver_farm.problem import Calendar

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
        if other in (0, one):
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
